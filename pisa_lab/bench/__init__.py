"""What ``pisa-lab bench`` runs: seed-steps per second, and a step against hand-written NumPy and a copy."""
