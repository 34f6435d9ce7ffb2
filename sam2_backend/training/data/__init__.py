"""Where clips come from, and how they become batches."""
