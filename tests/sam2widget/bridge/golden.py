"""The golden messages that Python and TypeScript both read.

    python -m tests.sam2widget.bridge.golden

writes them anew, after a deliberate change of the protocol. Each is a JSON file with the message
and the names of its buffers, which lie beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sam2widget.bridge.codecs import encode_jpeg
from sam2widget.bridge.protocol import (
    Alive,
    Areas,
    Candidates,
    ChannelEntry,
    Chunk,
    Confidence,
    ContrastChanged,
    Decoder,
    DecoderPart,
    Done,
    DownloadEntry,
    Error,
    Exported,
    ExportExists,
    ExportProgress,
    Features,
    FormatEntry,
    Formats,
    Frame,
    Levels,
    MaskEntry,
    Masks,
    MemoryEntry,
    Message,
    ModelEntry,
    Models,
    OptionEntry,
    Preview,
    Progress,
    Prompts,
    ProposalEntry,
    Proposals,
    Region,
    ReplyTo,
    Saved,
    Script,
    Thumbnail,
    Timeline,
    Welcome,
    to_wire,
)
from sam2widget.core.masks import Mask

FOLDER = Path(__file__).parents[3] / "tests" / "fixtures" / "protocol"
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
        "frame": (Frame(11, reply_to, 4, None, False), [encode_jpeg(rgb)]),
        "masks": (
            Masks(seq=12, reply_to=reply_to, frame=4, complete=True, masks=entries),
            [Mask.from_array(array).runs for array in arrays],
        ),
        "frame-on-the-way": (Frame(11, reply_to, 3, 4, True), [encode_jpeg(rgb)]),
        "masks-none": (Masks(seq=13, reply_to=None, frame=0, complete=True, masks=[]), []),
        "contrast": (ContrastChanged(), []),
        "levels": (
            Levels(
                *(reply_to, 4, False, True, [0.0, 12.0], [4095.0, 900.5]),
                [
                    ChannelEntry(100.0, 4000.0, 1.0, "#ff0000", True),
                    ChannelEntry(12.5, 900.5, 0.5, "#00ffff", False),
                ],
            ),
            [bytes(range(0, 256, 4)), bytes(64)],
        ),
        "thumbnail": (Thumbnail(4), [encode_jpeg(rgb[::2, ::2])]),
        "region": (Region(reply_to, 0, 100, 200, 1100, 900), [encode_jpeg(rgb)]),
        "preview": (Preview(reply_to, 4, 0.75), [Mask.from_array(arrays[0]).runs]),
        "decoder": (Decoder(), [b"export default () => null;\n"]),
        "decoder_part": (DecoderPart(reply_to, "network", 512, 528), [bytes(range(16))]),
        "features": (
            Features(reply_to, "7", 32, 8, [10.5, 20.25], [1], False),
            [bytes(range(256))],
        ),
        "candidates": (
            Candidates(frame=4, object=1, chosen=2, ious=[0.5, 0.25, 0.875]),
            [Mask.from_array(array).runs for array in arrays],
        ),
        "candidates-none": (Candidates(frame=4, object=1, chosen=0, ious=[]), []),
        "proposals": (
            Proposals(4, [ProposalEntry(3, 0.875, 0.9375, int(arrays[1].sum()))]),
            [Mask.from_array(arrays[1]).runs],
        ),
        "prompts": (
            Prompts(4, 1, [(10.5, 20.25, 1), (3.0, 4.0, 0)], (1.0, 2.0, 30.5, 40.0), False),
            [],
        ),
        "prompts-none": (Prompts(4, 2, [], None, False), []),
        "timeline": (Timeline(1, [0, 9], [(3, 4)], [(4, 5)], [(1, 3), (5, 8)], [(8, 9)]), []),
        "confidence": (Confidence(object=1, start=3), [bytes([255, 200, 1, 0, 2])]),
        "progress": (Progress(True, 12, 5, 40, 6.5, 5.4, "backward", 0.8), []),
        "models": (
            Models(
                reply_to,
                [
                    ModelEntry("nano", "nano", "bundled", 10_762_694),
                    ModelEntry("sam2.1-hiera-tiny", "SAM 2.1 tiny", "download", 156_000_000),
                ],
                [MemoryEntry("plain", "as SAM 2"), MemoryEntry("mine", "")],
            ),
            [],
        ),
        "areas": (Areas(reply_to, 1), [np.array([0, 70_000, 12], "<u4").tobytes()]),
        "alive": (Alive(False), []),
        "alive-pausing": (Alive(True), []),
        "error": (Error(reply_to, "There is no frame 99: the video has frames 0 to 39."), []),
        "error-unasked": (Error(None, "The propagation stopped: out of memory."), []),
        "done": (Done(reply_to), []),
        "formats": (
            Formats(
                *(reply_to, "/home/me"),
                [
                    FormatEntry(
                        *("mp4", "the video with masks", "dog-overlay.mp4", True),
                        [OptionEntry("crf", "quality", "number", "20", [])],
                    ),
                    FormatEntry(
                        *("coco", "one JSON", "dog-masks.json", False),
                        [OptionEntry("outline", "which", "choice", "rle", ["rle", "polygons"])],
                    ),
                ],
            ),
            [],
        ),
        "export_progress": (ExportProgress(reply_to, 12, 40, 7.5), []),
        "export_exists": (ExportExists(reply_to, "There is a file.", "/home/me/a-2.mp4"), []),
        "exported": (Exported(reply_to, "Wrote /home/me/a.mp4.", "/home/me/a.mp4", None), []),
        "exported-download": (
            Exported(reply_to, "On its way.", "", DownloadEntry(1, "a.zip", 1200)),
            [],
        ),
        "chunk": (Chunk(1, 512), [bytes(range(16))]),
        "script": (Script(reply_to, "from sam2widget import Sam2Widget\n"), []),
        "saved": (Saved("saved", "/home/me/a.sam2.zip", 2.5), []),
        "saved-off": (Saved("off", "", None), []),
    }


def requests() -> dict[str, dict[str, Any]]:
    """One message of each kind that the browser sends."""
    every = {"id": 8, "view": VIEW, "epoch": EPOCH}
    kinds: dict[str, dict[str, Any]] = {
        "hello": {},
        "want": {"frame": 4, "pixels": False, "then": [5], "moving": True, "drawn": [9, 10]},
        "thumbnails": {"frames": [0, 10, 20]},
        "want_masks": {"frame": 4},
        "want_areas": {"object": 1},
        "want_levels": {"frame": 4},
        "want_region": {
            "frame": 0,
            "x0": 100,
            "y0": 200,
            "x1": 1100,
            "y1": 900,
            "width": 500,
            "height": 350,
        },
        "set_contrast": {
            "channels": [
                {"low": 100.0, "high": 4000.5, "gamma": 0.5, "color": "#ff0000", "visible": True}
            ]
        },
        "hover": {"frame": 4, "object": None, "x": 10.5, "y": 20.25},
        "want_features": {"frame": 4, "object": None},
        "want_decoder": {"file": "network", "offset": 512},
        "click": {"frame": 4, "object": None, "x": 10.5, "y": 20.25, "label": 1},
        "box": {"frame": 4, "object": 2, "x0": 1.0, "y0": 2.0, "x1": 30.5, "y1": 40.0},
        "paint": {
            "frame": 4,
            "object": 1,
            "shape": "brush",
            "erase": False,
            "radius": 3.5,
            "path": [1.0, 2.0, 3.5, 4.0],
        },
        "choose": {"frame": 4, "object": 1, "index": 2},
        "move_point": {
            "frame": 4,
            "object": 1,
            "index": 0,
            "x": 3.0,
            "y": 4.5,
            "change_accepted": True,
        },
        "remove_point": {"frame": 4, "object": 1, "index": 0},
        "remove_box": {"frame": 4, "object": 1},
        "clear_prompts": {"frame": 4, "object": 1},
        "add_object": {},
        "remove_object": {"object": 2},
        "split": {"object": 2, "frame": 4},
        "update_object": {"object": 2, "color": "#12ab9f"},
        "set_class": {"objects": [2, 5], "class_name": "Hünd", "add": True},
        "set_attributes": {
            "object": 2,
            "attributes": {"occluded": True, "id card": 7, "score": 0.5, "note": "a", "old": None},
        },
        "add_class": {"class_name": "cat"},
        "set_class_color": {"class_name": "cat", "color": "#12ab9f"},
        "propagate": {"start": None, "stop": 30, "direction": "both", "objects": [1, 2]},
        "accept": {"object": None, "start": 3, "stop": 9},
        "reject": {"object": 1, "start": 3, "stop": 4},
        "unreview": {"object": 1, "start": 3, "stop": 4},
        "reset": {"object": 1, "start": 0, "stop": 40},
        "next_unreviewed": {},
        "propose": {"frame": 4, "text": "zebra", "video": True},
        "adopt": {"frame": 4, "proposals": [3, 5], "merge": True, "object": None},
        "dismiss": {"frame": 4, "proposals": [7]},
        "set_non_overlapping": {"on": False},
        "want_models": {},
        "set_model": {"model": "sam2.1-hiera-tiny"},
        "set_memory": {"memory": "motion"},
        "cancel_model": {},
        "stop": {},
        "undo": {},
        "redo": {},
        "ack": {"seqs": [11, 12]},
        "ping": {},
        "visible": {"visible": False},
        "open_results": {},
        "export": {
            "format": "mp4",
            "path": "/home/me/a.mp4",
            "options": [{"name": "crf", "value": "18"}],
            "replace": False,
            "download": False,
        },
        "cancel_export": {},
        "want_chunk": {"download": 1, "offset": 512},
        "drop_download": {"download": 1},
        "set_background": {"jpeg": "/9j/4AAQ"},
        "write_script": {},
        "start_anew": {},
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
