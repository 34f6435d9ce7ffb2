"""Pictures in files: single ones, folders, animations and stacks of pages."""
