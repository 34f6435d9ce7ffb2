"""How good a model is on labelled photographs: proposals, how well it knows how good it is, people.

    python -m benchmarks.photographs PACK [--model nano] [--pictures 40]

PACK is a folder that `recipes/nano/pack.py` wrote. Every fourth picture of a set is looked at,
which the recipe keeps out of training.

Recall is of labelled objects of at least 0.3 % of the picture: the share that one of the
generator's best 100 masks overlaps with an IoU of at least 0.5. Calibration is of the single mask
and the candidates after one click inside an object, and of the single mask after a box.

Of several people: `several_people.json` says which labels of which pictures of coco_small are
people, chosen by eye, by the first digits of the SHA-256 of the picture's bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from sam2_backend import (
    AutomaticMaskGenerator,
    ImagePredictor,
    Sam2Model,
    SAM2MultiPersonSegmentation,
    load_model,
)

BEST = 100
IGNORED = 255
MIN_SHARE = 0.003


@dataclass
class Photograph:
    """A picture and its labelled objects."""

    rgb_hw3: NDArray[np.uint8]
    masks: list[NDArray[np.bool_]]
    people: list[NDArray[np.bool_]]
    """Which of the masks are people, where `several_people.json` says it."""


def held_back(pack: Path, name: str) -> Iterator[Photograph]:
    """Every fourth picture of a set, which training leaves out."""
    archive = np.load(pack / "stills.npz")
    ends = {key: archive[f"{key}_off"] for key in ("rgb", "lab")}
    content = {key: archive[key] for key in ends}
    several = json.loads((Path(__file__).parent / "several_people.json").read_text())
    for n in np.flatnonzero(archive["names"] == name)[3::4]:
        encoded = {key: content[key][end[n] : end[n + 1]].tobytes() for key, end in ends.items()}
        rgb, labels = (np.asarray(Image.open(io.BytesIO(one))) for one in encoded.values())
        ids = [one for one in np.unique(labels) if one not in (0, IGNORED)]
        masks = [labels == one for one in ids]
        digest = hashlib.sha256(encoded["rgb"]).hexdigest()[:16]
        people = [labels == one for one in several.get(digest, ())]
        yield Photograph(rgb, [m for m in masks if m.mean() >= MIN_SHARE], people)


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


def measure_recall(generator: AutomaticMaskGenerator, photographs: list[Photograph]) -> None:
    """Print how many labelled objects are among the best masks."""
    found = objects = proposals = things = 0
    for photograph in photographs:
        records = generator.generate(photograph.rgb_hw3)
        records.sort(key=lambda one: -one["predicted_iou"])
        masks = [record["segmentation"] for record in records[:BEST]]
        table = np.array([[iou(mask, truth) for truth in photograph.masks] for mask in masks])
        proposals += len(masks)
        objects += len(photograph.masks)
        if len(masks):
            found += int((table.max(axis=0, initial=0) >= 0.5).sum())
            things += int((table.max(axis=1, initial=0) >= 0.5).sum())
    print(
        f"recall at IoU 0.5 of {objects} objects on {len(photographs)} pictures: "
        f"{found / objects:.3f}; {proposals / len(photographs):.1f} masks a picture, of which "
        f"{things / max(proposals, 1):.3f} are labelled things"
    )


def measure_calibration(model: Sam2Model, photographs: list[Photograph]) -> None:
    """Print how predicted and true IoU agree."""
    predictor = ImagePredictor(model)
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for photograph in photographs:
        predictor.set_image(photograph.rgb_hw3)
        for truth in photograph.masks[:6]:
            inside = ndimage.distance_transform_edt(np.pad(truth, 1))[1:-1, 1:-1]
            y, x = np.unravel_index(inside.argmax(), inside.shape)
            ys, xs = truth.nonzero()
            box = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            asked = {
                "click, candidates": {"points": [[x + 0.5, y + 0.5]], "labels": [1]},
                "click, single": {
                    "points": [[x + 0.5, y + 0.5]],
                    "labels": [1],
                    "multimask": False,
                },
                "box": {"box": box, "multimask": False},
            }
            for name, prompt in asked.items():
                masks, ious, logits = predictor.predict(**prompt)
                for mask, predicted, logits_hw in zip(masks, ious, logits, strict=True):
                    outer = np.count_nonzero(logits_hw > -1)
                    stability = np.count_nonzero(logits_hw > 1) / outer if outer else 1.0
                    row = float(predicted), iou(mask, truth), stability
                    rows.setdefault(name, []).append(row)
    print(f"{'':20}{'true':>8}{'predicted':>11}{'correlation':>13}{'error':>8}{'stability':>11}")
    for name, found in rows.items():
        predicted, true, stability = np.array(found).T
        correlation = np.corrcoef(predicted, true)[0, 1]
        error = np.abs(predicted - true).mean()
        print(
            f"{name:20}{true.mean():8.3f}{predicted.mean():11.3f}{correlation:13.3f}{error:8.3f}"
            f"{np.median(stability):11.3f}"
        )


def measure_people(
    people: SAM2MultiPersonSegmentation, photographs: list[Photograph], name: str
) -> None:
    """Print on how many pictures of one labelled person that person is among the answers."""
    first = among = 0
    for photograph in photographs:
        masks, _ = people.segment_auto(photograph.rgb_hw3, num_people=5)
        truth = photograph.masks[0]
        hits = [iou(mask, truth) > 0.5 for mask in masks]
        first += bool(hits) and hits[0]
        among += any(hits)
    print(f"{name}: found on {among} of {len(photographs)} pictures, first on {first}")


def measure_several(people: SAM2MultiPersonSegmentation, photographs: list[Photograph]) -> None:
    """Print how many of several people are found, and how many answers are none of them."""
    found = persons = answers = right = merged = 0
    for photograph in photographs:
        masks, _ = people.segment_auto(photograph.rgb_hw3, num_people=2 * len(photograph.people))
        table = np.array([[iou(m, truth) for truth in photograph.people] for m in masks])
        persons += len(photograph.people)
        answers += len(masks)
        if len(masks):
            found += int((table.max(axis=0) > 0.5).sum())
            right += int((table.max(axis=1) > 0.5).sum())
        for mask in masks:
            inside = [np.count_nonzero(mask & t) > 0.5 * t.sum() for t in photograph.people]
            merged += sum(inside) > 1
    print(
        f"several people: {found} of {persons} found on {len(photographs)} pictures of coco_small; "
        f"{answers} answers, of which {right} are one of them and {merged} more than one"
    )


def measure_mistakes(
    people: SAM2MultiPersonSegmentation, photographs: list[Photograph], name: str
) -> None:
    """Print what is taken for people where there are none."""
    answers = [len(people.segment_auto(one.rgb_hw3)[0]) for one in photographs]
    print(f"{name}, without people: {np.mean(answers):.1f} answers a picture")


def main() -> None:
    """Print recall, calibration and the figures of people."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--model", default="nano", help="name or path of a checkpoint")
    parser.add_argument("--pictures", type=int, default=40, help="at most, of each set")
    parser.add_argument("--only", choices=("recall", "calibration", "people"))
    arguments = parser.parse_args()
    model = load_model(arguments.model)

    def some(name: str, count: int = arguments.pictures) -> list[Photograph]:
        usable = (one for one in held_back(arguments.pack, name) if one.masks)
        return [one for one, _ in zip(usable, range(count), strict=False)]

    if arguments.only in (None, "calibration"):
        measure_calibration(model, some("coco_small"))
    if arguments.only in (None, "recall"):
        measure_recall(AutomaticMaskGenerator(model), some("coco_small"))
    if arguments.only in (None, "people"):
        people = SAM2MultiPersonSegmentation(arguments.model)
        measure_people(people, some("coco_person", 30), "coco_person")
        measure_people(people, some("ccp_person", 20), "ccp_person")
        several = (one for one in held_back(arguments.pack, "coco_small") if one.people)
        measure_several(people, list(several))
        measure_mistakes(people, some("rf_animals", 10), "rf_animals")


if __name__ == "__main__":
    main()
