"""The commands of `pisa-lab` that need the problems: run, train, ablate and problems, one file each."""
