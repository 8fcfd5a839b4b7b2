"""What ``pisa-lab bench`` runs: seed-steps per second, a step against NumPy, the torch optimisers, and a copy."""
