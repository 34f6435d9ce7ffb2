"""What code calls: prompts, review, classes, results, and old ways of calling them."""
