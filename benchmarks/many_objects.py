"""What a session of many objects in a long video costs the kernel: to read, to change, to write.

    python -m benchmarks.many_objects [--objects 200] [--frames 10000]

Every object has a mask on every frame, made without a model. `benchmarks.many_objects_page` shows
the same in JupyterLab.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.timeline import StillSegmenter
from benchmarks.timing import max_memory_mb, print_ms, print_row, timed
from sam2_backend.video import Video
from sam2widget import Mask, Point, PromptSet, Sam2Widget, open_video, read_session
from sam2widget.annotation.classes import as_classes
from sam2widget.annotation.confidence import Review
from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.annotation.session import Session
from sam2widget.annotation.tables import FrameTable
from sam2widget.bridge.protocol import Message
from sam2widget.bridge.publisher import Publisher
from sam2widget.storage.fingerprint import Fingerprint
from sam2widget.storage.saved_session import SavedSession
from sam2widget.storage.session_file import read_fingerprint, write_session

HEIGHT, WIDTH, RADIUS = 270, 480, 14
CLASSES = as_classes(["person", "dog", "car"])
TIMES = 9


@cache
def disc(x: int, y: int) -> NDArray[np.uint32]:
    """Run lengths of a disc somewhere on the frame; a pixel is left at its right."""
    rows = np.arange(max(y - RADIUS, 0), min(y + RADIUS, HEIGHT))
    half = np.sqrt(RADIUS**2 - (rows - y) ** 2).astype(int)
    starts = rows * WIDTH + np.clip(x - half, 0, WIDTH - 1)
    stops = rows * WIDTH + np.clip(x + half, 0, WIDTH - 1)
    some = stops > starts
    bounds = np.column_stack((starts[some], stops[some])).ravel()
    return np.diff(bounds, prepend=0, append=HEIGHT * WIDTH).astype("<u4")


def make_masks(obj: int, num_frames: int) -> Iterator[Mask]:
    """An object's masks, whose rims tremble: hardly two are the same."""
    noise = np.random.default_rng(obj).integers(0, 2, (num_frames, 2 * RADIUS), np.uint32)
    for t in range(num_frames):
        runs = disc(*place(obj, t)).copy()
        longer = noise[t, : len(runs) // 2]
        runs[1::2] += longer
        runs[2::2] -= longer
        yield Mask(HEIGHT, WIDTH, runs.tobytes())


def place(obj: int, frame: int) -> tuple[int, int]:
    """Where an object is: each goes its own way, slowly."""
    x = (obj * 37 + frame // (5 + obj % 7)) % (WIDTH // 4)
    y = (obj * 53 + frame // (9 + obj % 5)) % (HEIGHT // 4)
    return 4 * x, 4 * y


def make_saved(num_objects: int, num_frames: int) -> SavedSession:
    """A session with all masks."""
    video = make_video(num_frames)
    objects = [
        ObjectInfo(
            id=obj,
            name=f"Object {obj}",
            color=ObjectInfo.numbered(obj).color,
            class_name=CLASSES[obj % len(CLASSES)].name,
            attributes={"occluded": obj % 2 == 0, "card": obj},
        )
        for obj in range(1, num_objects + 1)
    ]
    prompts = {
        (info.id, 0): PromptSet((Point(float(place(info.id, 0)[0]), 9.0, 1),)) for info in objects
    }
    rows = {
        info.id: {t: make_result(t, mask) for t, mask in enumerate(make_masks(info.id, num_frames))}
        for info in objects
    }
    return SavedSession(
        *(
            Fingerprint.of(video),
            None,
            "still",
            None,
            tuple(objects),
            prompts,
            FrameTable(rows=rows),
        ),
        classes=CLASSES,
        selected=1,
        non_overlapping=False,
    )


def make_result(frame: int, mask: Mask) -> Result:
    """What is known of an object on a frame."""
    state = "accepted" if frame % 1000 == 0 and frame else "fresh"
    return Result(mask, 6.0, 0.9, "track" if frame else "prompt", state)


def make_segmenter() -> StillSegmenter:
    """A model that is there at once and says the same everywhere."""
    return StillSegmenter(next(make_masks(1, 1)).to_array())


def make_video(num_frames: int) -> Video:
    """Frames of which only one is in memory."""
    frame_hw3 = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    return open_video(np.broadcast_to(frame_hw3, (num_frames, HEIGHT, WIDTH, 3)))


def make_widget(path: Path) -> Sam2Widget:
    """A widget that goes on from a session file of `make_saved`, and saves to it."""
    num_frames = read_fingerprint(path)[0].num_frames
    return Sam2Widget(make_video(num_frames), make_segmenter(), autosave=path)


def write_many(path: Path, num_objects: int, num_frames: int) -> None:
    """Write a session file of that size, and print how long it took."""
    made = make_saved(num_objects, num_frames)
    with timed("a session file written"):
        write_session(path, made)
    print_row("its size", f"{path.stat().st_size / 2**20:10.1f} MB")


def measure(num_objects: int, num_frames: int) -> None:
    """Print what the kernel takes for a session on which a view is shown."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.sam2.zip"
        write_many(path, num_objects, num_frames)
        with timed("the file read"):
            saved = read_session(path)
    session = Session(
        *(num_frames, HEIGHT, WIDTH),
        make_segmenter(),
        non_overlapping=False,
    )
    review = Review(session)
    session.listen(review.note)
    with timed("a session filled with it"):
        session.fill(saved.objects, saved.prompts, saved.results, saved.classes)
    sent: list[int] = []

    def send(message: Message, buffers: object) -> None:
        sent.append(1)

    publisher = Publisher(session, send, lambda: 0, review)
    publisher.outbox.hello("view")
    with timed("a view told of all, first"):
        publisher.replay()
    with timed("confidences of all objects"):
        for _ in publisher.tell_confidences():
            pass
    with timed("a view told of all, again"):
        publisher.replay()
    frames = iter(range(5000, num_frames) if num_frames > 6000 else range(1, num_frames))

    def click() -> None:
        session.add_point(next(frames), 100.0, 100.0, obj=7)
        publisher.publish(None)

    def accept(obj: int | None, start: int, stop: int) -> None:
        session.accept(obj, start, stop)
        publisher.publish(None)

    def reject(start: int, stop: int) -> None:
        session.reject(None, start, stop)
        publisher.publish(None)

    def remove() -> None:
        session.remove_object(3)
        publisher.publish(None)

    def undo() -> None:
        session.undo()
        publisher.publish(None)

    def classify() -> None:
        session.set_class(range(1, num_objects + 1), CLASSES[len(sent) % 3].name)
        publisher.publish(None)

    print_ms("a click", click, TIMES)
    print_ms("a frame of all accepted", lambda: accept(None, next(frames), next(frames)), TIMES)
    print_ms("that undone", undo, TIMES)
    print_ms("an object accepted", lambda: accept(2, 0, num_frames), 1)
    print_ms("that undone", undo, 1)
    print_ms("all accepted", lambda: accept(None, 0, num_frames), 1)
    print_ms("that undone", undo, 1)
    print_ms("all rejected", lambda: reject(0, num_frames), 1)
    print_ms("that undone", undo, 1)
    print_ms("an object removed", remove, 1)
    print_ms("that undone", undo, 1)
    print_ms("a class given to all objects", classify, TIMES)
    print_ms("the timelines read", lambda: timelines(session), TIMES)
    print_ms("what is to be tracked", lambda: session.has_pending, TIMES)
    print_ms("the next to check", review.next_unreviewed, 3)
    print_ms("what an autosave copies", session.tables.results.copy, 3)
    print_row("most memory", f"{max_memory_mb():10.0f} MB")


def timelines(session: Session) -> list[object]:
    """All timelines, as a view is told of them."""
    return [session.timeline(info.id) for info in session.objects]


def run(measure: Callable[[int, int], None], description: str | None) -> None:
    """Print all figures, for as many objects and frames as the command line says."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--frames", type=int, default=10_000)
    options = parser.parse_args()
    print(f"{options.objects} objects, {options.frames:,} frames")
    measure(options.objects, options.frames)


if __name__ == "__main__":
    run(measure, __doc__)
