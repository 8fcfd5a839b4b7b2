"""Short scripts to start from: clients over torchrun, silos under Flower."""
