"""What tests do with a session, and how they look at it."""

from __future__ import annotations


def run(steps) -> list[int]:
    """Track to the end; the frames in their order."""
    return [tracked.frame for tracked in steps]


def run_search(steps) -> None:
    """Search for proposals to the end."""
    for _ in steps:
        pass


def states(session, obj=1) -> str:
    """One letter a frame: p prompted, f fresh, s stale, a accepted, . nothing."""
    prompted = session.timeline(obj).prompted
    letters = []
    for frame in range(session.num_frames):
        result = session.result(frame, obj)
        if result is not None and result.state == "accepted":
            letters.append("a")
        elif frame in prompted:
            letters.append("p")
        else:
            letters.append("." if result is None else result.state[0])
    return "".join(letters)


def everything(session):
    """All that a person can tell apart."""
    objects, frames = session.objects, range(session.num_frames)
    return (
        objects,
        {info.id: (session.timeline(info.id), session.results(info.id)) for info in objects},
        [session.prompts(frame, info.id) for frame in frames for info in objects],
    )
