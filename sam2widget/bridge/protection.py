"""Accepted masks change only on purpose: what else the browser asks of them is refused."""

from __future__ import annotations

from typing import TypeAlias

from ..annotation.session import Session
from ..core.errors import SessionError
from .protocol import (
    Adopt,
    Box,
    Choose,
    ClearPrompts,
    Click,
    MovePoint,
    Paint,
    RemoveBox,
    RemoveObject,
    RemovePoint,
    Request,
    Reset,
)

Places: TypeAlias = list[tuple[int, int]]
"""(object id, frame) of masks."""


def find_accepted(session: Session, request: Request, selected: int) -> Places:
    """Find the accepted masks that a request would change or take away.

    Parameters
    ----------
    selected : id of the selected object, which is meant where a prompt names none.

    Returns
    -------
    list of (int, int)
        Object id and frame of each, ascending.
    """
    match request:
        case Click() | Box() | Paint():
            obj = selected if request.object is None else request.object
            return _accepted_of(session, obj, range(request.frame, request.frame + 1))
        case Adopt(object=int(obj), merge=True, frame=frame):
            return _accepted_of(session, obj, range(frame, frame + 1))
        case Choose() | MovePoint() | RemovePoint() | RemoveBox() | ClearPrompts():
            return _accepted_of(session, request.object, range(request.frame, request.frame + 1))
        case RemoveObject(object=obj):
            return _accepted_of(session, obj, range(session.num_frames))
        case Reset(object=obj, start=start, stop=stop):
            frames = range(start, stop)
            chosen = [info.id for info in session.objects] if obj is None else [obj]
            return [place for one in chosen for place in _accepted_of(session, one, frames)]
        case _:
            return []


def check_purpose(session: Session, request: Request, selected: int) -> Places:
    """Refuse to change accepted masks, unless the request says that it is on purpose.

    Returns
    -------
    list of (int, int)
        Object id and frame of each accepted mask that is going to change, ascending.

    Raises
    ------
    SessionError
        When some are accepted, and the request does not say so.
    """
    places = find_accepted(session, request, selected)
    if places and not getattr(request, "change_accepted", False):
        raise SessionError(
            f"{describe(session, places)} accepted, so nothing was changed. Hold Alt, or answer "
            "the question in the widget, to change it all the same."
        )
    return places


def describe(session: Session, places: Places) -> str:
    """Name some masks, with the verb that follows: "dog on frame 3 is"."""
    names = {info.id: info.name for info in session.objects}
    objects = sorted({obj for obj, _ in places})
    frames = {frame for _, frame in places}
    where = f"frame {min(frames)}" if len(frames) == 1 else f"{len(frames)} frames"
    is_one = len(objects) == 1
    who = names[objects[0]] if is_one else f"{len(objects)} objects"
    return f"{who} on {where} {'is' if is_one else 'are'}"


def tell_of_change(session: Session, places: Places) -> str:
    """A sentence where masks that were accepted are no longer so; "" where they still are."""
    names = {info.id for info in session.objects}
    lost = [
        (obj, frame)
        for obj, frame in places
        if obj in names and not _is_accepted(session, obj, frame)
    ]
    if not lost:
        return ""
    return (
        f"{describe(session, lost)} no longer accepted, since you changed it. Undo brings it back."
    )


def _accepted_of(session: Session, obj: int, frames: range) -> Places:
    """Of an object; none of one that is locked, which the session itself refuses to change."""
    if not any(info.id == obj and not info.locked for info in session.objects):
        return []
    known = frames if len(frames) == 1 else sorted(session.results(obj))
    return [
        (obj, frame) for frame in known if frame in frames and _is_accepted(session, obj, frame)
    ]


def _is_accepted(session: Session, obj: int, frame: int) -> bool:
    result = session.result(frame, obj)
    return result is not None and result.state == "accepted"
