"""Sessions as training data, and fine-tuning on them."""
