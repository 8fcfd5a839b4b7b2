"""Deep models: their data, their training and its comparison; `families.FAMILIES` lists what can be trained."""
