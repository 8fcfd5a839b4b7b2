"""What is claimed of PISA, and what a check finds: symbolic, certified and measured claims in one table."""
