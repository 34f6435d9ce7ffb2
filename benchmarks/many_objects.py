"""What a session of many objects in a long video costs: to make, to open, to scroll, to change.

    python -m benchmarks.many_objects [--objects 200] [--frames 10000] [--browser]

Every object has a mask on every frame, made without a model. Times without `--browser` are those of
the kernel; with it, the widget is opened in JupyterLab besides.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.page import INTERRUPTIONS, Bench, header, row, shown
from benchmarks.start import WATCH
from benchmarks.timeline import StillSegmenter
from sam2_backend.video import Video
from sam2widget import Mask, Point, PromptSet, Sam2Widget, open_video, read_session
from sam2widget.annotation.classes import as_classes
from sam2widget.annotation.confidence import Review
from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.annotation.session import Session
from sam2widget.bridge.protocol import Message
from sam2widget.bridge.publisher import Publisher
from sam2widget.storage.fingerprint import Fingerprint
from sam2widget.storage.saved_session import SavedSession
from sam2widget.storage.session_file import write_session

HEIGHT, WIDTH, RADIUS = 270, 480, 14
CLASSES = as_classes(["person", "dog", "car"])
UPDATES = 9


@cache
def disc(x: int, y: int) -> Mask:
    """A mask somewhere on the frame."""
    rows = np.arange(max(y - RADIUS, 0), min(y + RADIUS, HEIGHT))
    half = np.sqrt(RADIUS**2 - (rows - y) ** 2).astype(int)
    starts = rows * WIDTH + np.clip(x - half, 0, WIDTH)
    stops = rows * WIDTH + np.clip(x + half, 0, WIDTH)
    some = stops > starts
    bounds = np.column_stack((starts[some], stops[some])).ravel()
    runs = np.diff(bounds, prepend=0, append=HEIGHT * WIDTH)
    return Mask.from_bytes(runs.astype("<u4").tobytes(), HEIGHT, WIDTH)


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
    results = {
        (info.id, t): Result(
            *(disc(*place(info.id, t)), 6.0, 0.9, "track" if t else "prompt"),
            "accepted" if t % 1000 == 0 and t else "fresh",
        )
        for info in objects
        for t in range(num_frames)
    }
    return SavedSession(
        *(Fingerprint.of(video), None, "still", None, tuple(objects), prompts, results),
        classes=CLASSES,
        selected=1,
        non_overlapping=False,
    )


def make_video(num_frames: int) -> Video:
    """Frames of which only one is in memory."""
    frame_hw3 = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    return open_video(np.broadcast_to(frame_hw3, (num_frames, HEIGHT, WIDTH, 3)))


def make_widget(saved: SavedSession) -> Sam2Widget:
    """A widget that shows a session from `make_saved`."""
    segmenter = StillSegmenter(disc(*place(1, 0)).to_array())
    video = make_video(saved.video.num_frames)
    return Sam2Widget(video, segmenter, saved=saved, autosave=False)


def measure_kernel(num_objects: int, num_frames: int) -> None:
    """Print what the kernel takes for a session on which a view is shown."""
    with timed("masks made"):
        saved = make_saved(num_objects, num_frames)
    print(f"  memory with them               {memory_mb():8.0f} MB")
    session = Session(
        *(num_frames, HEIGHT, WIDTH),
        StillSegmenter(disc(*place(1, 0)).to_array()),
        non_overlapping=False,
    )
    review = Review(session)
    session.listen(review.note)
    with timed("a session filled with them"):
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

    print(f"  a click told                   {repeat_ms(click):8.1f} ms")

    def classify() -> None:
        session.set_class(range(1, num_objects + 1), CLASSES[len(sent) % 3].name)
        publisher.publish(None)

    print(f"  a class given to all objects   {repeat_ms(classify):8.1f} ms")
    print(f"  the timelines read             {repeat_ms(lambda: timelines(session)):8.1f} ms")
    print(f"  what is to be tracked          {repeat_ms(lambda: session.has_pending):8.1f} ms")
    print(f"  the next to check              {repeat_ms(review.next_unreviewed, 3):8.1f} ms")
    print(f"  what an autosave copies        {repeat_ms(session.tables.results.copy, 3):8.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.sam2.zip"
        with timed("a session file written"):
            write_session(path, saved)
        print(f"  its size                       {path.stat().st_size / 2**20:8.1f} MB")
        with timed("the file read"):
            read_session(path)
    print(f"  most memory                    {memory_mb():8.0f} MB")


def timelines(session: Session) -> list[object]:
    """All timelines, as a view is told of them."""
    return [session.timeline(info.id) for info in session.objects]


CELLS = (
    "import time\nfrom benchmarks.many_objects import make_saved, make_widget",
    "saved = make_saved({}, {})",
    "began_at = time.time()\nw = make_widget(saved)\nmade_at = time.time()\nw",
)

SCROLL = """async (element) => {
    const wait = () => new Promise((done) => requestAnimationFrame(done));
    for (let n = 0; n < 120; n++) {
        element.scrollTop = (element.scrollHeight - element.clientHeight) * (n % 60) / 59;
        await wait();
    }
    return window.endRecording();
}"""

SCROLLED = """(root) => [...root.querySelectorAll("*")]
    .filter((one) => one.scrollHeight > one.clientHeight + 40
        && /auto|scroll/.test(getComputedStyle(one).overflowY))
    .sort((a, b) => b.scrollHeight - a.scrollHeight)[0]"""
"""The part of a widget that scrolls the most."""


def measure_browser(num_objects: int, num_frames: int) -> None:
    """Print what a page takes to show it."""
    cells = [CELLS[0], CELLS[1].format(num_objects, num_frames), CELLS[2]]
    with shown(cells, WIDTH, HEIGHT, WATCH) as bench:
        page, widget = bench.page, bench.widget
        widget.wait_for("objects", num_objects)
        firsts = page.evaluate("window.firsts")
        began_at, made_at = json.loads(bench.run("import json; print([began_at, made_at])"))
        print(f"  the widget made                {made_at - began_at:8.1f} s")
        print(
            f"  frame and masks painted        {firsts['data-masks-drawn'] - made_at:8.1f} s later"
        )
        bench.run("w._controller.wait_until_idle()")
        print(f"  all certainties told           {time.time() - made_at:8.1f} s later")
        session = page.context.new_cdp_session(page)
        session.send("HeapProfiler.collectGarbage")
        session.send("Performance.enable")
        told = {
            one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]
        }
        print(f"  heap of the page               {told['JSHeapUsedSize'] / 2**20:8.1f} MB")
        print(f"  nodes of the page              {told['Nodes']:8.0f}")
        element = widget.root.evaluate_handle(SCROLLED)
        if element.as_element() is not None:
            page.evaluate(INTERRUPTIONS)
            seen = element.evaluate(SCROLL)
            print(header("the table scrolled, ms"))
            print(row("  between frames of the page", seen["intervalsMs"]))
            if seen["longTasksMs"]:
                print(row("  tasks over 50 ms", seen["longTasksMs"]))
        print(header("from the kernel to the page, ms"))
        for name, code in (
            ("another object selected", "w.selected = w.selected % {} + 1"),
            (
                "a class given to one",
                "w.set_class(1, ['dog', 'car'][w.objects[0].class_name == 'dog'])",
            ),
        ):
            print(
                row(
                    f"  {name}",
                    [update_ms(bench, code.format(num_objects)) for _ in range(UPDATES)],
                )
            )


def update_ms(bench: Bench, code: str) -> float:
    """Milliseconds that an edit in the kernel takes, the page's answer to it included."""
    text = bench.run(
        "import time, json\nbegan = time.perf_counter()\n"
        f"{code}\nprint(json.dumps(1000 * (time.perf_counter() - began)))"
    )
    bench.page.evaluate("() => new Promise(requestAnimationFrame)")
    return float(json.loads(text))


@contextmanager
def timed(name: str) -> Generator[None]:
    """Print how long something took."""
    began_at = time.perf_counter()
    yield
    print(f"  {name:<30} {time.perf_counter() - began_at:8.2f} s", flush=True)


def repeat_ms(call: Callable[[], object], times: int = UPDATES) -> float:
    """Median time of a call, in milliseconds."""
    took_ms: list[float] = []
    for _ in range(times):
        began_at = time.perf_counter()
        call()
        took_ms.append(1000 * (time.perf_counter() - began_at))
    return median(took_ms)


def memory_mb() -> float:
    """The most memory that this process had so far."""
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--browser", action="store_true")
    options = parser.parse_args()
    print(f"{options.objects} objects, {options.frames:,} frames")
    measure_kernel(options.objects, options.frames)
    if options.browser:
        print("in JupyterLab")
        measure_browser(options.objects, options.frames)


if __name__ == "__main__":
    main()
