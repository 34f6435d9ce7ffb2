"""What `sam2widget demo` runs: click, propagate, correct, propagate again, save.

On the sample clip the clicks are made from its true masks, and the result is measured against
them; on another video they come from the caller.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from tqdm.auto import tqdm

from sam2_backend.video import Video, open_video

from ..annotation.session import Session
from ..core.protected_files import ProtectedFiles
from ..export import Segmentation, export_masks
from ..models.registry import load_by_family
from ..samples.sample import SampleClip, sample_clip

Masks = NDArray[np.bool_]

MASKS, OVERLAY, SHEET = "masks.npz", "overlay.mp4", "contact_sheet.png"
"""Names of the files that are written."""
MAX_CORRECTIONS = 5
"""Corrective clicks on an object, on all its frames together."""
GOOD = 0.9
"""J of a frame that needs no more corrections."""
GAIN = 0.005
"""J that a click must gain: where it does not, the next one would be in the same place."""


@dataclass(frozen=True)
class DemoClick:
    """A click: x and y in pixels of the original frame, label 1 on the object and 0 outside."""

    frame: int
    x: float
    y: float
    obj: int = 1
    label: int = 1


def run_on_sample(name: str, model: str, device: str | None, out: Path) -> None:
    """Segment a sample clip, correct the worst frames of each object, and print J.

    The results are written too; see `save`.

    Parameters
    ----------
    name : of the clip, one of `SAMPLE_CLIPS`.
    model, device : as for `Sam2Widget`.
    out : folder for the results; made where it is missing.
    """
    clip = sample_clip(name)
    video = open_video(clip.frames_thw3)
    video.fps = clip.fps
    print(f"The sample clip {name}: {len(video)} frames of {video.width} x {video.height}.")
    session = _session(video, model, device)

    for obj, masks_thw in clip.masks.items():
        x, y = deepest_point(masks_thw[0])
        session.add_object(obj)
        session.update_object(obj, name=clip.names[obj])
        session.add_point(0, x, y, 1, obj)
        print(f"Click on the {clip.names[obj]} at ({x:g}, {y:g}) of frame 0.")
    _propagate(session)
    before = after = score_masks(session, clip.masks)

    clicks_left = dict.fromkeys(clip.masks, MAX_CORRECTIONS)
    left_alone: set[tuple[int, int]] = set()
    while correct_worst_frame(session, clip, after, clicks_left, left_alone):
        _propagate(session)
        after = score_masks(session, clip.masks)

    print("\nJ (mean over the frames)  one click  corrected")
    for obj, label in clip.names.items():
        used = MAX_CORRECTIONS - clicks_left[obj]
        count = f"{used} more click{'' if used == 1 else 's'}"
        print(f"  {label:<22}  {before[obj].mean():9.3f}  {after[obj].mean():9.3f}  {count}")
    mean_before, mean_after = (np.mean([j.mean() for j in js.values()]) for js in (before, after))
    print(f"  {'mean':<22}  {mean_before:9.3f}  {mean_after:9.3f}\n")
    save(session, video, out)


def correct_worst_frame(
    session: Session,
    clip: SampleClip,
    j: Mapping[int, NDArray[np.float64]],
    clicks_left: dict[int, int],
    left_alone: set[tuple[int, int]],
) -> bool:
    """Click on objects that are not good on the worst frame, while clicks are left.

    Parameters
    ----------
    session : with the masks; the clicks are added to it.
    clip : with the true masks.
    j : of each object, J of each frame.
    clicks_left : by object; counted down.
    left_alone : objects and frames where a click gained nothing; added to.

    Returns
    -------
    bool
        Whether there was an object to click on.
    """
    objs = [obj for obj, left in clicks_left.items() if left]
    frame = _worst_frame(j, clip.masks, objs, left_alone)
    wrong = [obj for obj in objs if j[obj][frame] <= GOOD and (obj, frame) not in left_alone]
    for obj in wrong:
        j_frame = j[obj][frame]
        print(f"On frame {frame}, the {clip.names[obj]} has J {j_frame:.2f}, and is corrected.")
        truth_hw = clip.masks[obj][frame]
        while j_frame <= GOOD and clicks_left[obj]:
            x, y, label = correction(session.masks(obj)[frame], truth_hw)
            session.add_point(frame, x, y, label, obj)
            clicks_left[obj] -= 1
            before, j_frame = j_frame, jaccard(session.masks(obj)[frame][None], truth_hw[None])[0]
            sign = "positive" if label else "negative"
            print(f"A {sign} click at ({x:g}, {y:g}): J {j_frame:.2f}.")
            if j_frame < before + GAIN:
                left_alone.add((obj, frame))
                print("It gained next to nothing: this frame is left as it is.")
                break
    return bool(wrong)


def run_on_video(
    source: str, clicks: Sequence[DemoClick], model: str, device: str | None, out: Path
) -> None:
    """Segment a video: propagate from each object's first clicked frame, then correct.

    Parameters
    ----------
    source : path to a video, an image or a folder of images.
    clicks : those of an object's first frame start it, the others correct it afterwards.
    model, device : as for `Sam2Widget`.
    out : folder for the results; made where it is missing.

    Raises
    ------
    VideoError, SessionError
        When the video cannot be read, a click is not in it, or a file of it would be written over.
    """
    video = open_video(source)
    # Before the work, not after it.
    ProtectedFiles(video).check(out / name for name in (MASKS, OVERLAY, SHEET))
    print(f"{video.name}: {len(video)} frames of {video.width} x {video.height}.")
    session = _session(video, model, device)
    starts: dict[int, int] = {}
    for click in clicks:
        starts.setdefault(click.obj, click.frame)
    first = [click for click in clicks if click.frame == starts[click.obj]]
    corrections = [click for click in clicks if click.frame != starts[click.obj]]
    for group in filter(None, (first, corrections)):
        for click in group:
            session.add_point(click.frame, click.x, click.y, click.label, click.obj)
        _propagate(session)
    save(session, video, out)


def _session(video: Video, model: str, device: str | None) -> Session:
    session = Session(len(video), video.height, video.width)
    start = time.perf_counter()
    segmenter = load_by_family(model, device, video, print)
    session.load(segmenter)
    took_s = time.perf_counter() - start
    print(f"Model {segmenter.name} on {segmenter.device}, loaded in {took_s:.1f} s.")
    return session


def _propagate(session: Session) -> None:
    """Track what is left to track, and print the time that a frame takes."""
    start = time.perf_counter()
    frames = 0
    with tqdm(desc="Propagating", unit="frame") as bar:
        for step in session.propagate():
            bar.total = step.total
            bar.update(step.done - bar.n)
            frames = step.done
    took_s = time.perf_counter() - start
    per_frame = f", {1000 * took_s / frames:.0f} ms a frame" if frames else ""
    print(f"Propagated {len(session.objects)} objects over {frames} frames{per_frame}.")


# --- against the truth ------------------------------------------------------------------------


def jaccard(masks_thw: Masks, truth_thw: Masks) -> NDArray[np.float64]:
    """Compute J of each frame, (T,): intersection over union; 1 where both masks are empty.

    Parameters
    ----------
    masks_thw, truth_thw : (T, H, W) bool.
    """
    union = (masks_thw | truth_thw).sum(axis=(1, 2))
    shared = (masks_thw & truth_thw).sum(axis=(1, 2))
    return np.where(union == 0, 1.0, shared / np.maximum(union, 1))


def deepest_point(region_hw: Masks) -> tuple[float, float]:
    """Find the pixel of a region (H, W) that lies farthest from its border: (x, y), at +0.5."""
    depth_hw: NDArray[Any] = np.asarray(ndimage.distance_transform_edt(np.pad(region_hw, 1)))
    y, x = np.unravel_index(int(depth_hw[1:-1, 1:-1].argmax()), region_hw.shape)
    return float(x) + 0.5, float(y) + 0.5


def correction(mask_hw: Masks, truth_hw: Masks) -> tuple[float, float, int]:
    """Find the next click (x, y, label) of a simulated user, in the largest error region.

    The label is 1 where the mask misses the object, 0 where it covers the background (Ravi et al.
    2024, section 6).

    Parameters
    ----------
    mask_hw, truth_hw : (H, W) bool, which differ somewhere.
    """
    labels_hw = np.zeros(truth_hw.shape, np.int32)
    ndimage.label(mask_hw ^ truth_hw, output=labels_hw)
    largest = int(np.bincount(labels_hw.ravel())[1:].argmax()) + 1
    x, y = deepest_point(labels_hw == largest)
    return x, y, int(truth_hw[int(y), int(x)])


def score_masks(session: Session, truth: Mapping[int, Masks]) -> dict[int, NDArray[np.float64]]:
    """Compute J of each frame, (T,), by object."""
    return {obj: jaccard(np.asarray(session.masks(obj)), masks) for obj, masks in truth.items()}


def _worst_frame(
    j: Mapping[int, NDArray[np.float64]],
    truth: Mapping[int, Masks],
    objs: Sequence[int],
    left_alone: Collection[tuple[int, int]] = (),
) -> int:
    """Find the frame with the lowest J of some objects, of those where they are well in sight.

    Objects are left out on frames where they are `left_alone`.
    """

    def rank(obj: int) -> NDArray[np.float64]:
        area = truth[obj].sum(axis=(1, 2))
        open_t = np.array([(obj, t) not in left_alone for t in range(len(area))])
        return np.where((area >= 0.5 * area.max()) & open_t, j[obj], np.inf)

    return int(np.min([rank(obj) for obj in objs], axis=0).argmin()) if objs else 0


# --- what it leaves behind --------------------------------------------------------------------


def save(session: Session, video: Video, out: Path) -> None:
    """Write `MASKS`, `OVERLAY` and `SHEET`, and print where they are.

    Parameters
    ----------
    session, video : with the masks, and of these frames.
    out : folder; made where it is missing.
    """
    from ..export.plots import contact_sheet  # Matplotlib takes a while to import

    segmentation = Segmentation.make(
        *(video, tuple(session.objects), session.all_results),
        non_overlapping=session.non_overlapping,
    )
    arrays = export_masks(segmentation, out / MASKS)
    overlay = export_masks(segmentation, out / OVERLAY)
    contact_sheet(segmentation).savefig(out / SHEET, dpi=150)
    ids = ", ".join(str(info.id) for info in session.objects)
    print(f"Wrote {arrays}: (T, H, W) bool, by object id {ids}.")
    print(f"Wrote {overlay} and {out / SHEET}.")
    print("Do it by hand: jupyter lab examples/quickstart.ipynb")
    print("(in a checkout: make lab, which installs JupyterLab too).")
