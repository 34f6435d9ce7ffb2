"""The face in a terminal: `sam2widget demo`, `propagate`, `export`, `train` and others."""
