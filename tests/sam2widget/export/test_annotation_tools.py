"""What is written for programs in which people annotate is read by their own libraries."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2widget import Sam2Widget, SessionError, import_masks
from sam2widget.export import export_masks
from sam2widget.export.encodings.label_studio import decode_brush, encode_brush
from sam2widget.export.reading.entries import EntryError
from tests.support.fakes import ChoosySegmenter

from .conftest import FRAMES, HEIGHT, NAMES, WIDTH, masks
from .elsewhere import FRAMES as FEW
from .elsewhere import HEIGHT as HIGH
from .elsewhere import NAMELESS, TRUTH, assert_masks, corners, import_noting, video_of
from .elsewhere import WIDTH as WIDE

SEEN = {key: mask for key, mask in masks().items() if mask.any()}
CATEGORIES = list(dict.fromkeys(NAMES.values()))
TRACK = {t: TRUTH[t] for t in range(FEW)}


# labelme


def test_labelme_reads_the_very_masks(segmentation, tmp_path):
    label_file = pytest.importorskip("labelme._label_file")
    path = export_masks(segmentation, tmp_path / "out", "labelme", frames=True)
    found = {}
    for frame in range(FRAMES):
        read = label_file.LabelFile(str(path / f"{frame:05}.json"))
        with Image.open(io.BytesIO(read.image_data)) as picture:
            assert picture.size == (WIDTH, HEIGHT)
        for shape in read.shapes:
            (x0, y0), (x1, y1) = np.array(shape["points"]).astype(int)
            mask = np.zeros((HEIGHT, WIDTH), bool)
            mask[y0 : y1 + 1, x0 : x1 + 1] = shape["mask"]
            found[shape["group_id"], frame] = mask
            assert shape["label"] == NAMES[shape["group_id"]]
    assert found.keys() == SEEN.keys()
    for key, mask in SEEN.items():
        np.testing.assert_array_equal(found[key], mask)


def test_labelme_keeps_polygons_of_one_object_together(segmentation, tmp_path):
    shape_utils = pytest.importorskip("labelme.utils.shape")
    path = export_masks(segmentation, tmp_path / "out", "labelme", outline="polygons")
    for frame in range(FRAMES):
        shapes = json.loads((path / f"{frame:05}.json").read_bytes())["shapes"]
        for obj in {shape["group_id"] for shape in shapes}:
            parts = [shape["points"] for shape in shapes if shape["group_id"] == obj]
            filled = [shape_utils.shape_to_mask((HEIGHT, WIDTH), part, "polygon") for part in parts]
            # Its fill takes every pixel that the outline touches.
            wrong = np.any(filled, axis=0) ^ SEEN[obj, frame]
            assert wrong.sum() <= 0.3 * SEEN[obj, frame].sum() + 4


def write_labelme(place: Path, frame: int, name: str, *shapes: dict, **extra) -> None:
    place.mkdir(exist_ok=True)
    document = {"version": "5.4.1", "flags": {}, "imagePath": name, "imageData": None}
    document |= {"shapes": list(shapes), "imageHeight": HIGH, "imageWidth": WIDE, **extra}
    (place / f"{Path(name.replace(chr(92), '/')).stem}.json").write_text(json.dumps(document))


def polygon(frame: int, **extra) -> dict:
    points = np.reshape(corners(frame), (-1, 2)).tolist()
    return {"label": "cell", "points": points, "shape_type": "polygon", "group_id": None, **extra}


def test_labels_of_labelme_are_classes_and_an_object_each_without_groups(tmp_path):
    video = video_of(tmp_path / "frames", [f"im{t}.jpg" for t in range(FEW)])
    for t in range(FEW):
        box = {"label": "cell", "points": [[1, 1], [5, 5]], "shape_type": "rectangle"}
        write_labelme(tmp_path / "masks", t, f"..\\frames\\im{t}.jpg", polygon(t), box)
    found, said = import_noting(tmp_path / "masks", video)
    assert_masks(found, TRACK)
    assert found.labels.classes == {1: "cell"}
    assert any("6 rectangles, left out" in one for one in said)
    assert any("each label is an object" in one for one in said)


def test_one_file_of_labelme_is_a_frame(tmp_path):
    video = video_of(tmp_path / "frames", [f"im{t}.jpg" for t in range(FEW)])
    write_labelme(tmp_path / "masks", 2, "im2.jpg", polygon(2, group_id=7))
    found = import_masks(tmp_path / "masks" / "im2.json", video)
    np.testing.assert_array_equal(found.masks[7, 2].to_array(), TRUTH[2])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"points": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.9]]}, "corners between 0 and 1"),
        ({"points": [["x", 0]]}, "not x and y of corners"),
        ({"shape_type": "mask", "points": [[0, 0], [4, 4]]}, "its mask is None, not a PNG"),
        ({"shape_type": "mask", "points": [[0, 0], [4, 4]], "mask": "AAAA"}, "cannot be read"),
        ({"label": 3}, "is no shape with a label"),
    ],
)
def test_a_damaged_shape_of_labelme_is_refused(tmp_path, change, sentence):
    video = video_of(tmp_path / "frames", ["im0.jpg"])
    write_labelme(tmp_path / "masks", 0, "im0.jpg", polygon(0, **change))
    with pytest.raises(SessionError, match=sentence):
        import_masks(tmp_path / "masks", video, "labelme")


def test_a_mask_of_labelme_that_sticks_out_or_is_of_another_size_is_refused(tmp_path):
    video = video_of(tmp_path / "frames", ["im0.jpg"])
    file = io.BytesIO()
    Image.new("L", (5, 5), 255).save(file, "PNG")
    packed = base64.b64encode(file.getvalue()).decode()
    for points, sentence in (
        ([[38, 28], [42, 32]], "sticks out of the picture"),
        ([[0, 0], [5, 5]], "has 5 x 5 pixels, its corners say 6 x 6"),
    ):
        shape = polygon(0, shape_type="mask", points=points, mask=packed)
        write_labelme(tmp_path / "masks", 0, "im0.jpg", shape)
        with pytest.raises(SessionError, match=sentence):
            import_masks(tmp_path / "masks", video)
    write_labelme(tmp_path / "masks", 0, "im0.jpg", polygon(0), imageHeight=99)
    with pytest.raises(SessionError, match="has 40 x 99 pixels, its frame 40 x 30"):
        import_masks(tmp_path / "masks", video)


# Label Studio


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98, 1.0])
def test_brushes_are_those_of_label_studio(share):
    brush = pytest.importorskip("label_studio_sdk.converter.brush")
    rng = np.random.default_rng(1)
    blocks = np.kron(rng.random((9, 11)) < share, np.ones((7, 13), bool))
    mask = blocks ^ (rng.random(blocks.shape) < 0.01)
    ours = encode_brush(mask)
    theirs = brush.mask2rle(mask.astype(np.uint8) * 255)
    assert ours == theirs[: len(ours)] and not any(theirs[len(ours) :])
    decoded = brush.decode_rle(ours).reshape(*mask.shape, 4)
    np.testing.assert_array_equal(decoded[..., 3] > 0, mask)
    np.testing.assert_array_equal(decode_brush(ours, mask.shape), mask)


def test_a_brush_of_label_studios_front_end_has_values_one_by_one():
    """thi.ng's packer, in the browser, writes values that do not repeat as they are."""
    header = f"{32:032b}00111" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    values = [0, 0, 0, 255, 9, 9, 9, 200, *[0, 0, 0, 100] * 2, *[0] * 16]
    literal = "0" + "01" + f"{15:04b}" + "".join(f"{one:08b}" for one in values[:16])
    repeated = "1" + "01" + f"{15:04b}" + f"{0:08b}"
    bits = header + literal + repeated
    bits += "0" * (-len(bits) % 8)
    packed = [int(bits[n : n + 8], 2) for n in range(0, len(bits), 8)]
    found = decode_brush(packed, (2, 4))
    assert found.tolist() == [[True, True, False, False], [False] * 4]
    brush = pytest.importorskip("label_studio_sdk.converter.brush")
    assert brush.decode_rle(packed).tolist() == values


@pytest.mark.parametrize("said", ["AAAA", [1, 2], [], [300] * 9, [True] * 9, None, [0] * 99])
def test_a_damaged_brush_is_refused(said):
    with pytest.raises(EntryError):
        decode_brush(said, (2, 4))
    cut = encode_brush(np.eye(40, dtype=bool))[:-9]
    with pytest.raises(EntryError, match="ends too early"):
        decode_brush(cut, (40, 40))


def test_label_studio_reads_brushes_as_annotations(segmentation, tmp_path):
    brush = pytest.importorskip("label_studio_sdk.converter.brush")
    place = "/data/local-files/?d=walk"
    path = export_masks(segmentation, tmp_path / "tasks.json", "label-studio", url=place)
    for frame, task in enumerate(json.loads(path.read_bytes())):
        assert task["data"] == {"image": f"{place}/{frame:05}.jpg"}
        # As its converter hands them over.
        results = [{**one, **one["value"]} for one in task["annotations"][0]["result"]]
        layers = brush.decode_from_annotation("image", results)
        found = [(name, layer > 0) for name, layer in layers.items()]
        wanted = [SEEN[obj, frame] for obj in NAMES if (obj, frame) in SEEN]
        assert len(found) == len(wanted)
        for (name, layer), mask in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(layer, mask)
            assert any(name.startswith(f"image-{one}-") for one in CATEGORIES)


def test_boxes_of_label_studio_on_a_video_become_prompts(segmentation, tmp_path):
    path = export_masks(segmentation, tmp_path / "tasks.json", "label-studio", regions="video")
    (task,) = json.loads(path.read_bytes())
    assert task["data"] == {"video": "walk.mp4"}
    found = import_masks(path, segmentation.video)
    assert not found.masks and found.names == NAMES
    assert found.boxes.keys() == SEEN.keys()
    for key, mask in SEEN.items():
        y, x = np.nonzero(mask)
        box = x.min(), y.min(), x.max() + 1, y.max() + 1
        np.testing.assert_allclose(found.boxes[key], box, atol=1e-9)
    regions = {one["id"]: one["value"]["sequence"] for one in task["annotations"][0]["result"]}
    last = next(one for one in regions["object-2"] if one["frame"] == 4)
    assert not last["enabled"], "frame 4, from 0, has no object 2"
    model = ChoosySegmenter(HEIGHT, WIDTH)
    widget = Sam2Widget(segmentation.video, model=model, autosave=False)
    assert widget.import_masks(path) == [1, 2, 5]
    assert widget.prompts(3, 5).box == pytest.approx(found.boxes[5, 3])
    widget.undo()
    assert not widget.objects
    widget.close()


def test_tasks_of_label_studio_are_matched_by_the_names_of_pictures(tmp_path):
    video = video_of(tmp_path / "frames", [f"im{t}.jpg" for t in range(FEW)])
    tasks = [
        {
            "data": {"image": f"/data/upload/1/3f2a1b4c-im{t}.jpg"},
            "annotations": [
                {"was_cancelled": True, "result": []},
                {
                    "result": [
                        {
                            "type": "brushlabels",
                            "original_width": WIDE,
                            "original_height": HIGH,
                            "value": {"rle": encode_brush(TRUTH[t]), "brushlabels": ["cell"]},
                        },
                        {"type": "keypointlabels", "value": {}},
                    ]
                },
            ],
        }
        for t in range(FEW)
    ]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    found, said = import_noting(tmp_path / "tasks.json", video)
    assert_masks(found, TRACK)
    assert found.labels.classes == {1: "cell"}
    assert any("6 regions of the kind keypointlabels, left out" in one for one in said)


# CVAT and Datumaro


def test_datumaro_reads_the_tracks_of_cvat(segmentation, tmp_path):
    components = pytest.importorskip("datumaro.components.dataset")
    path = export_masks(segmentation, tmp_path / "cvat" / "annotations.xml", "cvat", tracks=True)
    dataset = components.Dataset.import_from(str(path.parent), "cvat")
    found: dict[tuple[int, int], np.ndarray] = {}
    for item in dataset:
        for one in item.annotations:
            if not one.attributes["outside"]:
                found[one.attributes["track_id"], item.attributes["frame"]] = one
    assert found.keys() == SEEN.keys()
    labels = dataset.categories()[components.AnnotationType.label]
    for (obj, frame), one in found.items():
        assert labels[one.label].name == NAMES[obj]
        y, x = np.nonzero(SEEN[obj, frame])
        x0, y0, w, h = one.get_bbox()
        np.testing.assert_allclose(
            (x0, y0, x0 + w, y0 + h), (x.min(), y.min(), x.max() + 1, y.max() + 1), atol=0.5
        )


def test_datumaro_reads_its_own_format_and_writes_it(segmentation, tmp_path):
    components = pytest.importorskip("datumaro.components.dataset")
    path = export_masks(segmentation, tmp_path / "out", "datumaro", frames=True)
    dataset = components.Dataset.import_from(str(path), "datumaro")
    labels = dataset.categories()[components.AnnotationType.label]
    found = {}
    for item in dataset:
        assert item.media.data.shape[:2] == (HEIGHT, WIDTH)
        for one in item.annotations:
            found[one.object_id, item.attributes["frame"]] = one.image.astype(bool)
            assert labels[one.label].name == NAMES[one.object_id]
    assert found.keys() == SEEN.keys()
    for key, mask in SEEN.items():
        np.testing.assert_array_equal(found[key], mask)
    dataset.export(str(tmp_path / "theirs"), "datumaro")
    again = import_masks(tmp_path / "theirs", segmentation.video)
    assert again.masks.keys() == SEEN.keys()
    for key, mask in SEEN.items():
        np.testing.assert_array_equal(again.masks[key].to_array(), mask)


def test_shapes_of_datumaro_without_ids_are_an_object_a_label(tmp_path):
    video = video_of(tmp_path / "frames", [f"im{t}.jpg" for t in range(FEW)])
    document = {
        "categories": {"label": {"labels": [{"name": "cell", "parent": ""}]}},
        "items": [
            {
                "id": f"im{t}",
                "annotations": [
                    {"type": "polygon", "label_id": 0, "points": corners(t), "attributes": {}},
                    {"type": "bbox", "label_id": 0, "bbox": [0, 0, 4, 4]},
                ],
            }
            for t in range(FEW)
        ],
    }
    (tmp_path / "one.json").write_text(json.dumps(document))
    found, said = import_noting(tmp_path / "one.json", video)
    assert_masks(found, TRACK)
    assert any("6 bboxs, left out" in one for one in said)
    document["items"][0]["annotations"][0]["attributes"] = {"track_id": 4}
    (tmp_path / "one.json").write_text(json.dumps(document))
    assert 4 in {obj for obj, _ in import_masks(tmp_path / "one.json", video).masks}


@pytest.mark.parametrize("name", ["labelme", "label-studio", "datumaro"])
def test_a_wrong_choice_is_refused(segmentation, tmp_path, name):
    option = {"labelme": "outline", "label-studio": "regions"}.get(name)
    if option is not None:
        with pytest.raises(SessionError, match=rf"{option} is one of .*, got 'x'"):
            export_masks(segmentation, tmp_path / "out", name, **{option: "x"})
    with pytest.raises(SessionError, match=r"has no |cannot be read as JSON"):
        (tmp_path / "in.json").write_text("{}")
        import_masks(tmp_path / "in.json", NAMELESS, name)
