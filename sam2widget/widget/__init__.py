"""The face in a notebook: `Sam2Widget`."""
