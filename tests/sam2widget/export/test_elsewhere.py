"""Masks as other programs and networks give them: the objects, or a sentence."""

from __future__ import annotations

import json
import re
import struct

import numpy as np
import pytest
import scipy.sparse
import torch
from PIL import Image
from pycocotools import mask as coco_mask
from scipy import ndimage

from sam2_backend.masks.mask_input import as_mask
from sam2widget import SessionError, open_video
from sam2widget.export import export_masks

from .elsewhere import (
    FRAMES,
    HEIGHT,
    LABELS,
    NAMELESS,
    OTHER,
    TRUTH,
    WIDTH,
    assert_masks,
    coco,
    corners,
    folder,
    import_noting,
    video_of,
)

ALL, ALSO = dict(enumerate(TRUTH)), dict(enumerate(OTHER))
NUMBERED = [f"{t:05}.png" for t in range(FRAMES)]
BINARY = 255 * TRUTH.astype(np.uint8)
LOGITS = np.where(TRUTH, 3.2, -4.1)
PROBABILITIES = np.where(TRUTH, 0.97, 0.02).astype(np.float32)
SOFT = np.stack([ndimage.gaussian_filter(mask.astype(float), 0.7) for mask in TRUTH])


def encode(mask):
    return coco_mask.encode(np.asfortranarray(mask, np.uint8))


ARRAYS = {
    "flags over time": (TRUTH, [ALL], "one object over time"),
    "labels over time": (LABELS, [ALL, ALSO], ""),
    "labels in floats": (LABELS.astype(np.float32), [ALL, ALSO], ""),
    "0 and 255": (BINARY, [ALL], "one object over time"),
    "0 and 65535": (TRUTH * np.uint16(65535), [ALL], "one object over time"),
    "objects, frames": (np.stack([TRUTH, OTHER]), [ALL, ALSO], ""),
    "frames, objects": (np.stack([TRUTH, OTHER], 1), [ALL, ALSO], "objects second"),
    "objects": (np.stack([TRUTH[0], OTHER[0]]), [{0: TRUTH[0]}, {0: OTHER[0]}], "N, H, W"),
    "one picture": (TRUTH[0], [{0: TRUTH[0]}], ""),
    "labels of a picture": (LABELS[0], [{0: TRUTH[0]}, {0: OTHER[0]}], ""),
    "channels": (TRUTH[:, None], [ALL], ""),
    "channels last": (BINARY[0][..., None].repeat(3, -1), [{0: TRUTH[0]}], ""),
    "logits": (LOGITS, [ALL], "-4.1 to 3.2, taken for logits"),
    "logits of a predictor": (
        torch.tensor(LOGITS[:2])[:, None].bfloat16(),
        [{0: TRUTH[0]}, {0: TRUTH[1]}],
        "taken for logits",
    ),
    "probabilities": (PROBABILITIES, [ALL], "taken for probabilities"),
    "logits by object": ({3: LOGITS}, [ALL], "taken for logits"),
    "tensors": (torch.tensor(TRUTH), [ALL], "one object over time"),
    "a list": ([TRUTH[0], torch.tensor(OTHER[0])], [{0: TRUTH[0]}, {0: OTHER[0]}], ""),
    "Python's lists": (TRUTH[0].tolist(), [{0: TRUTH[0]}], ""),
    "ids from 0": ({0: TRUTH, 1: OTHER}, [ALL, ALSO], "0 is object 1"),
    "frames, then objects": (
        {t: {1: TRUTH[t][None], 2: OTHER[t][None]} for t in range(FRAMES)},
        [ALL, ALSO],
        "",
    ),
    "a sparse matrix": (scipy.sparse.csr_matrix(TRUTH[0]), [{0: TRUTH[0]}], ""),
    "run lengths": ([encode(TRUTH[0]), encode(OTHER[0])], [{0: TRUTH[0]}, {0: OTHER[0]}], ""),
    "a mask generator's": ([{"segmentation": TRUTH[0], "area": 100}], [{0: TRUTH[0]}], ""),
    "void": (
        np.where(TRUTH, 1, np.where(OTHER, 255, 0)).astype(np.uint8),
        [ALL],
        "void, as in DAVIS",
    ),
    "grey edges": (np.rint(SOFT * 255).astype(np.uint8), [dict(enumerate(SOFT >= 0.5))], "grey"),
    "grey floats": (SOFT * 255, [dict(enumerate(SOFT >= 0.5))], "grey edges"),
    "grey floats, rounded": (
        SOFT * np.nextafter(255, 256),
        [dict(enumerate(SOFT >= 0.5))],
        "grey edges",
    ),
    "probabilities, rounded": (
        np.where(TRUTH, np.nextafter(1, 2), -1e-17) * np.where(OTHER, 1, 0.97),
        [ALL],
        "taken for probabilities",
    ),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_masks_by_shape_type_and_range(name):
    source, wanted, says = ARRAYS[name]
    found, said = import_noting(source, NAMELESS)
    assert_masks(found, *wanted)
    assert (says in " ".join(said)) if says else not said


NONE = {
    "labels of one object": ({1: LABELS}, r"1 in masks holds the labels 1, 2"),
    "a list over time": ([LABELS[0]], "holds the labels"),
    "labels of few frames": (LABELS[:4], "has the shape .4, 30, 40.*6 frames, not 4"),
    "a length of 0": (TRUTH[:0], "has no masks"),
    "another size": (TRUTH[0][:-1], "has 40 x 29 pixels, its frame 40 x 30"),
    "a frame that is not there": ({FRAMES: {1: TRUTH[0]}}, "on frame 6 in these arrays is of no"),
    "None": (None, "got a NoneType"),
    "a number": (5, "got a int"),
    "a tensor without values": (torch.empty(HEIGHT, WIDTH, device="meta"), "on the device 'meta'"),
    "scores of two classes": (
        np.stack([1 - PROBABILITIES[0], PROBABILITIES[0]], -1),
        "2 channels of floats",
    ),
    "more frames": ({1: np.concatenate([TRUTH, TRUTH])}, "12 frames, but the video has 6"),
    "width first": (TRUTH.transpose(0, 2, 1), "the other way round"),
    "width first in a list": ([TRUTH[0].T], "the other way round"),
    "resized probabilities": (TRUTH * 1.1 - 0.05, "-0.05 to 1.05, which may be"),
    "other floats": (TRUTH * 7.5, "from 0 to 7.5, which are neither"),
    "NaN": (np.where(TRUTH, np.nan, 0), "NaN"),
    "below 0": (LABELS.astype(int) - 1, "from -1 to 1"),
    "a photograph": (
        np.random.default_rng(0).integers(0, 256, TRUTH.shape, np.uint8),
        "levels of a picture",
    ),
    "complex": (TRUTH * 1j, "complex128"),
    "nothing": (np.zeros_like(TRUTH), "only background"),
    "an empty list": ([], "no mask"),
    "damaged run lengths": ([{"size": [30, 40], "counts": [7]}], "run lengths"),
    "a dictionary": ([{"mask": 1}], "run lengths, which are"),
    "run lengths of text": ([{"size": ["a", "b"], "counts": [7]}], "run lengths, which are"),
}


@pytest.mark.parametrize("name", NONE)
def test_arrays_that_are_no_masks_are_refused_with_the_reason(name):
    source, says = NONE[name]
    with pytest.raises(SessionError, match=says) as refusal:
        import_noting(source, NAMELESS)
    assert str(refusal.value).endswith(".")


PICTURES = {
    **{mode: lambda t, mode=mode: Image.fromarray(BINARY[t]).convert(mode) for mode in "LP1"},
    "LA": lambda t: Image.fromarray(BINARY[t]).convert("LA"),
    "RGB": lambda t: Image.fromarray(BINARY[t]).convert("RGB"),
    "RGBA": lambda t: Image.fromarray(BINARY[t]).convert("RGBA"),
    "alpha": lambda t: Image.fromarray(np.dstack([BINARY[t] * 0] * 3 + [BINARY[t]]), "RGBA"),
    "16 bits": lambda t: Image.fromarray(TRUTH[t] * np.uint16(65535)),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_black_and_white_pictures_are_masks(tmp_path, kind):
    found, said = import_noting(folder(tmp_path, NUMBERED, PICTURES[kind]), NAMELESS)
    assert_masks(found, ALL)
    assert not said


def indexed(mask_hw):
    """As SAM 2's vos_inference.py writes a mask of one object."""
    image = Image.fromarray(mask_hw.astype(np.uint8))
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    return image


def object_folders(place, *names, picture=indexed):
    """A folder of each object's masks, by turns TRUTH and OTHER."""
    for n, name in enumerate(names):
        masks = (TRUTH, OTHER)[n % 2]
        folder(place / name, NUMBERED, lambda t, masks=masks: picture(masks[t]))
    return place


@pytest.mark.parametrize("given", ["clip", "."])
@pytest.mark.parametrize("picture", [indexed, lambda mask_hw: 255 * mask_hw.astype(np.uint8)])
def test_a_folder_for_each_object_is_read(tmp_path, given, picture):
    object_folders(tmp_path / "clip", "003", "001", picture=picture)
    found, said = import_noting(tmp_path / given, NAMELESS)
    assert sorted(found.masks) == [(obj, t) for obj in (1, 3) for t in range(FRAMES)]
    for t in range(FRAMES):
        assert np.array_equal(found.masks[3, t].to_array(), TRUTH[t])
        assert np.array_equal(found.masks[1, t].to_array(), OTHER[t])
    assert len(said) == 1 and "001, 003 in" in said[0] and "an object each" in said[0]


def test_folders_of_objects_that_count_from_0_or_have_names(tmp_path):
    found, said = import_noting(object_folders(tmp_path / "a", "000", "001"), NAMELESS)
    assert_masks(found, ALL, ALSO)
    assert "counts from 0: 0 is object 1" in " ".join(said)
    video = open_video(folder(tmp_path / "walk", [f"{t:05}.jpg" for t in range(FRAMES)]))
    object_folders(tmp_path / "masks" / "walk", "cat", "dog")
    found, _ = import_noting(tmp_path / "masks", video)
    assert_masks(found, ALL, ALSO)
    assert found.names == {1: "cat", 2: "dog"}


def test_every_other_frame_of_an_object_is_on_its_frame(tmp_path):
    video = video_of(tmp_path / "sav_1", [f"{t:05}.png" for t in range(2 * FRAMES)])
    place = tmp_path / "Annotations_6fps" / "sav_1" / "000"
    folder(place, [f"{2 * t:05}.png" for t in range(FRAMES)], lambda t: indexed(TRUTH[t]))
    found, _ = import_noting(tmp_path, video)
    assert_masks(found, {2 * t: mask for t, mask in ALL.items()})


def test_folders_of_videos_are_no_objects(tmp_path):
    object_folders(tmp_path / "names", "bear", "camel")
    with pytest.raises(SessionError, match=r"found bear, camel: give .*objects are numbered"):
        import_noting(tmp_path / "names", NAMELESS)
    frames = [f"{t:05}.jpg" for t in range(FRAMES)]
    video = open_video(folder(tmp_path / "frames" / "001", frames))
    with pytest.raises(SessionError, match=r"found 001, 002: give the folder of one video"):
        import_noting(object_folders(tmp_path / "numbers", "001", "002"), video)
    alone = folder(tmp_path / "alone" / "0003", NUMBERED, lambda t: LABELS[t])
    assert_masks(import_noting(alone.parent, NAMELESS)[0], ALL, ALSO)
    labels = object_folders(tmp_path / "labels", "001")
    folder(labels / "002", NUMBERED, lambda t: LABELS[t])
    with pytest.raises(SessionError, match="002 holds the objects 1, 2, so that folders in"):
        import_noting(labels, NAMELESS)


BLACK, WHITE = [0, 0, 0], [255, 255, 255]


def with_palette(values_hw, *colours):
    image = Image.fromarray(values_hw.astype(np.uint8))
    image.putpalette(np.ravel(colours).tolist())
    return image


def test_a_palette_whose_0_is_not_black_is_read_as_it_is_seen_with_a_word(tmp_path):
    mixed = folder(
        tmp_path / "mixed",
        NUMBERED,
        lambda t: (
            with_palette(~TRUTH[t], WHITE, BLACK) if t % 2 else with_palette(TRUTH[t], BLACK, WHITE)
        ),
    )
    found, said = import_noting(mixed, NAMELESS)
    assert_masks(found, ALL)
    (doubt,) = [one for one in said if "palette" in one]
    assert "00001.png has a palette in which 0 is not black: black is taken for the back" in doubt
    clear = folder(tmp_path / "clear", NUMBERED, lambda t: with_palette(TRUTH[t], BLACK, WHITE))
    assert "palette" not in " ".join(import_noting(clear, NAMELESS)[1])
    with pytest.warns(UserWarning, match="0 is not black: black is taken for the background"):
        mask_hw, _ = as_mask(with_palette(~TRUTH[0], WHITE, BLACK), (HEIGHT, WIDTH))
    assert np.array_equal(mask_hw, TRUTH[0])


def test_arrays_that_are_called_as_frames_are_of_one_object(tmp_path):
    np.savez(tmp_path / "a.npz", **{f"frame_{t}": TRUTH[t] for t in range(FRAMES)})
    found, said = import_noting(tmp_path / "a.npz", NAMELESS)
    assert_masks(found, ALL)
    assert any("called as frames: they are taken for those of one object" in one for one in said)
    assert_masks(
        import_noting({f"{t:05}": TRUTH[t] for t in (1, 3)}, NAMELESS)[0],
        {1: TRUTH[1], 3: TRUTH[3]},
    )


@pytest.mark.parametrize("suffix", ["webp", "jpg"])
def test_masks_in_lossy_pictures_are_one_object(tmp_path, suffix):
    files = [f"{t:05}.{suffix}" for t in range(FRAMES)]
    found, _ = import_noting(
        folder(tmp_path, files, lambda t: np.stack([BINARY[t]] * 3, -1)), NAMELESS
    )
    assert {obj for obj, _ in found.masks} == {1}
    for t in range(FRAMES):
        assert (found.masks[1, t].to_array() != TRUTH[t]).mean() < 0.02


def test_numbers_in_one_channel_stay_objects(tmp_path):
    pictures = folder(
        tmp_path, NUMBERED, lambda t: np.stack([LABELS[t], 0 * LABELS[t], 0 * LABELS[t]], -1)
    )
    assert_masks(import_noting(pictures, NAMELESS)[0], ALL, ALSO)


def test_folders_beside_masks_are_said_to_be_left_out(tmp_path):
    folder(tmp_path, NUMBERED, lambda t: BINARY[t])
    object_folders(tmp_path, "001")
    found, said = import_noting(tmp_path, NAMELESS)
    assert_masks(found, ALL)
    assert any("are left out: 001." in one for one in said)


def test_masks_that_seem_inverted_are_said_to(tmp_path):
    inverted = folder(tmp_path / "a", NUMBERED, lambda t: 255 - BINARY[t])
    found, said = import_noting(inverted, NAMELESS)
    assert_masks(found, dict(enumerate(~TRUTH)))
    assert any("though it is all around on each picture: if black is the" in one for one in said)
    once = folder(tmp_path / "b", NUMBERED, lambda t: BINARY[t] if t else 255 - BINARY[t])
    assert "all around" not in " ".join(import_noting(once, NAMELESS)[1])


def test_keypoints_and_turned_boxes_of_yolo_are_told(tmp_path):
    place = tmp_path / "labels"
    place.mkdir()
    pose = "0 .5 .5 .3 .3 " + " ".join(f".{n + 1} .{n + 2} {n % 3}" for n in range(4))
    (place / "00000.txt").write_text(f"{pose}\n{pose}\n")
    with pytest.raises(SessionError, match=r"has keypoints of poses .* no masks"):
        import_noting(tmp_path, NAMELESS)
    turned = "0 .1 .5 .3 .5 .3 .8 .1 .8"
    (place / "00000.txt").write_text(f"{turned}\n{turned}\n")
    assert any(
        "four corners, as turned boxes have" in one for one in import_noting(tmp_path, NAMELESS)[1]
    )


def test_labels_that_a_palette_shows_alike_stay_apart(tmp_path):
    alike = folder(
        tmp_path, NUMBERED, lambda t: with_palette(LABELS[t] * (t != 0), BLACK, WHITE, WHITE)
    )
    found, _ = import_noting(alike, NAMELESS)
    assert_masks(found, *({t: one[t] for t in range(1, FRAMES)} for one in (TRUTH, OTHER)))


def test_grey_edges_in_a_palette_of_any_order_are_levels(tmp_path):
    pictures = folder(
        tmp_path,
        NUMBERED,
        lambda t: (
            Image.fromarray(np.rint(255 * SOFT[t]).astype(np.uint8)).convert("RGB").quantize(24)
        ),
    )
    found, said = import_noting(pictures, NAMELESS)
    assert any("grey edges" in one for one in said) and {obj for obj, _ in found.masks} == {1}
    for t in range(FRAMES):
        assert (found.masks[1, t].to_array() != TRUTH[t]).mean() < 0.02
    greys = folder(
        tmp_path / "labels",
        NUMBERED,
        lambda t: with_palette(LABELS[t], BLACK, [90] * 3, [180] * 3, WHITE),
    )
    assert_masks(import_noting(greys, NAMELESS)[0], ALL, ALSO)


def test_a_picture_without_the_object_changes_nothing(tmp_path):
    """255 alone on some pictures and not on others is one object all the same."""
    some = folder(tmp_path, NUMBERED, lambda t: BINARY[t] * np.uint8(t % 2))
    assert_masks(import_noting(some, NAMELESS)[0], {t: TRUTH[t] for t in (1, 3, 5)})


def test_jpeg_masks_are_cut_in_the_middle(tmp_path):
    files = folder(tmp_path, [f"{t}.jpg" for t in range(FRAMES)], BINARY.__getitem__)
    found, said = import_noting(files, NAMELESS)
    assert sum(found.masks[1, t].area for t in range(FRAMES)) == pytest.approx(TRUTH.sum(), rel=0.1)
    assert "128 or more" in said[0]


def test_labels_in_a_jpeg_are_refused(tmp_path):
    folder(tmp_path, ["00000.jpg"], lambda n: LABELS[n])
    with pytest.raises(SessionError, match=r"00000\.jpg is a JPEG, which changes values"):
        import_noting(tmp_path, NAMELESS)


def test_colours_on_black_are_objects(tmp_path):
    red = np.array([128, 0, 0], np.uint8), np.array([0, 128, 0], np.uint8)
    files = folder(
        tmp_path, NUMBERED, lambda t: TRUTH[t][..., None] * red[1] + OTHER[t][..., None] * red[0]
    )
    found, said = import_noting(files, NAMELESS)
    assert_masks(found, ALL, ALSO)
    assert "#008000 is 1, #800000 is 2" in said[0]


def test_label_pictures_of_16_bits_keep_large_ids(tmp_path):
    labels = TRUTH * np.uint16(300) + OTHER * np.uint16(2)
    found, said = import_noting(folder(tmp_path, NUMBERED, labels.__getitem__), NAMELESS)
    assert {obj for obj, _ in found.masks} == {2, 300}
    assert_masks(found, ALSO, ALL)
    assert not said


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_stacks_of_tiff_have_a_page_for_each_frame(tmp_path, kind, compression):
    pages = [Image.fromarray(labels.astype(kind)) for labels in LABELS]
    path = tmp_path / "labels.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:], compression=compression)
    found, said = import_noting(path, NAMELESS)
    assert_masks(found, ALL, ALSO)
    assert not said
    pages[0].save(path, save_all=True, append_images=pages[1:3])
    with pytest.raises(SessionError, match="3 pages, but the video has 6 frames"):
        import_noting(path, NAMELESS)


def test_a_tiff_whose_0_is_white_keeps_its_labels(tmp_path):
    """As ImageJ writes masks with an inverting table: 255 is the object, and shown in black."""
    files = folder(tmp_path, [f"{t}.tif" for t in range(FRAMES)], BINARY.__getitem__)
    black_is_0, white_is_0 = (struct.pack("<HHIH", 262, 3, 1, one) for one in (1, 0))
    for file in files.iterdir():
        content = file.read_bytes()
        assert content.count(black_is_0) == 1
        file.write_bytes(content.replace(black_is_0, white_is_0))
        assert np.asarray(Image.open(file))[0, 0] == 255, "as it is shown"
    assert_masks(import_noting(files, NAMELESS)[0], ALL)


def test_arrays_in_files(tmp_path):
    np.save(tmp_path / "labels.npy", LABELS)
    assert_masks(import_noting(tmp_path / "labels.npy", NAMELESS)[0], ALL, ALSO)
    np.savez(tmp_path / "labels.npz", labels=LABELS)
    assert_masks(import_noting(tmp_path / "labels.npz", NAMELESS)[0], ALL, ALSO)
    np.savez(tmp_path / "objects.npz", ball=LOGITS, car=OTHER)
    found, said = import_noting(tmp_path / "objects.npz", NAMELESS)
    assert_masks(found, ALL, ALSO)
    assert found.names == {1: "ball", 2: "car"} and "ball in" in said[0]


COCO = {
    "category_id from 0": ({"category_id": 0}, {1: "cell"}, "category_id counts from 0"),
    "track_id from 0": ({"track_id": lambda n: n % 2}, {1: "box", 2: "box"}, "counts from 0"),
    "words": ({"track_id": lambda n: f"b{n % 2}"}, {1: "b0", 2: "b1"}, "'b0' is object 1"),
    "floats": ({"track_id": 2.0}, {2: "box"}, ""),
    "numbers in text": ({"track_id": "7"}, {7: "box"}, ""),
    "negative": ({"track_id": -1}, {1: "box"}, "-1 is object 1"),
    "CVAT's attributes": ({"attributes": {"track_id": 4, "occluded": False}}, {4: "box"}, ""),
    "YouTube-VIS'": ({"instance_id": 5}, {5: "box"}, ""),
    "none": ({"track_id": None}, {1: "box"}, "each category is an object"),
}


@pytest.mark.parametrize("name", COCO)
def test_ids_of_coco_are_taken_as_they_come(tmp_path, name):
    extra, names, says = COCO[name]
    found, said = import_noting(coco(tmp_path / "a.json", NUMBERED, **extra), NAMELESS)
    assert dict(found.names) == names
    assert {t for _, t in found.masks} == set(range(FRAMES))
    for (_, frame), mask in found.masks.items():
        np.testing.assert_array_equal(mask.to_array(), TRUTH[frame])
    assert (says in " ".join(said)) if says else not said


@pytest.mark.parametrize("compressed", [False, True])
def test_crowds_of_coco_are_masks(tmp_path, compressed):
    def shape(n):
        rle = encode(TRUTH[n])
        if compressed:
            return {"size": rle["size"], "counts": rle["counts"].decode()}
        flat = TRUTH[n].ravel(order="F")
        changes = np.flatnonzero(np.diff(flat)) + 1
        return {"size": rle["size"], "counts": np.diff([0, *changes, flat.size]).tolist()}

    path = coco(tmp_path / "a.json", NUMBERED, iscrowd=1, track_id=1, segmentation=shape)
    found, said = import_noting(path, NAMELESS)
    assert_masks(found, ALL)
    assert "6 crowds" in said[0]


def test_parts_of_one_track_on_one_picture_are_one_mask(tmp_path):
    path = coco(tmp_path / "a.json", NUMBERED, track_id=3)
    document = json.loads(path.read_text())
    document["annotations"].append({**document["annotations"][0], "segmentation": [corners(3)]})
    path.write_text(json.dumps(document))
    found, _ = import_noting(path, NAMELESS)
    np.testing.assert_array_equal(found.masks[3, 0].to_array(), TRUTH[0] | TRUTH[3])


WRONG_COCO = {
    "boxes": ({"segmentation": []}, {}, "boxes alone"),
    "words for corners": ({"segmentation": [["a", 1]]}, {}, "the one of id 0: its polygon"),
    "another size": ({}, {"width": 80}, r"Image 00000.png in .* 80 x 30 pixels, its frame 40 x 30"),
    "a turned size": ({}, {"width": 30, "height": 40}, "the other way round"),
    "a size in words": ({}, {"width": "wide"}, "its width is 'wide', not a whole number"),
    "an id of a list": ({"track_id": [1]}, {}, "track_id that cannot be read"),
    "no image": ({"image_id": 99}, {}, "id 0 is of image 99, which is not among"),
    "no name": ({}, {"file_name": None}, "has no file_name"),
    "a frame in words": ({}, {"frame_id": "x"}, "frame_id is 'x'"),
    "corners in shares": (
        {"segmentation": lambda n: [[0.1, 0.5, 0.4, 0.5, 0.4, 0.8, 0.1, 0.8]]},
        {},
        "between 0 and 1: expected pixels",
    ),
    "two images of one id": ({}, {"id": 0}, "two images of the id 0, '00000.png' and '00001.png'"),
    "no segmentation": ({"segmentation": None, "bbox": None}, {}, "neither polygons nor"),
}


@pytest.mark.parametrize("name", WRONG_COCO)
def test_wrong_coco_is_refused_with_the_entry_and_without_words_of_python(tmp_path, name):
    annotation, image, says = WRONG_COCO[name]
    path = coco(tmp_path / "a.json", NUMBERED, **annotation)
    document = json.loads(path.read_text())
    for one in document["images"]:
        one.update(image)
    path.write_text(json.dumps(document))
    with pytest.raises(SessionError, match=says) as refusal:
        import_noting(path, NAMELESS)
    assert "a.json" in str(refusal.value)
    assert not re.search(r"invalid literal|object is not|could not convert", str(refusal.value))


@pytest.mark.parametrize(
    "shape", [[[1, 2, 3, 4]], [[]], [[90, 90, 99, 90, 99, 99]]], ids=["a line", "none", "outside"]
)
def test_polygons_without_a_pixel_are_left_out_with_a_word(tmp_path, shape):
    path = coco(tmp_path / "a.json", NUMBERED, segmentation=lambda n: [corners(n)] if n else shape)
    found, said = import_noting(path, NAMELESS)
    assert_masks(found, {t: mask for t, mask in ALL.items() if t})
    assert any("1 annotation whose corners enclose no pixel" in one for one in said)
    path = cvat(
        tmp_path / "a.xml",
        images(lambda t: polygon(t) if t else '<polygon label="car" points="1,2;3,4"/>'),
    )
    found, said = import_noting(path, NAMELESS)
    assert_masks(found, {t: mask for t, mask in ALL.items() if t})
    assert any("1 polygon whose corners enclose no pixel" in one for one in said)


@pytest.mark.parametrize(
    ("document", "tool"),
    [({"shapes": [], "imagePath": "a.png"}, "LabelMe"), ({"videos": []}, "YouTube-VIS")],
)
def test_json_of_other_tools_is_named(tmp_path, document, tool):
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(SessionError, match=f"is a file of {tool}, which is not read"):
        import_noting(tmp_path / "a.json", NAMELESS)


def polygon(frame: int, extra: str = "") -> str:
    points = ";".join(f"{x}.00,{y}.00" for x, y in np.reshape(corners(frame), (-1, 2)).tolist())
    return f'<polygon label="car" occluded="0" points="{points}" z_order="0" {extra}/>'


def cvat(path, inside: str):
    path.write_text(f"<annotations><version>1.1</version>{inside}</annotations>")
    return path


def images(shape) -> str:
    return "".join(
        f'<image id="{t}" name="frame_{t:06}" width="{WIDTH}" height="{HEIGHT}">{shape(t)}</image>'
        for t in range(FRAMES)
    )


def test_tracks_of_cvat_are_objects_until_they_are_outside(tmp_path):
    def track(number, label, shapes):
        inside = "".join(
            polygon(t, f'frame="{t}" keyframe="{key}" outside="{outside}"')
            for t, key, outside in shapes
        )
        return f'<track id="{number}" label="{label}">{inside}</track>'

    first = [(0, 1, 0), (1, 0, 0), (2, 0, 0), (3, 1, 1)]
    path = cvat(
        tmp_path / "a.xml", track(0, "car", first) + track(1, "bus", [(1, 1, 0), (5, 1, 0)])
    )
    found, said = import_noting(path, NAMELESS)
    assert_masks(found, {t: TRUTH[t] for t in range(3)}, {t: TRUTH[t] for t in (1, 5)})
    assert dict(found.names) == {1: "car", 2: "bus"}
    assert "1 gap between keyframes" in said[0]


PART = (
    "<meta><task><size>6</size><start_frame>10</start_frame><stop_frame>26</stop_frame>"
    "<frame_filter>step=3</frame_filter></task></meta>"
)
"""Of a task of every third frame of a source of 40."""
SOURCE = open_video(np.zeros((40, HEIGHT, WIDTH, 3), np.uint8))


def part_of_cvat(kind, place=lambda t: 10 + 3 * t):
    """Shapes on the frames of a task, which the export calls as the source does."""
    if kind == "track":
        shapes = "".join(
            polygon(t, f'frame="{place(t)}" keyframe="1" outside="0"') for t in range(FRAMES)
        )
        return f'{PART}<track id="0" label="car">{shapes}</track>'
    name = {"image": "frame_{:06}", "id": "cat{}x"}[kind]
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    return PART + "".join(
        f'<image id="{place(t)}" name="{name.format(place(t))}" {size}>{polygon(t)}</image>'
        for t in range(FRAMES)
    )


@pytest.mark.parametrize("kind", ["track", "image", "id"])
def test_a_task_of_cvat_that_has_some_frames_of_a_source_comes_to_them(tmp_path, kind):
    whole, _ = import_noting(cvat(tmp_path / "a.xml", part_of_cvat(kind)), SOURCE)
    assert_masks(whole, {10 + 3 * t: TRUTH[t] for t in range(FRAMES)})
    part, said = import_noting(tmp_path / "a.xml", NAMELESS)
    assert_masks(part, ALL)
    assert any("one in 3: its frame 10 is frame 0 of this video" in one for one in said)
    assert "gap" not in " ".join(said)
    frames = [f"shot{t}.png" for t in range(FRAMES)]
    if kind != "id":
        assert_masks(import_noting(tmp_path / "a.xml", video_of(tmp_path / "f", frames))[0], ALL)
    with pytest.raises(SessionError, match="frames 10 to 26 of its source, one in 3, but the vid"):
        import_noting(tmp_path / "a.xml", open_video(np.zeros((20, HEIGHT, WIDTH, 3), np.uint8)))


def test_a_part_of_cvat_that_other_tools_count_from_0_is_mapped_too(tmp_path):
    path = cvat(tmp_path / "a.xml", part_of_cvat("track", lambda t: t))
    assert_masks(import_noting(path, SOURCE)[0], {10 + 3 * t: TRUTH[t] for t in range(FRAMES)})
    assert_masks(import_noting(path, NAMELESS)[0], ALL)
    path = cvat(tmp_path / "a.xml", part_of_cvat("track", lambda t: 11 + t))
    with pytest.raises(SessionError, match="shapes on frames 11 to 16, which are others"):
        import_noting(path, SOURCE)


def test_shapes_of_cvat_that_are_no_masks_are_named(tmp_path):
    box = '<box label="a" xtl="1" ytl="1" xbr="9" ybr="9" rotation="30"/><ellipse label="a"/>'
    with pytest.raises(SessionError, match="6 x ellipse, 6 x rotated box"):
        import_noting(cvat(tmp_path / "a.xml", images(lambda t: box)), NAMELESS)
    path = cvat(tmp_path / "a.xml", images(lambda t: box + polygon(t, 'group_id="3"')))
    found, said = import_noting(path, NAMELESS)
    assert_masks(found, ALL)
    assert len(said) == 1 and "6 x rotated box" in said[0]


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ('<polygon label="a" points="1,2;x"/>', "its points '1,2;x' are not"),
        ('<mask label="a" rle="1, b" left="0" top="0" width="3" height="3"/>', "its rle is no"),
        ('<mask label="a" rle="9" left="q" top="0" width="3" height="3"/>', "its left is 'q'"),
    ],
)
def test_wrong_cvat_is_refused_with_the_frame(tmp_path, shape, says):
    with pytest.raises(
        SessionError, match=re.escape(f"'a' on frame 0 that cannot be read: {says}")
    ):
        import_noting(cvat(tmp_path / "a.xml", images(lambda t: shape)), NAMELESS)


def yolo(place, line, names=None):
    place.mkdir(parents=True)
    for t in range(FRAMES):
        shares = np.reshape(corners(t), (-1, 2)) / (WIDTH, HEIGHT)
        numbers = " ".join(f"{value:.6g}" for value in shares.ravel())
        (place / f"film_{t + 1}.txt").write_text(line.format(numbers, t % 2 + 1) + "\n")
    return place


@pytest.mark.parametrize(
    ("line", "objects"),
    [("1 {0}", {2}), ("1 {0} 0.87", {2}), ("1 {0} {1}", {1, 2}), ("1 {0} 0.87 {1}", {1, 2})],
    ids=["classes", "scores", "tracks", "scores and tracks"],
)
def test_labels_of_ultralytics_may_end_in_scores_and_tracks(tmp_path, line, objects):
    """Its trackers count frames from 1."""
    found, said = import_noting(yolo(tmp_path / "labels", line), NAMELESS)
    assert {obj for obj, _ in found.masks} == objects
    for (_, frame), mask in found.masks.items():
        np.testing.assert_array_equal(mask.to_array(), TRUTH[frame])
    assert "count from 1" in said[0]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("data.yaml", "nc: 2\nnames: [cell, 'my box']\n"),
        ("data.yaml", "names:\n- cell\n- my box\n"),
        ("data.yaml", "names:\n  0: cell\n  1: my box\n"),
        ("classes.txt", "cell\nmy box\n"),
        ("obj.names", "cell\nmy box\n"),
    ],
)
def test_names_of_classes_are_found_where_tools_write_them(tmp_path, file, text):
    yolo(tmp_path / "labels" / "train", "1 {0}")
    (tmp_path / file).write_text(text)
    (tmp_path / "README.dataset.txt").write_text("About this data set")
    assert import_noting(tmp_path, NAMELESS)[0].names == {2: "my box"}


def test_lines_of_yolo_that_all_end_in_1_are_said_to_be_doubtful(tmp_path):
    _, said = import_noting(yolo(tmp_path / "labels", "0 {0} 0.9 1"), NAMELESS)
    assert any("ends in 1, which is taken for the y of a corner" in one for one in said)


def test_yolo_that_is_no_segmentation_is_refused(tmp_path):
    (tmp_path / "0.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(SessionError, match="boxes alone"):
        import_noting(tmp_path, NAMELESS)
    (tmp_path / "0.txt").write_text("0 12 15 30 15 30 25 12 25\n")
    with pytest.raises(SessionError, match=r"Line 1 of .*0\.txt has corners beyond 1"):
        import_noting(tmp_path, NAMELESS)


def test_an_import_says_in_the_widget_what_it_guessed(tmp_path):
    from sam2widget import Sam2Widget
    from tests.support.fakes import DiscSegmenter

    widget = Sam2Widget(NAMELESS, DiscSegmenter(HEIGHT, WIDTH), autosave=False)
    try:
        with pytest.warns(UserWarning, match="taken for logits"):
            widget.import_masks({1: LOGITS})
        widget.wait_until_loaded()
        assert "taken for logits" in widget.status["message"]
        with pytest.warns(UserWarning, match="taken for probabilities"):
            widget.add_mask(0, torch.tensor(PROBABILITIES[0]), obj=2)
        np.testing.assert_array_equal(widget.masks[2][0], TRUTH[0])
        with pytest.raises(SessionError, match="holds the labels 1, 2"):
            widget.add_mask(0, LABELS[0], obj=3)
        assert export_masks(widget, tmp_path / "a.npz").is_file()
    finally:
        widget.close()
    with pytest.warns(UserWarning, match="taken for logits"):
        widget = Sam2Widget(
            NAMELESS, DiscSegmenter(HEIGHT, WIDTH), masks={1: LOGITS}, autosave=False
        )
    widget.close()
