"""What there is in a video by now: masks, scores, prompts, and all of it for other programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Video

from ...annotation.confidence import Review
from ...annotation.records import Proposal, Timeline
from ...annotation.session import Session
from ...core.arguments import ById, MasksById, as_int, as_int_from, as_path, as_window
from ...core.errors import SessionError
from ...core.masks import MaskVolume
from ...core.masks.label_maps import OverlapCounter
from ...core.masks.sparse import sample_mask
from ...core.user_warnings import warn, warn_renamed
from ...models.segmenter import PromptSet, Window
from ...runtime.controller import Controller
from ...storage.statistics import Statistics, time_spent
from ..notebook.short_errors import shorten_errors
from .hand_over import HandOver

if TYPE_CHECKING:
    from ...export import Segmentation
    from ...export.effects.frame_effect import Background, EffectName
    from ...export.effects.mattes import MatteName

T = TypeVar("T")


@shorten_errors
class AnnotationReader(HandOver):
    """The results of a session, as arrays, as numbers and in files. Any thread.

    Parameters
    ----------
    session : that is read.
    review : knows how sure the masks are.
    controller : in whose thread the session is changed.
    get_video : gives the video, or what is left of it once it is closed.
    """

    def __init__(
        self,
        session: Session,
        review: Review,
        controller: Controller[Any],
        get_video: Callable[[], Video],
    ) -> None:
        self._session = session
        self._review = review
        self._controller = controller
        self._get_video = get_video

    @property
    def masks(self) -> Mapping[int, MaskVolume]:
        """Masks by object id, each a lazy (T, H, W) bool array that reads the present masks.

        ``w.masks[1][10]`` is one frame, ``np.asarray(w.masks[1])`` all. ``copy.deepcopy(w.masks)``
        is a dictionary of arrays, which stays as it is, and so is what is pickled.
        """
        return MasksById(
            self._read_all(self._session.masks),
            "w.add_mask(frame, mask, obj) or w.import_masks(…) give masks",
        )

    @property
    def scores(self) -> Mapping[int, NDArray[np.float32]]:
        """Object-score logits by object id, (T,) float32, above 0 where it is judged visible.

        NaN where there is no mask yet.
        """
        return self._numbers(self._session.scores)

    @property
    def ious(self) -> Mapping[int, NDArray[np.float32]]:
        """Predicted IoU of the masks by object id, (T,) float32, 0..1; NaN where there is none."""
        return self._numbers(self._session.ious)

    def prompts(self, frame: int, obj: int = 1) -> PromptSet:
        """Prompts of an object on a frame; an empty set where there are none.

        Raises
        ------
        SessionError
            When the video has no such frame, or this is no id.
        """
        session = self._session
        return session.prompts(session.check_frame(frame), as_int(obj, "An object's id"))

    def proposals(self, frame: int) -> tuple[Proposal, ...]:
        """What was found on a frame, by `propose` or in the view, and is still to be decided on.

        Raises
        ------
        SessionError
            When the video has no such frame.
        """
        return self._session.proposals(self._session.check_frame(frame))

    def timeline(self, obj: int = 1) -> Timeline:
        """Frames on which an object is prompted, tracked, stale, accepted or rejected.

        Raises
        ------
        SessionError
            When there is no such object.
        """
        return self._session.timeline(self._session.check_object(obj))

    def read_mask(
        self, obj: int, window: Window, *, size: tuple[int, int] | None = None, frame: int = 0
    ) -> NDArray[np.bool_]:
        """(h, w) bool of a part of an object's mask, which is not decoded whole.

        Parameters
        ----------
        obj : id of the object, from 1.
        window : x0, y0, x1, y1 of the part in pixels of the frame; the last two are not included.
        size : width and height of what is returned; those of the part if None. Each of its pixels
            is the one at its middle.
        frame : index of the frame, from 0.

        Raises
        ------
        SessionError
            When there is no such object, frame or part.
        """
        session = self._session
        obj, frame = session.check_object(obj), session.check_frame(frame)
        height, width = session.frame_hw(frame)
        x0, y0, x1, y1 = as_window(window)
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            raise SessionError(
                f"There is no part {(x0, y0, x1, y1)} of frame {frame}, which is "
                f"{width} x {height} pixels: a window is x0, y0, x1, y1."
            )
        wide, high = (x1 - x0, y1 - y0) if size is None else _as_size(size)
        mask = session.shown_mask(frame, obj)
        if mask is None:
            return np.zeros((high, wide), np.bool_)
        return sample_mask(mask, (x0, y0, x1, y1), high, wide)

    def label_map(self, frame: int) -> NDArray[np.int32]:
        """(H, W) int32 object ids on a frame, 0 for background.

        Where two objects overlap, the larger id shows, and a warning says so.
        """
        covered = OverlapCounter()
        labels_hw = self._session.label_map(frame, covered)
        names = {info.id: info.name for info in self._session.objects}
        sentence = covered.describe(
            names, "a label map", non_overlapping=self._session.non_overlapping
        )
        if sentence:
            warn(sentence)
        return labels_hw

    @property
    def confidence(self) -> Mapping[int, NDArray[np.float32]]:
        """How sure the masks are by object id, (T,) float32, 0..1; NaN where there is none.

        It is made from object score, predicted IoU and how well each mask agrees with its
        neighbours.
        """
        return self._numbers(self._review.confidence)

    @property
    def num_unreviewed(self) -> int:
        """How many masks nobody has prompted, accepted or rejected."""
        return self._review.num_unreviewed()

    @property
    def segmentation(self) -> Segmentation:
        """The objects and masks as they are now, for `export` and `plots`."""
        from ...export import Segmentation

        return self._controller.read(
            lambda: Segmentation.make(
                self._get_video().snapshot(),
                self._session.colored_objects,
                self._session.tables.results.copy(),
                non_overlapping=self._session.non_overlapping,
                classes=self._session.classes,
            )
        )

    @property
    def statistics(self) -> Statistics:
        """How much has been annotated, and what it took; `print` shows it as a table.

        Seconds are those between edits in this widget, without long pauses.
        """
        return self._controller.read(
            lambda: Statistics.count(
                len(self._get_video()),
                self._session.tables.prompts.copy(),
                self._session.tables.results.copy(),
                time_spent(self._controller.edit_times_s),
            )
        )

    def export(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,
        *,
        on_progress: Callable[[int, int], object] | None = None,
        **options: Any,
    ) -> Path:
        """Write the masks for another program, and return the path of what was written.

        Parameters
        ----------
        path : of the file, or of the folder.
        format : one of `sam2widget.export.FORMATS`; the one of the path's suffix if None.
        on_progress, options : of the format; see `sam2widget.export.export_masks`.

        Returns
        -------
        Path
            What was written.

        Raises
        ------
        SessionError
            When there is no such format or option, nothing to write, a file of the video would be
            written over, or it cannot be written.

        Examples
        --------
        >>> w.export("dog-overlay.mp4")  # an overlay with sound; the suffix says the format
        >>> w.export("data", "coco", frames=True)
        """
        from ...export import export_masks

        return export_masks(self, path, format, on_progress=on_progress, **options)

    def export_video(
        self,
        path: str | os.PathLike[str],
        effect: EffectName = "overlay",
        *,
        objects: int | Iterable[int] | None = None,
        strength: float | None = None,
        background: Background | None = None,
        feather: float = 1.0,
        matte: MatteName = "mask",
        on_progress: Callable[[int, int], object] | None = None,
        **options: Any,
    ) -> Path:
        """Write the video with an effect on its objects or around them, and return the path.

        Parameters
        ----------
        path : ``.mp4``, ``.webm``, ``.mov``, ``.webp`` or ``.gif``; without a suffix a folder of
            PNGs, a frame each.
        effect : "overlay" tints and outlines objects, "cutout" leaves nothing but them (transparent
            in WebM, QuickTime, WebP and PNG), "blur" and "spotlight" blur and darken the rest,
            "outline" draws a line around them, "background" puts them on another.
        objects : an id or several; all visible ones if None.
        strength : of "blur", "spotlight" and "outline", 0..1; each has its own if None.
        background : of "background": ``"#rrggbb"``, (R, G, B), or a picture, which is scaled to
            cover the frame: its path, a Pillow image, or (H, W, 3) uint8. A studio's green if None.
        feather : softness of the objects' edges in pixels; 0 is hard.
        matte : "mask", or "logits", whose edges are as soft as the model saw them; masks that have
            none are feathered, and a warning counts them.
        on_progress : see `sam2widget.export.export_masks`.
        options : of the format, such as ``crf``.

        Returns
        -------
        Path
            What was written.

        Raises
        ------
        SessionError
            When there is no such effect, object or format, the format is not transparent and the
            effect is, or as `export` has it.

        Examples
        --------
        >>> w.export_video("dog-blur.mp4", "blur")
        >>> w.export_video("dog-alone.webm", "cutout", objects=1)
        """
        of_effect: dict[str, Any] = {"effect": effect, "objects": objects, "strength": strength}
        of_effect |= {"background": background, "feather": feather, "matte": matte}
        format = None if as_path(path, "The path of an export").suffix else "png"
        return self.export(path, format, on_progress=on_progress, **of_effect, **options)

    @property
    def certainty(self) -> Mapping[int, NDArray[np.float32]]:
        """Deprecated name of `confidence`."""
        warn_renamed("certainty", "confidence")
        return self.confidence

    @property
    def left_to_check(self) -> int:
        """Deprecated name of `num_unreviewed`."""
        warn_renamed("left_to_check", "num_unreviewed")
        return self.num_unreviewed

    def _numbers(self, read: Callable[[int], NDArray[np.float32]]) -> Mapping[int, Any]:
        found = {obj: values_t.view() for obj, values_t in self._read_all(read).items()}
        for values_t in found.values():
            values_t.flags.writeable = False
        return ById(found, "the model gave these numbers, and a .copy() of an array is your own")

    def _read_all(self, read: Callable[[int], T]) -> dict[int, T]:
        return {info.id: read(info.id) for info in self._session.objects}


def _as_size(size: Any) -> tuple[int, int]:
    """Width and height in pixels."""
    try:
        is_pair = not isinstance(size, (str, bytes)) and np.shape(size) == (2,)
    except ValueError:  # lists of several lengths
        is_pair = False
    if not is_pair:
        raise SessionError(f"size is width and height in pixels, two whole numbers, got {size!r}.")
    width, height = (as_int_from(one, 1, "A side of size") for one in size)
    return width, height
