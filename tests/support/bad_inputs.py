"""Bad inputs and what is said of each, as a table: `python -m tests.support.bad_inputs`."""

from __future__ import annotations

import json
import re
import tempfile
import warnings
import wave
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from sam2_backend import load_model
from sam2widget import (
    LiveVideo,
    Sam2Widget,
    __version__,
    export_masks,
    finetune,
    import_masks,
    open_video,
    propagate_many,
    read_session,
    segment_everything,
)
from sam2widget.bridge.protocol import parse
from tests.support.fakes import DiscSegmenter

FRAMES, HEIGHT, WIDTH = 8, 24, 32
CLIP = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
REQUEST = {"id": 1, "view": "v", "epoch": 1, "frame": 0, "object": 1, "x": 1.0, "y": 1.0}


class Bad:
    """A folder with bad files in it, and a widget on a good clip."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.widget = Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH), autosave=False)
        self.widget.wait_until_loaded()

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def picture(self, name: str) -> Path:
        """One in colour."""
        path = self.folder / name
        Image.fromarray(np.random.default_rng(0).integers(0, 256, CLIP[0].shape, np.uint8)).save(
            path
        )
        return path

    def arrays(self, name: str) -> Path:
        """Two of them in a file."""
        path = self.folder / name
        np.savez(path, left=CLIP, right=CLIP)
        return path

    def pictures(self, *arrays: NDArray[Any]) -> Path:
        """A folder of them."""
        for n, array in enumerate(arrays):
            Image.fromarray(array).save(self.folder / f"{n}.png")
        return self.folder

    def animation(self, name: str) -> Path:
        """Two frames, beside a picture."""
        first, second = Image.fromarray(CLIP[0]), Image.fromarray(CLIP[1] + np.uint8(255))
        first.save(self.folder / "0.png")
        first.save(self.folder / name, save_all=True, append_images=[second])
        return self.folder / name

    def sound(self, name: str) -> Path:
        path = self.folder / name
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(bytes(8000))
        return path

    def frames(self, names: Iterable[str]) -> Path:
        """A folder of pictures of these names."""
        folder = self.folder / "frames"
        folder.mkdir()
        for name in names:
            Image.fromarray(CLIP[0]).save(folder / name)
        return folder

    def masks(self, names: Iterable[str]) -> Path:
        """A folder of masks of these names."""
        folder = self.folder / "masks"
        folder.mkdir()
        for name in names:
            Image.fromarray(np.eye(HEIGHT, WIDTH, dtype=np.uint8) * 255).save(folder / name)
        return folder

    def recording(self) -> LiveVideo:
        """One that has room for two frames of eight."""
        live = LiveVideo(iter(CLIP[..., 0].astype(np.uint16)), max_bytes=4000, name="camera")
        live.wait(FRAMES)
        return live

    def session(self, change: Callable[[dict[str, bytes]], None]) -> Path:
        """A session file with changed members."""
        path = self.folder / "work.sam2.zip"
        other = Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH), autosave=False)
        other.add_point(0, 5, 5)
        other.save(path)
        other.close()
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        change(members)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    def pickled(self) -> Path:
        path = self.folder / "model.pt"
        torch.save({"model": print}, path)
        return path


def _newer(members: dict[str, bytes]) -> None:
    document = json.loads(members["session.json"])
    document["version"] = 99
    members["session.json"] = json.dumps(document).encode()


INPUTS: dict[str, Callable[[Bad], object]] = {
    # Videos
    "no such file": lambda bad: open_video("no/such.mp4"),
    "an empty file": lambda bad: open_video(bad.file("clip.mp4", b"")),
    "text named .mp4": lambda bad: open_video(bad.file("clip.mp4", b"not a video" * 99)),
    "an empty folder": lambda bad: open_video(bad.folder),
    "a broken PNG": lambda bad: open_video(bad.file("0.png", b"nothing")),
    "complex numbers": lambda bad: open_video(CLIP.astype(np.complex64)),
    "objects in an array": lambda bad: open_video(CLIP.astype(object)),
    "four pictures, or one of four colours": lambda bad: open_video(CLIP[:4, :, :, 0]),
    "five axes": lambda bad: open_video(CLIP[None]),
    "a plane that is none": lambda bad: open_video(CLIP, axes="TZYX", plane=99),
    "axes of another number": lambda bad: open_video(CLIP, axes="THW"),
    "axes that are none": lambda bad: open_video(CLIP, axes="time"),
    "a file of several arrays": lambda bad: open_video(bad.arrays("clips.npz")),
    "no frames": lambda bad: open_video(CLIP[:0]),
    "a set": lambda bad: open_video({1, 2}),  # pyright: ignore[reportArgumentType]
    "an unclear number of channels": lambda bad: open_video(np.zeros((8, 9, 24, 32))),
    "no such array in a file": lambda bad: open_video(bad.arrays("clips.npz") / "middle"),
    "pictures of two sizes": lambda bad: open_video(bad.pictures(CLIP[0], CLIP[0, 1:])),
    "a deep picture among others": lambda bad: open_video(
        bad.pictures(CLIP[0], CLIP[0, ..., 0].astype(np.uint16))
    ),
    "an animation among pictures": lambda bad: open_video(bad.animation("1.gif").parent),
    "a scan of 190 megapixels": lambda bad: open_video(
        bad.file("scan.pgm", b"P5 20000 9500 255\n")
    ),
    "a list of two sizes": lambda bad: open_video([CLIP[0], CLIP[0, 1:]], "video"),
    "sound without a picture": lambda bad: open_video(bad.sound("talk.wav")),
    "a window from high to low": lambda bad: open_video(CLIP, contrast=(200, 100)),
    "a contrast of words": lambda bad: open_video(CLIP, contrast=("low", "high")),  # pyright: ignore
    # Places
    "nothing at a URL": lambda bad: open_video("memory://none/dog.mp4"),
    "a server that is not there": lambda bad: open_video("http://127.0.0.1:9/dog.mp4"),
    "a list of URLs": lambda bad: open_video(["https://a.org/0.png", "https://a.org/1.png"]),
    # Live
    "a camera's number": lambda bad: open_video(7),  # pyright: ignore[reportArgumentType]
    "the address of a stream": lambda bad: open_video("rtsp://gate/1"),
    "an iterator of frames": lambda bad: open_video(iter(CLIP)),  # pyright: ignore
    "a function": lambda bad: open_video(lambda: CLIP[0]),  # pyright: ignore
    "a file as a live source": lambda bad: LiveVideo("dog.mp4"),
    "a live source of no kind": lambda bad: LiveVideo(b"frames"),  # pyright: ignore
    "a source that ends at once": lambda bad: LiveVideo(iter([])),
    "a stream that nobody sends": lambda bad: LiveVideo("http://127.0.0.1:9/live"),
    "a frame that is gone": lambda bad: bad.recording()[0],
    # Prompts
    "a click outside": lambda bad: bad.widget.add_point(0, 99, 5),
    "no such frame": lambda bad: bad.widget.add_point(99, 5, 5),
    "a label of 2": lambda bad: bad.widget.add_point(0, 5, 5, label=2),
    "a box from right to left": lambda bad: bad.widget.add_box(0, 9, 5, 3, 8),
    "a mask of another size": lambda bad: bad.widget.add_mask(0, np.ones((3, 3))),
    "a brush without radius": lambda bad: bad.widget.paint(0, [(1, 1)], 0),
    "an object 0": lambda bad: bad.widget.add_point(0, 5, 5, obj=0),
    "a point without x": lambda bad: bad.widget.add_point(0, None, 20),  # pyright: ignore
    "a stroke of words": lambda bad: bad.widget.paint(0, "abc"),
    "a name of a number": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        bad.widget.update_object(1, name=5),  # pyright: ignore
    ),
    "a detector that is none": lambda bad: setattr(bad.widget, "detector", "yolo"),
    "a memory policy that is none": lambda bad: Sam2Widget(
        CLIP, DiscSegmenter(HEIGHT, WIDTH), memory="distract", autosave=False
    ),
    "propagation of nothing": lambda bad: bad.widget.propagate(),
    "acceptance of nothing": lambda bad: bad.widget.accept(0),
    "undo of nothing": lambda bad: bad.widget.undo(),
    "an unknown object": lambda bad: bad.widget.remove_object(9),
    "a colour of no kind": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        bad.widget.update_object(1, color="javascript:alert(1)"),
    ),
    # Messages of a browser
    "an unknown message": lambda bad: parse({"type": "explode"}),
    "a frame of -1": lambda bad: parse({**REQUEST, "type": "click", "label": 1, "frame": -1}),
    "a text for a number": lambda bad: parse({**REQUEST, "type": "click", "label": 1, "x": "12"}),
    # Session files
    "no session file": lambda bad: read_session(bad.file("work.sam2.zip", b"PK or not")),
    "a newer session": lambda bad: read_session(bad.session(_newer)),
    "a path that leads outside": lambda bad: read_session(
        bad.session(lambda members: members.update({"../../evil.py": b"x"}))
    ),
    "a session without results": lambda bad: read_session(
        bad.session(lambda members: members.pop("results.npy"))
    ),
    "a session of another video": lambda bad: Sam2Widget.load(
        bad.session(lambda members: None), video=CLIP[:4], model=DiscSegmenter(HEIGHT, WIDTH)
    ),
    "a video that only looks the same": lambda bad: Sam2Widget.load(
        bad.session(lambda members: None), video=CLIP | 1, model=DiscSegmenter(HEIGHT, WIDTH)
    ),
    # Models
    "an unknown model": lambda bad: load_model("sam3-giant"),
    "weights that are none": lambda bad: load_model(bad.file("m.safetensors", b"0" * 99)),
    "a pickle that runs code": lambda bad: load_model(bad.pickled()),
    "a device that is none": lambda bad: load_model("nano", device="abacus"),
    # Masks in and out, and batches
    "an unknown format": lambda bad: export_masks(bad.widget, bad.folder / "out", "tiff"),
    "an option of no such format": lambda bad: export_masks(
        bad.widget, bad.folder / "out", "gif", crop=True
    ),
    "an option without sense": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        export_masks(bad.widget, bad.folder / "out.gif", every=0),
    ),
    "an export of nothing": lambda bad: export_masks(bad.widget, bad.folder / "out.npz"),
    "an export without a format": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        export_masks(bad.widget, bad.folder / "out"),
    ),
    "an export over a folder": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        (bad.folder / "d.mp4").mkdir(),
        bad.widget.export(bad.folder / "d.mp4"),
    ),
    "an export of a folder over a file": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        bad.widget.export(bad.file("notes.txt", b"notes"), "davis"),
    ),
    "an export below a file": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        bad.widget.export(bad.file("dog.mp4", b"film") / "x.json", "coco"),
    ),
    "a quality below 0": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        bad.widget.export(bad.folder / "out.mp4", crf=-5),
    ),
    "a quality of words": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        bad.widget.export(bad.folder / "out.mp4", crf="abc"),
    ),
    "a quality above 51": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        bad.widget.export(bad.folder / "out.mp4", crf=99),
    ),
    "a strength of words": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        bad.widget.export_video(bad.folder / "out.mp4", "blur", strength="lots"),  # pyright: ignore
    ),
    "an edge of words": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        bad.widget.export_video(bad.folder / "out.mp4", "blur", feather="soft"),  # pyright: ignore
    ),
    "an export to nowhere": lambda bad: bad.widget.export(None),  # pyright: ignore
    "a session saved to nowhere": lambda bad: bad.widget.save(None),  # pyright: ignore
    "a session called as text is": lambda bad: bad.widget.save(bad.folder / "s.txt"),
    "a session of a number": lambda bad: Sam2Widget.load(3),  # pyright: ignore
    "a number for a session's path": lambda bad: Sam2Widget(
        CLIP,
        DiscSegmenter(HEIGHT, WIDTH),
        autosave=3,  # pyright: ignore
    ),
    "an outline of words": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        bad.widget.export(bad.folder / "g.geojson", simplify="a"),
    ),
    "no such masks": lambda bad: import_masks("no/such.npz", CLIP),
    "masks of no known format": lambda bad: import_masks(bad.file("m.bin", b"0"), CLIP),
    "masks of a format that is written only": lambda bad: import_masks(
        bad.file("m.gif", b"GIF89a"), CLIP, "gif"
    ),
    "arrays that are none": lambda bad: import_masks(bad.file("m.npz", b"PK or not"), CLIP),
    "an array of five dimensions": lambda bad: bad.widget.import_masks(np.ones((2, 2, 2, 24, 32))),
    "JSON that is cut off": lambda bad: import_masks(
        bad.file("m.json", b'{"images": ['), CLIP, "coco"
    ),
    "JSON of a number": lambda bad: import_masks(bad.file("m.json", b"7"), CLIP),
    "COCO without annotations": lambda bad: import_masks(
        bad.file("m.json", b'{"images": []}'), CLIP, "coco"
    ),
    "a COCO annotation without a mask": lambda bad: import_masks(
        bad.file(
            "m.json",
            b'{"images": [{"id": 1, "file_name": "00000.jpg"}], "annotations": '
            b'[{"image_id": 1, "category_id": 1}]}',
        ),
        CLIP,
        "coco",
    ),
    "SA-V without masklets": lambda bad: import_masks(
        bad.file("m.json", b'{"masklet": []}'), CLIP, "sa-v"
    ),
    "labelme without shapes": lambda bad: import_masks(
        bad.file("m.json", b'{"imagePath": "00000.jpg"}'), CLIP, "labelme"
    ),
    "a labelme polygon of words": lambda bad: import_masks(
        bad.file(
            "m.json",
            b'{"imagePath": "00000.jpg", "shapes": [{"label": "cell", "points": [["a", "b"]]}]}',
        ),
        CLIP,
    ),
    "Label Studio's tasks without data": lambda bad: import_masks(
        bad.file("m.json", b'[{"annotations": []}]'), CLIP, "label-studio"
    ),
    "a Label Studio brush that is cut off": lambda bad: import_masks(
        bad.file(
            "m.json",
            b'[{"data": {"image": "00000.jpg"}, "annotations": [{"result": [{"type": '
            b'"brushlabels", "original_width": 32, "original_height": 24, "value": '
            b'{"brushlabels": ["cell"], "rle": [0, 0]}}]}]}]',
        ),
        CLIP,
    ),
    "Datumaro without items": lambda bad: import_masks(
        bad.file("m.json", b'{"categories": {}}'), CLIP, "datumaro"
    ),
    "a Datumaro mask without run lengths": lambda bad: import_masks(
        bad.file(
            "m.json",
            b'{"categories": {}, "items": [{"id": "00000", "annotations": [{"type": "mask", '
            b'"rle": 5}]}]}',
        ),
        CLIP,
    ),
    "a Cell Tracking folder without pictures": lambda bad: import_masks(
        bad.file("res_track.txt", b"1 0 7 0").parent, CLIP, "ctc"
    ),
    "a folder without a graph of GEFF": lambda bad: import_masks(bad.folder, CLIP, "geff"),
    "ROIs of ImageJ that are no zip": lambda bad: import_masks(
        bad.file("m.zip", b"no"), CLIP, "imagej"
    ),
    "ROIs called as a session file is": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        export_masks(bad.widget, bad.folder / "work.sam2.zip"),
    ),
    "soft edges of an effect without edges": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        export_masks(bad.widget, bad.folder / "out.mp4", matte="logits"),
    ),
    "a track of no four numbers": lambda bad: import_masks(
        bad.file("res_track.txt", b"1 0 end").parent, CLIP
    ),
    "a division of what has no mask before": lambda bad: (
        bad.widget.add_point(0, 5, 5),
        bad.widget.split(1, 0),
    ),
    "XML that is none": lambda bad: import_masks(bad.file("m.xml", b"<annotations"), CLIP, "cvat"),
    "names that are off by one": lambda bad: import_masks(
        bad.masks(f"{n:05}.png" for n in range(8)), bad.frames(f"{n:05}.jpg" for n in range(1, 9))
    ),
    "names of other frames": lambda bad: import_masks(
        bad.masks(["wolf.png", "mouse.png"]), bad.frames(["cat.png", "dog.png"])
    ),
    "two masks of one frame": lambda bad: import_masks(
        bad.masks(["cat_gt.png", "cat_mask.png"]), bad.frames(["cat.png", "dog.png"])
    ),
    "a folder without masks": lambda bad: import_masks(bad.folder, CLIP, "davis"),
    "a mask that is not named by a frame": lambda bad: import_masks(
        bad.picture("mask.png").parent, CLIP, "davis"
    ),
    "a photograph in place of a mask": lambda bad: import_masks(
        bad.picture("00000.png").parent, CLIP, "davis"
    ),
    "labels of words": lambda bad: import_masks(
        bad.file("00000.txt", b"0 here there").parent, CLIP, "yolo"
    ),
    "labels of boxes alone": lambda bad: import_masks(
        bad.file("00000.txt", b"0 0.5 0.5 0.1 0.1").parent, CLIP, "yolo"
    ),
    "probabilities that overshoot": lambda bad: bad.widget.add_mask(
        0, np.linspace(-0.1, 1.1, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    ),
    "values of no kind of mask": lambda bad: bad.widget.add_mask(
        0, np.linspace(0, 9.5, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    ),
    "a mask with NaN": lambda bad: bad.widget.add_mask(0, np.full((HEIGHT, WIDTH), np.nan)),
    "labels below 0": lambda bad: bad.widget.add_mask(0, np.full((HEIGHT, WIDTH), -1)),
    "labels as one object's mask": lambda bad: bad.widget.add_mask(
        0, np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) // WIDTH // 8
    ),
    "width before height": lambda bad: bad.widget.add_mask(0, np.ones((WIDTH, HEIGHT), bool)),
    "an import of background": lambda bad: bad.widget.import_masks(CLIP[..., 0]),
    "masks beyond the last frame": lambda bad: import_masks(
        [bad.picture("00007.png"), bad.picture("00015.png")], CLIP
    ),
    "masks of another size": lambda bad: bad.widget.import_masks([np.ones((3, 3), bool)]),
    "proposals of an empty list": lambda bad: segment_everything([], "nano"),
    "no videos at all": lambda bad: propagate_many([], bad.folder / "out"),
    "nothing to learn from": lambda bad: finetune([], "nano", out=bad.folder / "m.safetensors"),
}


def said_of(name: str) -> str:
    """The error that an input gets, without the folder that it lies in."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bad = Bad(Path(folder))
        try:
            INPUTS[name](bad)
        except ValueError as error:
            text = str(error)
        else:
            raise AssertionError(f"{name} was taken")
        finally:
            bad.widget.close()
    text = text.replace(f"{folder}/", "").replace(folder, "FOLDER").replace(str(Path.cwd()), "HERE")
    text = text.replace(__version__, "VERSION")
    return re.sub(r"\s+", " ", text)


def table() -> str:
    """All of them as Markdown."""
    rows = [f"| {name} | {said_of(name).replace('|', '/')} |" for name in INPUTS]
    return "\n".join(["| input | what is said |", "|---|---|", *rows])


if __name__ == "__main__":
    print(table())
