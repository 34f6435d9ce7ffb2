"""What is raised where a video cannot be read."""


class VideoError(ValueError):
    """A video that cannot be read; the message says which, why and what to do."""
