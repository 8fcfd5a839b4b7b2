"""The kernel of the symbolic claims: facts that are checked exactly, proofs made of them, and Algorithm 1 itself."""
