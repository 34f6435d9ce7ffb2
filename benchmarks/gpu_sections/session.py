"""Frames a second of an annotation session, which is what the widget runs."""

from __future__ import annotations

import time
from dataclasses import replace

from .settings import Settings
from .tracking import BATCH, build, click_of, make_clip

OBJECTS = 2


def time_session(settings: Settings) -> None:
    """Print frames a second of a session with nano and two objects."""
    from sam2_backend.video import open_video
    from sam2widget.annotation.session import Session
    from sam2widget.models.sam2 import Sam2Segmenter

    height, width = settings.size_hw
    begin = BATCH * settings.warm_up
    frames = make_clip(begin + settings.frames + 1, settings.size_hw)
    for has_graphs in (False, True) if settings.is_cuda else (False,):
        way = "graphs" if has_graphs else "eager"
        if not settings.budget.allows(f"the session with {way}", 3):
            continue
        runtime = replace(settings.runtime, has_graphs=has_graphs)
        model = build("nano", runtime, settings.image_size)
        session = Session(len(frames), height, width, Sam2Segmenter(model, open_video(frames)))
        for obj in range(1, OBJECTS + 1):
            x, y = click_of(2 * obj, settings.size_hw)
            session.add_point(0, x, y, obj=obj)
        steps = session.propagate()
        for _ in range(begin):  # until shapes recur
            next(steps)
        began = time.perf_counter()
        done = sum(1 for _ in steps)
        took = time.perf_counter() - began
        print(
            f"- nano, {OBJECTS} objects, {height} x {width}, {way}: "
            f"**{done / took:.1f} frames a second**",
            flush=True,
        )
