"""Objects, prompts, results, review and undo: what a person does to a video, in plain Python."""
