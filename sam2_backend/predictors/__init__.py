"""What users call: prompts on an image, tracking in a video, masks without a prompt, people."""
