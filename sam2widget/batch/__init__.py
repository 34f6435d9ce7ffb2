"""Many videos without a person: on this machine, on a Ray cluster, with prompts or without."""
