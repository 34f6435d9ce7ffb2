"""What is raised where a person asks for what cannot be done."""


class SessionError(ValueError):
    """Something that cannot be done; the message says why and what to do instead."""
