"""All masks of an image, without a prompt."""
