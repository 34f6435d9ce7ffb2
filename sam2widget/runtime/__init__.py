"""The one thread that runs the model, and what is asked of it."""
