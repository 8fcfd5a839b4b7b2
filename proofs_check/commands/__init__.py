"""The commands of `pisa-lab` that need the claims: verify, explain, claims, replay and worst-case, one file each."""
