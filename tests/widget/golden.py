"""The golden messages that Python and TypeScript both read.

    python -m tests.widget.golden

writes them anew, after a deliberate change of the protocol. Each is a JSON file with the message
and the names of its buffers, which lie beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sam2widget.codecs import encode_jpeg
from sam2widget.masks import Mask
from sam2widget.protocol import (
    Done,
    Error,
    Frame,
    MaskEntry,
    Masks,
    Message,
    Progress,
    Prompts,
    ReplyTo,
    Timeline,
    Welcome,
    to_wire,
)

FOLDER = Path(__file__).parents[1] / "fixtures" / "protocol"
EPOCH = 3
VIEW = "3f0c2a52-6f6b-4c57-9d7a-0a5f8b1f2c11"


def mask_arrays() -> list[np.ndarray]:
    """A disc, a mask that begins inside and one that is empty."""
    y, x = np.mgrid[:12, :16]
    disc = (x - 8) ** 2 + (y - 6) ** 2 < 20
    return [disc, x < 5, np.zeros((12, 16), bool)]


def messages() -> dict[str, tuple[Message, list[bytes]]]:
    """One message of each kind that the kernel sends, with its buffers."""
    reply_to = ReplyTo(VIEW, 7)
    arrays = mask_arrays()
    entries = [
        MaskEntry(object=1, score=6.25, iou=0.875, source="prompt", state="fresh", area=0),
        MaskEntry(object=2, score=1.5, iou=0.5, source="track", state="stale", area=0),
        MaskEntry(object=5, score=-3.0, iou=0.25, source="edit", state="accepted", area=0),
    ]
    entries = [
        MaskEntry(e.object, e.score, e.iou, e.source, e.state, int(array.sum()))
        for e, array in zip(entries, arrays, strict=True)
    ]
    rgb = np.dstack([mask.astype(np.uint8) * 200 for mask in arrays])
    return {
        "welcome": (Welcome(reply_to), []),
        "frame": (Frame(seq=11, frame=4), [encode_jpeg(rgb)]),
        "masks": (
            Masks(seq=12, reply_to=reply_to, frame=4, complete=True, masks=entries),
            [Mask.from_array(array).runs for array in arrays],
        ),
        "masks-none": (Masks(seq=13, reply_to=None, frame=0, complete=True, masks=[]), []),
        "prompts": (
            Prompts(4, 1, [(10.5, 20.25, 1), (3.0, 4.0, 0)], (1.0, 2.0, 30.5, 40.0), False),
            [],
        ),
        "prompts-none": (Prompts(4, 2, [], None, False), []),
        "timeline": (Timeline(1, [0, 9], [(3, 4)], [(1, 3), (4, 8)], [(8, 9)]), []),
        "progress": (Progress(True, 12, 5, 40, 6.5, 5.4, "backward"), []),
        "error": (Error(reply_to, "There is no frame 99: the video has frames 0 to 39."), []),
        "error-unasked": (Error(None, "The propagation stopped: out of memory."), []),
        "done": (Done(reply_to), []),
    }


def requests() -> dict[str, dict[str, Any]]:
    """One message of each kind that the browser sends."""
    every = {"id": 8, "view": VIEW, "epoch": EPOCH}
    kinds: dict[str, dict[str, Any]] = {
        "hello": {},
        "want": {"frame": 4},
        "click": {"frame": 4, "object": None, "x": 10.5, "y": 20.25, "label": 1},
        "box": {"frame": 4, "object": 2, "x0": 1.0, "y0": 2.0, "x1": 30.5, "y1": 40.0},
        "remove_point": {"frame": 4, "object": 1, "index": 0},
        "remove_box": {"frame": 4, "object": 1},
        "clear_prompts": {"frame": 4, "object": 1},
        "add_object": {},
        "remove_object": {"object": 2},
        "update_object": {"object": 2, "color": "#12ab9f"},
        "propagate": {"start": None, "stop": 30, "direction": "both"},
        "stop": {},
        "undo": {},
        "redo": {},
        "ack": {"seq": 12},
        "visible": {"visible": False},
    }
    return {kind: {"type": kind, **every, **fields} for kind, fields in kinds.items()}


def files() -> dict[str, bytes]:
    """Every file of the folder, by name."""
    made: dict[str, bytes] = {}
    for name, (message, buffers) in messages().items():
        names = [f"{name}.{i}.bin" for i in range(len(buffers))]
        content = {"message": to_wire(message, EPOCH), "buffers": names}
        made[f"{name}.json"] = _json(content)
        made.update(zip(names, buffers, strict=True))
    for name, message in requests().items():
        made[f"request-{name}.json"] = _json({"message": message, "buffers": []})
    return made


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)
