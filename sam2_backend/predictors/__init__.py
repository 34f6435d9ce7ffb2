"""What users call: prompts on one image, prompts and tracking in a video, masks without a prompt."""
