"""Readers of data sets: each format is written here, tiny, and read back."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask as coco_mask

from sam2_backend.network.config import IMAGE_MEAN, IMAGE_STD
from sam2_backend.network.transforms import frame_to_input, mask_to_input
from sam2_backend.training import datasets
from sam2_backend.training.datasets import (
    DatasetError,
    VideoRecords,
    open_coco,
    open_davis,
    open_image_masks,
    open_sa_v,
    open_youtube_vos,
    split_by_video,
)
from sam2_backend.training.datasets.augment import resize_frame, resize_mask
from sam2_backend.training.datasets.coco import decode_segmentation
from sam2_backend.video import open_video
from tests.support.films import write_film

SIZE = 64
FRAMES = 12


def truth(obj: int, t: int) -> np.ndarray:
    """Object 1 is a square that goes right, object 2 a bar that goes down and comes in late."""
    mask = np.zeros((SIZE, SIZE), bool)
    if obj == 1:
        mask[20:36, 4 + 2 * t : 20 + 2 * t] = True
    elif t >= 4:
        mask[3 * t : 3 * t + 8, 44:60] = True
    return mask


def picture(t: int) -> np.ndarray:
    """Red and blue on a grey that says which frame it is."""
    rgb = np.full((SIZE, SIZE, 3), 10 + 12 * t, np.uint8)
    rgb[truth(1, t)] = 230, 20, 20
    rgb[truth(2, t)] = 20, 20, 230
    return rgb


def labels(t: int) -> np.ndarray:
    return (truth(1, t) + 2 * (truth(2, t) & ~truth(1, t))).astype(np.uint8)


def frame_of(rgb_3ss: np.ndarray) -> int:
    """Which frame a picture is, by its corner."""
    return round((float(rgb_3ss[:, -4:, :4].mean()) - 10) / 12)


def save_indexed(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values.astype(np.uint8)).convert("P")
    image.putdata(values.ravel().tolist())
    image.putpalette([v for i in range(256) for v in (i * 37 % 256, i * 91 % 256, i * 11 % 256)])
    image.save(path)


def save_picture(path: Path, rgb: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, quality=98, subsampling=0)


def rle(mask: np.ndarray) -> dict:
    """In COCO's compressed form, as JSON has it."""
    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(encoded["size"]), "counts": encoded["counts"].decode()}


def write_davis(root: Path, names: tuple[str, ...] = ("bear",)) -> Path:
    for name in names:
        for t in range(FRAMES):
            save_picture(root / f"JPEGImages/480p/{name}/{t:05}.jpg", picture(t))
            save_indexed(root / f"Annotations/480p/{name}/{t:05}.png", labels(t))
    for year in "2016", "2017":
        listed = root / "ImageSets" / year / "train.txt"
        listed.parent.mkdir(parents=True, exist_ok=True)
        listed.write_text("\n".join(names) + "\n")
    return root


def write_youtube(root: Path) -> Path:
    for t in range(FRAMES):
        save_picture(root / f"JPEGImages/0032/{t:05}.jpg", picture(t))
    annotated = [f"{t:05}" for t in range(0, FRAMES, 5)]
    for stem in annotated:
        save_indexed(root / f"Annotations/0032/{stem}.png", labels(int(stem)))
    objects = {
        "1": {"category": "square", "frames": annotated},
        "2": {"category": "bar", "frames": annotated[1:]},
    }
    (root / "meta.json").write_text(json.dumps({"videos": {"0032": {"objects": objects}}}))
    return root


def write_video(path: Path, frames: list[np.ndarray], gap: int = 5, rate: int = 24) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_film(path, frames, rate=rate, pix_fmt="yuv444p", crf=4, g=gap)


def write_sa_v(root: Path) -> Path:
    """Annotated frame t is frame 4 t of the video; what lies between is white."""
    white = np.full((SIZE, SIZE, 3), 255, np.uint8)
    frames = [white if n % 4 else picture(n // 4) for n in range(4 * FRAMES - 3)]
    write_video(root / "sav_000/sav_000001.mp4", frames)
    for obj, kind in (1, "manual"), (2, "auto"):
        masklet = [[rle(truth(obj, t))] for t in range(FRAMES)]
        path = root / f"sav_000/sav_000001_{kind}.json"
        path.write_text(json.dumps({"video_id": "sav_000001", "masklet": masklet}))
    return root


def write_coco(root: Path, segmentations: list | None = None, t: int = 5) -> tuple[Path, Path]:
    save_picture(root / "train/0001.png", picture(t))
    counts = np.diff(
        np.flatnonzero(np.diff(truth(2, t).T.ravel(), prepend=False, append=False)),
        prepend=0,
    ).tolist()
    counts.append(SIZE * SIZE - sum(counts))
    x = 4 + 2 * t
    found = segmentations or [
        [[x, 20, x + 16, 20, x + 16, 36, x, 36]],
        {"size": [SIZE, SIZE], "counts": counts},
    ]
    annotations = [{"image_id": 7, "segmentation": each, "iscrowd": 0} for each in found]
    annotations.append({"image_id": 7, "segmentation": rle(~truth(1, t)), "iscrowd": 1})
    document = {"images": [{"id": 7, "file_name": "0001.png"}], "annotations": annotations}
    path = root / "instances.json"
    path.write_text(json.dumps(document))
    return root / "train", path


def write_folder(root: Path, *, indexed: bool = True) -> tuple[Path, Path]:
    for t in 2, 5:
        save_picture(root / f"images/{t}.jpg", picture(t))
        if indexed:
            save_indexed(root / f"masks/{t}.png", labels(t))
        else:
            save_picture(root / f"masks/{t}.png", truth(1, t).astype(np.uint8) * 255)
    save_picture(root / "images/unlabelled.jpg", picture(3))
    return root / "images", root / "masks"


FORMATS: dict[str, tuple[Callable[..., VideoRecords], range]] = {
    "davis": (lambda root, **kw: open_davis(write_davis(root), **kw), range(FRAMES)),
    "youtube": (
        lambda root, **kw: open_youtube_vos(write_youtube(root), **kw),
        range(0, FRAMES, 5),
    ),
    "sa_v": (lambda root, **kw: open_sa_v(write_sa_v(root), **kw), range(FRAMES)),
    "coco": (lambda root, **kw: open_coco(*write_coco(root), **kw), range(5, 6)),
    "folder": (
        lambda root, **kw: open_image_masks(*write_folder(root), indexed=True, **kw),
        range(2, 6, 3),
    ),
}
every_format = pytest.mark.parametrize("name", FORMATS)


def open_format(name: str, root: Path, **options) -> VideoRecords:
    return FORMATS[name][0](root, **options)


def draw(source: VideoRecords, seed: int, *, size: int = SIZE, frames: int = 3, targets: int = 2):
    return source.draw(np.random.default_rng(seed), size=size, frames=frames, targets=targets)


def expected(t: int, first: int) -> set[bytes]:
    """The masks on a frame of the objects that are visible on the first."""
    return {truth(obj, t).tobytes() for obj in (1, 2) if truth(obj, first).any()}


@every_format
def test_masks_come_back_exactly_without_augmentation(name: str, tmp_path: Path) -> None:
    source = open_format(name, tmp_path, augment=False)
    seen: set[int] = set()
    for seed in range(25):
        clip = draw(source, seed)
        assert clip.rgb_t3ss.shape == (3, 3, SIZE, SIZE)
        assert clip.rgb_t3ss.dtype == np.uint8
        assert clip.masks_tkss.shape == (3, 2, SIZE, SIZE)
        assert clip.masks_tkss.dtype == np.bool_
        numbers = [frame_of(rgb) for rgb in clip.rgb_t3ss]
        for t, number in enumerate(numbers):
            assert {mask.tobytes() for mask in clip.masks_tkss[t]} == expected(number, numbers[0])
            difference = clip.rgb_t3ss[t].astype(int) - picture(number).transpose(2, 0, 1)
            assert np.abs(difference).mean() < 6
        seen.update(numbers)
    assert seen == set(FORMATS[name][1])


@every_format
def test_a_seed_gives_the_same_clip_again_in_another_process_too(name: str, tmp_path: Path) -> None:
    source = open_format(name, tmp_path)
    first, again = draw(source, 3), draw(pickle.loads(pickle.dumps(source)), 3)
    np.testing.assert_array_equal(first.rgb_t3ss, again.rgb_t3ss)
    np.testing.assert_array_equal(first.masks_tkss, again.masks_tkss)


@every_format
def test_augmented_masks_lie_on_their_objects(name: str, tmp_path: Path) -> None:
    source = open_format(name, tmp_path)
    colored = 0
    for seed in range(20):
        clip = draw(source, seed, size=96, targets=1)
        assert clip.masks_tkss[0].any()
        red, green, blue = clip.rgb_t3ss.astype(int).transpose(1, 0, 2, 3)
        if np.abs(red - blue).max() < 60:
            continue  # drawn without colour
        colored += 1
        for t in range(3):
            by_color = [(a - green > 90)[t] for a in (red, blue)]
            mask = clip.masks_tkss[t, 0]
            union = [(mask | seen).sum() for seen in by_color]
            overlap = [(mask & seen).sum() for seen in by_color]
            assert mask.sum() < 30 or max(np.divide(overlap, union)) > 0.8, (seed, t)
    assert colored > 12


def test_augmentation_changes_geometry_and_colour(tmp_path: Path) -> None:
    source = open_format("coco", tmp_path)
    plain = open_format("coco", tmp_path, augment=False)
    clips = [draw(source, seed, frames=1, targets=1) for seed in range(20)]
    assert len({clip.masks_tkss.tobytes() for clip in clips}) == 20
    middles = [np.argwhere(clip.masks_tkss[0, 0])[:, 1].mean() for clip in clips]
    assert min(middles) < SIZE * 0.4 < SIZE * 0.6 < max(middles), "some are mirrored"
    first = draw(plain, 0, frames=1).rgb_t3ss
    assert all(clip.rgb_t3ss.mean() != first.mean() for clip in clips)


def test_a_still_picture_moves_a_little_and_stands_still_without_augmentation(tmp_path) -> None:
    still = draw(open_format("folder", tmp_path, augment=False), 1, frames=4)
    assert (still.rgb_t3ss == still.rgb_t3ss[:1]).all()
    assert (still.masks_tkss == still.masks_tkss[:1]).all()
    moving = open_format("folder", tmp_path)
    overlaps = []
    for seed in range(12):
        masks = draw(moving, seed, frames=4, targets=1).masks_tkss[:, 0]
        overlaps.append((masks[0] & masks[-1]).sum() / (masks[0] | masks[-1]).sum())
    assert max(overlaps) < 1
    assert np.median(overlaps) > 0.4


class Brightening:
    """A record whose frames are of one grey each, ever lighter."""

    name = "brightening"

    def __len__(self) -> int:
        return FRAMES

    def read(self, positions):
        everything = {1: np.ones((SIZE, SIZE), bool)}
        return [
            (np.full((SIZE, SIZE, 3), 20 + 15 * position, np.uint8), everything)
            for position in positions
        ]


def steps_of(source: VideoRecords, seed: int) -> tuple[int, ...]:
    """From frame to frame, how many annotated frames further the clip is."""
    middle = draw(source, seed, frames=4).rgb_t3ss[:, 0, SIZE // 2, SIZE // 2]
    return tuple(np.round(np.diff(middle.astype(int)) / 15).astype(int).tolist())


def test_windows_have_an_even_stride() -> None:
    source = VideoRecords([Brightening()], augment=False, max_stride=3)
    assert {steps_of(source, seed) for seed in range(60)} == {(1, 1, 1), (2, 2, 2), (3, 3, 3)}


def test_the_stride_leaves_room_for_all_frames() -> None:
    source = VideoRecords([Brightening()], augment=False, max_stride=1000)
    assert max(steps_of(source, seed) for seed in range(60)) == (3, 3, 3)


def test_half_of_the_augmented_clips_run_backwards() -> None:
    source = VideoRecords([Brightening()], max_stride=1)
    backwards = [steps_of(source, seed)[0] < 0 for seed in range(100)]
    assert 35 < sum(backwards) < 65


def test_a_short_video_is_played_to_and_fro(tmp_path: Path) -> None:
    source = open_format("youtube", tmp_path, augment=False)
    clip = draw(source, 0, frames=7, targets=1)
    assert [frame_of(rgb) for rgb in clip.rgb_t3ss] == [0, 5, 10, 5, 0, 5, 10]


def test_targets_repeat_where_fewer_objects_are_visible(tmp_path: Path) -> None:
    clip = draw(open_format("coco", tmp_path, augment=False), 0, targets=5)
    assert clip.masks_tkss.shape[1] == 5
    assert len({mask.tobytes() for mask in clip.masks_tkss[0]}) == 2


@pytest.mark.parametrize("side", [32, 128])
def test_frames_and_masks_are_resized_as_the_network_sees_them(side: int) -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (50, 80, 3), dtype=np.uint8)
    seen = frame_to_input(rgb, side, torch.device("cpu"))[0].numpy().transpose(1, 2, 0)
    ours = (resize_frame(rgb, side) / 255 - IMAGE_MEAN) / IMAGE_STD
    assert np.abs(seen - ours).max() < 1e-5
    mask = np.zeros((50, 80), bool)
    mask[10:33, 20:61] = True
    theirs = mask_to_input(mask, side, torch.device("cpu"))[0, 0].numpy() > 0
    assert (resize_mask(mask, side) != theirs).mean() < 0.01


# Formats in particular


def test_davis_2016_has_one_object(tmp_path: Path) -> None:
    source = open_davis(write_davis(tmp_path), year=2016, augment=False)
    clip = draw(source, 0, targets=1)
    for rgb, masks in zip(clip.rgb_t3ss, clip.masks_tkss, strict=True):
        assert np.array_equal(masks[0], labels(frame_of(rgb)) > 0)


def test_davis_2016_reads_black_and_white_masks(tmp_path: Path) -> None:
    root = write_davis(tmp_path)
    for t in range(FRAMES):
        mask = Image.fromarray((labels(t) > 0).astype(np.uint8) * 255)
        mask.convert("RGB").save(root / f"Annotations/480p/bear/{t:05}.png")
    clip = draw(open_davis(root, year=2016, augment=False), 0, targets=1)
    assert np.array_equal(clip.masks_tkss[0, 0], labels(frame_of(clip.rgb_t3ss[0])) > 0)
    with pytest.raises(DatasetError, match=r"\.png has the colours of a picture"):
        draw(open_davis(root, year=2017), 0)


def test_void_is_no_object(tmp_path: Path) -> None:
    images, masks = write_folder(tmp_path)
    for t in 2, 5:
        values = np.where(labels(t) == 2, 255, labels(t))
        save_indexed(masks / f"{t}.png", values)
    source = open_image_masks(images, masks, indexed=True, augment=False)
    clip = draw(source, 0)
    assert (clip.masks_tkss[:, 0] == clip.masks_tkss[:, 1]).all()


def test_a_binary_mask_is_one_object(tmp_path: Path) -> None:
    source = open_image_masks(*write_folder(tmp_path, indexed=False), augment=False)
    clip = draw(source, 0, targets=1)
    assert np.array_equal(clip.masks_tkss[0, 0], truth(1, frame_of(clip.rgb_t3ss[0])))
    assert len(source) == 2, "a picture without a mask is left out"


@pytest.mark.parametrize("annotations, obj", [("manual", 1), ("auto", 2)])
def test_sa_v_masklets_are_chosen_by_kind(tmp_path: Path, annotations, obj: int) -> None:
    source = open_sa_v(write_sa_v(tmp_path), annotations=annotations, augment=False)
    clip = draw(source, 1)
    for rgb, masks in zip(clip.rgb_t3ss, clip.masks_tkss, strict=True):
        assert all(np.array_equal(mask, truth(obj, frame_of(rgb))) for mask in masks)


def test_coco_reads_every_form_of_a_mask(tmp_path: Path) -> None:
    forms = [rle(truth(1, 5)), rle(truth(2, 5))]
    clip = draw(open_coco(*write_coco(tmp_path, forms), augment=False), 0)
    assert {mask.tobytes() for mask in clip.masks_tkss[0]} == expected(5, 5)


@pytest.mark.parametrize("seed", range(20))
def test_compressed_run_lengths_mean_what_pycocotools_means(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 400, 2).tolist()
    smooth = rng.random((height // 9 + 1, width // 9 + 1)).repeat(9, 0).repeat(9, 1)
    mask = (smooth[:height, :width] + rng.normal(0, 0.1, (height, width))) > rng.random()
    found = decode_segmentation(rle(mask), height, width, "here")
    assert np.array_equal(found, mask)


# Splits


def test_a_split_keeps_videos_whole_and_apart(tmp_path: Path) -> None:
    names = tuple(f"video{n}" for n in range(10))
    source = open_davis(write_davis(tmp_path, names))
    source = source.with_records([*source.records, *source.records])
    train, held_out = split_by_video(source, held_out=0.3)
    ours, theirs = ({record.name for record in part.records} for part in (train, held_out))
    assert ours | theirs == set(names)
    assert not ours & theirs
    assert (len(ours), len(theirs)) == (7, 3)
    assert len(train) + len(held_out) == 20
    assert (train.augment, held_out.augment) == (True, False)
    again = split_by_video(source.with_records(source.records[::-1]), held_out=0.3)[1]
    assert {record.name for record in again.records} == theirs
    others = [split_by_video(source, held_out=0.3, seed=seed)[1] for seed in range(1, 5)]
    assert any({record.name for record in part.records} != theirs for part in others)


def test_a_split_has_a_video_on_either_side(tmp_path: Path) -> None:
    source = open_davis(write_davis(tmp_path, ("a", "b")))
    for share in 0.01, 0.99:
        assert [len(part) for part in split_by_video(source, held_out=share)] == [1, 1]
    with pytest.raises(ValueError, match="above 0 and below 1, got 1"):
        split_by_video(source, held_out=1)
    with pytest.raises(DatasetError, match="two videos or more"):
        split_by_video(source.with_records(source.records[:1]))


# What is wrong is named


def remove_list(root: Path) -> VideoRecords:
    return open_davis(write_davis(root), split="val")


def remove_pictures(root: Path) -> VideoRecords:
    write_davis(root)
    (root / "JPEGImages/480p/bear/00003.jpg").unlink()
    return open_davis(root)


def remove_sequence(root: Path) -> VideoRecords:
    write_davis(root)
    (root / "ImageSets/2017/train.txt").write_text("wolf\n")
    return open_davis(root)


def cut_mask(root: Path) -> VideoRecords:
    write_davis(root)
    for path in (root / "Annotations/480p/bear").iterdir():
        path.write_bytes(path.read_bytes()[:60])
    return open_davis(root)


def other_size(root: Path) -> VideoRecords:
    write_davis(root)
    for path in (root / "Annotations/480p/bear").iterdir():
        save_indexed(path, np.ones((8, 9), np.uint8))
    return open_davis(root)


def empty_masks(root: Path) -> VideoRecords:
    write_davis(root)
    for path in (root / "Annotations/480p/bear").iterdir():
        save_indexed(path, np.zeros((SIZE, SIZE), np.uint8))
    return open_davis(root)


def no_meta(root: Path) -> VideoRecords:
    write_youtube(root)
    (root / "meta.json").unlink()
    return open_youtube_vos(root)


def other_meta(root: Path) -> VideoRecords:
    write_youtube(root)
    (root / "meta.json").write_text('{"videos": {"0032": {}}}')
    return open_youtube_vos(root)


def frame_without_mask(root: Path) -> VideoRecords:
    write_youtube(root)
    (root / "Annotations/0032/00005.png").unlink()
    return open_youtube_vos(root)


def no_masklets(root: Path) -> VideoRecords:
    write_sa_v(root)
    for path in root.rglob("*.json"):
        path.unlink()
    return open_sa_v(root)


def other_masklets(root: Path) -> VideoRecords:
    write_sa_v(root)
    (root / "sav_000/sav_000001_manual.json").write_text('{"masks": []}')
    return open_sa_v(root)


def cut_video(root: Path) -> VideoRecords:
    write_sa_v(root)
    write_video(root / "sav_000/sav_000001.mp4", [picture(0)] * 3)
    return open_sa_v(root)


def no_video(root: Path) -> VideoRecords:
    write_sa_v(root)
    (root / "sav_000/sav_000001.mp4").write_bytes(b"not a video")
    return open_sa_v(root)


def other_coco(root: Path) -> VideoRecords:
    images, path = write_coco(root)
    path.write_text("[]")
    return open_coco(images, path)


def no_json(root: Path) -> VideoRecords:
    images, path = write_coco(root)
    path.write_text("{")
    return open_coco(images, path)


def missing_picture(root: Path) -> VideoRecords:
    images, path = write_coco(root)
    (images / "0001.png").unlink()
    return open_coco(images, path)


def coco_mask_of(segmentation) -> Callable[[Path], VideoRecords]:
    return lambda root: open_coco(*write_coco(root, [segmentation]))


def jpeg_masks(root: Path) -> VideoRecords:
    images, masks = write_folder(root)
    for path in list(masks.iterdir()):
        path.rename(path.with_suffix(".jpg"))
    return open_image_masks(images, masks)


WRONG = [
    (remove_list, r"no .*ImageSets/2017/val\.txt: expected the names of sequences"),
    (remove_pictures, r"Annotations/480p/bear/00003\.png has no picture: expected .*00003\.jpg"),
    (remove_sequence, "There is no folder .*480p/wolf: expected pictures"),
    (cut_mask, r"bear/\d+\.png cannot be read as a mask"),
    (other_size, r"bear/\d+\.png is 9x8: expected 64x64, the size of its picture"),
    (empty_masks, "No object was visible .* bear"),
    (no_meta, r"meta\.json cannot be opened \(No such file.*expected"),
    (other_meta, r"meta\.json is of another form .*'objects'.*expected"),
    (frame_without_mask, r"no .*Annotations/0032/00005\.png: .*meta\.json lists this"),
    (no_masklets, r"no annotated video below .*expected pairs such as .*_manual\.json"),
    (other_masklets, r"sav_000001_manual\.json is of another form .*masklet.*expected"),
    (cut_video, r"sav_000001\.mp4 has no frame \d+ at 24 frames per second"),
    (no_video, r"sav_000001\.mp4 cannot be read as a video"),
    (other_coco, r"instances\.json is of another form"),
    (no_json, r"instances\.json is no JSON"),
    (missing_picture, r"There is no .*0001\.png: expected an image"),
    (coco_mask_of({"size": [3, 4], "counts": [12]}), r"0001\.png has a mask of size \[3, 4\]"),
    (coco_mask_of({"size": [SIZE, SIZE], "counts": [5]}), r"instances\.json, 0001\.png has a mask"),
    (coco_mask_of({"size": [SIZE, SIZE], "counts": "~~"}), "cannot be decoded .*expected polygons"),
    (coco_mask_of({"size": [SIZE, SIZE], "counts": ""}), "cannot be decoded"),
    (coco_mask_of({"size": [SIZE, SIZE], "counts": "55"}), "cover 10 pixels, not 4096"),
    (coco_mask_of({"size": [SIZE, SIZE], "counts": rle(truth(1, 0))["counts"][:-1]}), "end within"),
    (coco_mask_of([[1, 2, 3, 4, 5]]), "a polygon is x and y of points"),
    (coco_mask_of([[1, 2, 3, 4, 1e12, 5]]), "in or near the picture"),
    (coco_mask_of([[1, 2, 30, 40]]), "No object was visible"),
    (coco_mask_of("polygon"), "cannot be decoded"),
    (jpeg_masks, "No file in .*masks has the name of a picture"),
]


@pytest.mark.parametrize("make, sentence", WRONG)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, make, sentence: str) -> None:
    with pytest.raises(DatasetError) as caught:
        draw(make(tmp_path), 0)
    assert re.search(sentence, str(caught.value)), caught.value


def test_a_year_or_kind_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got 2018"):
        open_davis(tmp_path, year=2018)
    with pytest.raises(ValueError, match="got 'all'"):
        open_sa_v(tmp_path, annotations="all")  # pyright: ignore[reportArgumentType]


def test_pictures_are_those_that_the_predictors_see(tmp_path: Path) -> None:
    """A photograph of a phone that was held upright, and a picture of 16 bits."""
    turned = np.rot90(picture(2))
    exif = Image.Exif()
    exif[0x0112] = 6  # the row on top is the right side
    (tmp_path / "images").mkdir()
    Image.fromarray(turned).save(tmp_path / "images/phone.png", exif=exif)
    grey = np.linspace(1000, 5000, SIZE * SIZE).reshape(SIZE, SIZE).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "images/deep.png")
    for name in ("phone", "deep"):
        save_indexed(tmp_path / f"masks/{name}.png", labels(2))
    records = open_image_masks(tmp_path / "images", tmp_path / "masks", augment=False).records
    read = {record.name: record.read([0])[0][0] for record in records}
    assert np.array_equal(read["phone"], picture(2))
    for name, rgb in read.items():
        assert np.array_equal(rgb, open_video(tmp_path / f"images/{name}.png")[0])
    assert read["deep"].min() == 0 and read["deep"].max() == 255


@pytest.mark.parametrize("rate", [12, 24, 30])
def test_every_fourth_frame_of_sa_v_is_annotated_at_any_rate(tmp_path: Path, rate: int) -> None:
    root = write_sa_v(tmp_path)
    path = root / "sav_000/sav_000001.mp4"
    write_video(path, [picture(n % FRAMES) for n in range(4 * FRAMES)], rate=rate)
    (record,) = open_sa_v(root).records
    video = open_video(path)
    frames = record.read([0, 5, 7])
    for (rgb, masks), position in zip(frames, (0, 5, 7), strict=True):
        assert np.array_equal(rgb, video[4 * position])
        assert np.array_equal(masks[1], truth(1, position))


def test_names_of_earlier_versions_are_given_with_a_warning() -> None:
    for old, new in {
        "Coco": open_coco,
        "Davis": open_davis,
        "ImageMaskFolder": open_image_masks,
        "SaV": open_sa_v,
        "YouTubeVos": open_youtube_vos,
        "FORMATS": datasets.DATASET_FORMATS,
    }.items():
        with pytest.warns(DeprecationWarning, match=rf"datasets\.{old} is now called "):
            assert getattr(datasets, old) is new
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = datasets.Nothing  # pyright: ignore
