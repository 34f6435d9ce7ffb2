"""What a session asks of a model, and the models that answer."""
