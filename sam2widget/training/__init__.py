"""Sessions as training data, and fine-tuning with them."""
