"""Masks come to the frames that their names say, and exports say the names of the frames."""

from __future__ import annotations

import csv
import json
import unicodedata

import numpy as np
import pytest

from sam2widget import SessionError, export_masks, open_video
from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.core.masks import Mask
from sam2widget.export import FORMATS, Segmentation, to_dataframe
from tests.support.optional_formats import is_usable, need_library_of

from .elsewhere import (
    FRAMES,
    LABELS,
    NAMELESS,
    OTHER,
    TRUTH,
    assert_masks,
    coco,
    folder,
    import_noting,
    video_of,
)

SOURCES = {
    "from 1": [f"{n:05}.jpg" for n in range(1, 7)],
    "every fifth": [f"{n:05}.png" for n in range(0, 30, 5)],
    "with gaps": [f"{n:05}.jpg" for n in (0, 1, 4, 5, 6, 9)],
    "words": ["cat.png", "dog.png", "zebra.png"],
    "hashes": [f"img-{n}_jpg.rf.{7919 * n:032x}.jpg" for n in range(4)],
    "Roboflow": ["cat_jpg.rf.0a.jpg", "dog_jpg.rf.0b.jpg"],
    "signs": ["a b.jpg", "x(1)+@2x.jpg", "a.b.c.jpg", "ü ñ.jpg", "日本.png"],
    "one stem twice": ["a.jpg", "a.png", "b.jpg"],
    "one name in two folders": ["one/1.jpg", "one/2.jpg", "two/1.jpg", "two/2.jpg"],
    "dates": ["2024-01-02T10_20.jpg", "2024-01-02T11_05.jpg", "2024-01-03T09_00.jpg"],
}
READABLE = [one.name for one in FORMATS.values() if one.read is not None]


def named_frames(names):
    """A video in memory whose frames have names."""
    video = open_video(np.zeros((len(names), *TRUTH.shape[1:], 3), np.uint8))
    video.names = names
    return video


def segmentation_of(video) -> Segmentation:
    """Object 1 in the middle of the video, object 2 on its last frame."""
    at, last = len(video) // 2, len(video) - 1
    objects = ObjectInfo.numbered(1), ObjectInfo.numbered(2)
    masks = {(1, at): TRUTH[at], (2, last): OTHER[last]}
    results = {
        key: Result(Mask.from_array(mask), 3.0, 0.9, "prompt") for key, mask in masks.items()
    }
    return Segmentation.make(video, objects, results)


@pytest.mark.parametrize("form", READABLE)
@pytest.mark.parametrize("names", SOURCES.values(), ids=SOURCES)
def test_what_is_written_comes_back_to_the_same_pictures(tmp_path, names, form):
    need_library_of(form)
    video = video_of(tmp_path / "in", names)
    segmentation = segmentation_of(video)
    ways = [{}, {"frames": True}] if form in ("davis", "youtube-vos", "coco", "yolo") else [{}]
    ways = [{"every": 1}] if form == "sa-v" else ways
    for n, options in enumerate(ways):
        path = export_masks(segmentation, tmp_path / f"out{n}" / "masks", form, **options)
        found, said = import_noting(path, video, form)
        at, last = len(video) // 2, len(video) - 1
        assert_masks(found, {at: TRUTH[at]}, {last: OTHER[last]})
        assert not said


def test_a_part_of_a_folder_takes_what_was_exported_of_all(tmp_path):
    """Which positions alone would put on other pictures."""
    names = SOURCES["from 1"]
    segmentation = segmentation_of(video_of(tmp_path / "all", names))
    part = video_of(tmp_path / "part", names[2:])
    for form in filter(is_usable, READABLE):
        options = {"every": 1} if form == "sa-v" else {}
        path = export_masks(segmentation, tmp_path / form, form, **options)
        found, _ = import_noting(path, part, form)
        assert_masks(found, {1: TRUTH[3]}, {3: OTHER[5]})


def test_exports_have_the_names_of_the_source(tmp_path):
    names = ["cat.png", "dog.jpg", "zebra.png"]
    segmentation = segmentation_of(video_of(tmp_path / "pets", names))
    images = json.loads(export_masks(segmentation, tmp_path / "a.json", "coco").read_text())
    assert [image["file_name"] for image in images["images"]] == names
    davis = export_masks(segmentation, tmp_path / "davis", "davis", frames=True)
    assert sorted(file.name for file in davis.rglob("*.png")) == ["cat.png", "dog.png", "zebra.png"]
    assert sorted(file.stem for file in davis.rglob("*.jpg")) == ["cat", "dog", "zebra"]
    yolo = export_masks(segmentation, tmp_path / "yolo", "yolo")
    assert sorted(file.name for file in yolo.rglob("*.txt")) == ["dog.txt", "zebra.txt"]
    meta = json.loads(
        (export_masks(segmentation, tmp_path / "yt", "youtube-vos") / "meta.json").read_text()
    )
    assert meta["videos"]["list"]["objects"]["1"]["frames"] == ["dog"]
    cutouts = export_masks(segmentation, tmp_path / "cutouts", "cutouts")
    assert sorted(file.name for file in cutouts.rglob("*.png")) == ["dog.png", "zebra.png"]
    for name in filter(is_usable, ("png", "exr")):
        pictures = export_masks(segmentation, tmp_path / name, name, matte="mask")
        assert sorted(file.stem for file in pictures.iterdir()) == ["cat", "dog", "zebra"]
    with np.load(export_masks(segmentation, tmp_path / "a.npz")) as file:
        assert file["frame_names"].tolist() == names
    with export_masks(segmentation, tmp_path / "a.csv").open(newline="") as file:
        assert [row["frame_name"] for row in csv.DictReader(file)] == ["dog.jpg", "zebra.png"]
    pytest.importorskip("pandas", reason="pandas is no dependency")
    assert to_dataframe(segmentation).frame_name.tolist() == ["dog.jpg", "zebra.png"]


def test_a_sequence_of_pictures_goes_on_with_the_numbers_of_its_source(tmp_path):
    names = [f"shot_{n:06}.jpg" for n in range(1001, 1005)]
    segmentation = segmentation_of(video_of(tmp_path / "shot", names))
    for name in filter(is_usable, ("png", "exr")):
        pictures = export_masks(segmentation, tmp_path / name, name, matte="mask")
        found = sorted(file.name for file in pictures.iterdir())
        assert found == [f"shot_{n:06}.{name}" for n in range(1001, 1005)]


def test_two_frames_never_share_a_file(tmp_path):
    """Also where file systems take capitals for small letters."""
    video = named_frames(["A.jpg", "a.jpg", "a.png", "a"])
    segmentation = segmentation_of(video)
    path = export_masks(segmentation, tmp_path, "davis")
    stems = [file.stem.casefold() for file in path.rglob("*.png")]
    assert len(set(stems)) == len(stems) == 4


MATCHES = [
    # frames, masks, frame of each mask (None: left out), what is said
    ("same names", "from 1", ["00002.png", "00004.png"], [1, 3], []),
    ("with folders", "from 1", ["x/y/00002.png"], [1], []),
    ("capitals", "words", ["CAT.PNG", "Dog.tif"], [0, 1], []),
    ("composed", "signs", [unicodedata.normalize("NFD", "ü ñ.png")], [3], []),
    ("dots", "signs", ["a.b.c.png"], [2], []),
    ("what tools add", "words", ["cat_mask.png", "dog_cp_masks.tif"], [0, 1], ["cat_mask.png"]),
    ("Roboflow", "words", ["cat_jpg.rf.0af3.png", "dog_png.rf.1.png"], [0, 1], ["is taken for"]),
    ("Label Studio", "words", ["3f2a1b4c-zebra.png"], [2], ["is taken for zebra.png"]),
    ("numbers in both", "from 1", ["m_2.png", "m_6.png"], [1, 5], ["the numbers in both"]),
    ("order", "every fifth", [f"m_{n}.png" for n in range(6)], [*range(6)], ["order of numbers"]),
    ("number", "words", ["00000.png", "00002.png"], [0, 2], ["number, from 0"]),
    ("another hash", "Roboflow", ["cat_jpg.rf.ff.png", "dog.png"], [0, 1], ["other additions"]),
    (
        "one more",
        "words",
        ["cat.png", "dog.png", "mouse.png"],
        [0, 1, None],
        ["1 frame that", "mouse.png"],
    ),
]


@pytest.mark.parametrize(
    ("frames", "masks", "places", "says"),
    [one[1:] for one in MATCHES],
    ids=[one[0] for one in MATCHES],
)
def test_masks_come_to_the_frames_that_are_called_so(tmp_path, frames, masks, places, says):
    video = named_frames(SOURCES[frames])
    files = folder(tmp_path, masks, lambda n: 255 * TRUTH[n].astype(np.uint8))
    found, said = import_noting([files / name for name in masks], video)
    assert_masks(found, {t: TRUTH[n] for n, t in enumerate(places) if t is not None})
    assert bool(said) == bool(says) and all(any(word in one for one in said) for word in says)


REFUSED = [
    ("none of them", "words", ["wolf.png", "mouse.png"], "wolf.png, mouse.png.* called cat.png"),
    (
        "counting from another number",
        "from 1",
        [f"{n:05}.png" for n in range(6)],
        "00000.png is none",
    ),
    ("hardly any", "every fifth", [f"{n:05}.png" for n in range(5, 10)], "only 1 of them"),
    ("two for one", "words", ["cat_mask.png", "cat_gt.png"], "both|all mean the frame cat.png"),
    (
        "objects on a frame",
        "from 1",
        ["00003_1.png", "00003_2.png"],
        "00003_1.png, whose number may be that of the frame",
    ),
    ("numbers beyond", "from 1", ["m_1.png", "m_60.png"], "m_1.png, m_60.png, but the frames"),
]


@pytest.mark.parametrize(
    ("frames", "masks", "says"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
def test_what_cannot_be_matched_is_refused_with_names_of_both(tmp_path, frames, masks, says):
    files = folder(tmp_path, masks, lambda n: 255 * TRUTH[n].astype(np.uint8))
    with pytest.raises(SessionError, match=says):
        import_noting([files / name for name in masks], named_frames(SOURCES[frames]))


def test_frames_without_names_go_by_number_and_numbers_from_1_are_said(tmp_path):
    masks = folder(tmp_path / "0", [f"frame_{n:06}.png" for n in range(6)], LABELS.__getitem__)
    found, said = import_noting(masks, NAMELESS)
    assert_masks(found, dict(enumerate(TRUTH)), dict(enumerate(OTHER)))
    assert not said
    masks = folder(tmp_path / "1", [f"{n + 1:05}.png" for n in range(6)], LABELS.__getitem__)
    found, said = import_noting(masks, NAMELESS)
    assert_masks(found, dict(enumerate(TRUTH)), dict(enumerate(OTHER)))
    assert "count from 1" in said[0]
    masks = folder(tmp_path / "5", [f"{5 * n:05}.png" for n in range(6)], LABELS.__getitem__)
    with pytest.raises(SessionError, match=r"00010.png, 00015.png.*frames 0 to 5, without names"):
        import_noting(masks, NAMELESS)
    masks = folder(tmp_path / "2", ["3.png", "03.png"], LABELS.__getitem__)
    with pytest.raises(SessionError, match=r"both .*3\.png.* for frame 3"):
        import_noting(masks, NAMELESS)


@pytest.mark.parametrize(
    "called",
    [
        "images/{}",
        "images\\{}",
        "../../data/upload/{}",
        "https://x.org/data/{}?sig=1",
        "0a1b2c3d-{}",
    ],
)
def test_coco_of_other_tools_finds_pictures_below_their_paths(tmp_path, called):
    names = SOURCES["from 1"]
    path = coco(tmp_path / "a.json", [called.format(name) for name in names], track_id=1)
    assert_masks(import_noting(path, named_frames(names))[0], dict(enumerate(TRUTH)))


def test_coco_of_a_whole_data_set_gives_the_pictures_that_are_here(tmp_path):
    names = ["cat.png", "dog.png", *(f"other{n}.png" for n in range(4))]
    found, said = import_noting(
        coco(tmp_path / "a.json", names, track_id=1), named_frames(names[:2])
    )
    assert_masks(found, {0: TRUTH[0], 1: TRUTH[1]})
    assert "4 frames that this video has not" in said[0] and "other0.png" in said[0]
    videos = [f"{video}/{n}.jpg" for video in ("left", "right") for n in range(3)]
    film = named_frames([f"{n}.jpg" for n in range(3)])
    film.name = "right"
    found, _ = import_noting(coco(tmp_path / "b.json", videos, track_id=1), film)
    assert_masks(found, {t: TRUTH[3 + t] for t in range(3)})
    film.name = "middle"
    with pytest.raises(SessionError, match=r"left/0.jpg, right/0.jpg, which all mean"):
        import_noting(tmp_path / "b.json", film)


def test_an_export_by_position_comes_back_by_frame_id(tmp_path):
    """As earlier versions wrote folders that count from 1."""
    path = coco(tmp_path / "a.json", [f"clip/{n:05}.jpg" for n in range(FRAMES)], track_id=1)
    document = json.loads(path.read_text())
    for n, image in enumerate(document["images"]):
        image["frame_id"] = n
    document["annotations"] = document["annotations"][2:3]
    path.write_text(json.dumps(document))
    found, said = import_noting(path, named_frames(SOURCES["from 1"]))
    assert_masks(found, {2: TRUTH[2]})
    assert "frame_id" in said[0]


def test_a_list_of_masks_in_several_folders_keeps_them_apart(tmp_path):
    names = SOURCES["one name in two folders"]
    video = video_of(tmp_path / "frames", names)
    files = folder(tmp_path / "masks", [n.replace("jpg", "png") for n in names], LABELS.__getitem__)
    found, said = import_noting(sorted(files.rglob("*.png")), video)
    assert_masks(found, dict(enumerate(TRUTH[:4])), dict(enumerate(OTHER[:4])))
    assert not said
