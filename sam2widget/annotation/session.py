"""Objects, prompts, results and undo: what a person does to a video, without a notebook.

A frame that has prompts conditions tracking, always. Accepted frames do too, and nothing
overwrites them; rejected ones are no results. A correction makes stale only its span: outwards to
the next prompted or accepted frame of the same object. Propagation tracks what is stale or
untracked, nothing else. Nothing changes the masks of a locked object.

A session is changed from one thread. Its results may be read from any.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Kind

from ..core.masks import Mask
from ..core.masks.cleaning import CLEANED_SHARE
from ..models.capabilities import DecoderInputs, SupportsBrowserDecoder
from ..models.detection import Detection, FrameDetections
from ..models.segmenter import Box, Prediction, PromptSet, Segmenter, Window
from .classes import Labels
from .editors.classes import ClassEditor
from .editors.imports import Importer
from .editors.lineages import LineageEditor
from .editors.model_switch import ModelSwitcher
from .editors.objects import ObjectEditor
from .editors.overlap_resolver import OverlapResolver
from .editors.prompts import PromptEditor
from .editors.propagation import Propagator
from .editors.proposals import ProposalEditor
from .editors.review import Reviewer
from .editors.undo import UndoRedo
from .history import Edit
from .model_sync import ModelSync
from .records import (
    Attribute,
    Changed,
    ColorBy,
    Direction,
    ObjectClass,
    ObjectInfo,
    Proposal,
    Result,
    Shape,
    Source,
    Tracked,
)
from .store import AnnotationStore
from .tables import SessionTables
from .view import SessionView


class Session(SessionView):
    """One video being segmented, or some pictures.

    `SessionView` reads it; what is here changes it. The editors say more of each method.

    Parameters
    ----------
    num_frames, height, width, kind, sizes_hw, non_overlapping, is_windowed : as in `SessionTables`.
    segmenter : the model; it may be given later, by `load`, before the first prompt.
    skips, clean_masks : as in `ModelSync`.
    """

    def __init__(
        self,
        num_frames: int,
        height: int,
        width: int,
        segmenter: Segmenter | None = None,
        *,
        kind: Kind = "video",
        sizes_hw: Sequence[tuple[int, int]] | None = None,
        skips: bool = False,
        clean_masks: float = CLEANED_SHARE,
        non_overlapping: bool = True,
        is_windowed: bool = False,
    ) -> None:
        tables = SessionTables(
            *(num_frames, height, width),
            kind=kind,
            sizes_hw=sizes_hw,
            non_overlapping=non_overlapping,
            is_windowed=is_windowed,
        )
        super().__init__(tables)
        self._store = store = AnnotationStore(tables)
        self._model = model = ModelSync(store, skips=skips, clean_masks=clean_masks)
        self._overlaps = overlaps = OverlapResolver(store, model.remove_specks)
        self._objects = ObjectEditor(store, model, overlaps)
        self._lineages = LineageEditor(store, model)
        self._classes = ClassEditor(store)
        self._prompts = PromptEditor(store, model, overlaps)
        self._reviewer = Reviewer(store, model, overlaps)
        self._proposals = ProposalEditor(store, model, self._prompts, overlaps)
        self._importer = Importer(store, model, overlaps, self._prompts)
        self._propagator = Propagator(store, model, overlaps)
        self._undo = UndoRedo(store, model)
        self._switcher = ModelSwitcher(store, model, self._prompts)
        if segmenter is not None:
            self.load(segmenter)

    # The model

    @property
    def segmenter(self) -> Segmenter | None:
        """The model; None before `load` and after `unload`."""
        return self._model.segmenter

    @property
    def can_preview(self) -> bool:
        """Whether the model can say what a click would give."""
        return self._model.can_preview

    @property
    def clean_masks(self) -> float:
        """Below which size specks and pinholes are dropped."""
        return self._model.clean_masks

    def load(self, segmenter: Segmenter) -> None:
        """Work with this model from now on; results so far stay."""
        self._model.load(segmenter)

    def switch(self, segmenter: Segmenter) -> int:
        """Work with another model from now on; returns how many masks it makes stale."""
        return self._switcher.switch(segmenter)

    def answer_again(self, first: int = 0) -> Generator[None, None, None]:
        """Let the model answer the prompts that another has answered, one by one."""
        return self._switcher.answer_again(first)

    def unload(self) -> None:
        """Let go of the model, and of what undo would bring back; results so far stay."""
        self._model.unload()
        self._store.history.clear()

    def forget_pixels(self) -> None:
        """Let the model look at frames anew: they are shown otherwise now. Masks stay."""
        self._model.forget_pixels()

    def set_cleaning(self, size: float) -> None:
        """Clean what the model says from now on; masks so far stay. Any thread."""
        self._model.set_cleaning(size)

    # Objects

    def split(self, obj: int, frame: int) -> tuple[int, int]:
        """Let an object divide on a frame, and return the ids of the two new ones."""
        return self._lineages.split(obj, frame)

    def merge(self, objects: Iterable[int], frame: int) -> int:
        """Let objects merge on a frame, and return the id of the new one."""
        return self._lineages.merge(objects, frame)

    def set_parents(self, obj: int, parents: Iterable[int]) -> None:
        """Say which objects an object came from."""
        self._lineages.set_parents(obj, parents)

    def add_object(self, obj: int | None = None) -> int:
        """Add an object and return its id, the next free one if None."""
        return self._objects.add_object(obj)

    def update_object(
        self,
        obj: int,
        *,
        name: str | None = None,
        color: str | None = None,
        visible: bool | None = None,
        locked: bool | None = None,
    ) -> None:
        """Change the name, the colour or the visibility of an object, or lock it."""
        self._objects.update_object(obj, name=name, color=color, visible=visible, locked=locked)

    def remove_object(self, obj: int) -> None:
        """Remove an object with its prompts and masks."""
        self._objects.remove_object(obj)

    def clear(self) -> None:
        """Remove all objects, locked ones too, and all proposals."""
        self._objects.clear()

    # Classes

    def set_classes(self, classes: object) -> None:
        """Set which classes there are: names in their order, or colours by name."""
        self._classes.set_classes(classes)

    def begin_with_classes(self, classes: Iterable[ObjectClass]) -> None:
        """Take classes in place of those there are, which undo does not bring back."""
        self._store.tables.classes.clear()
        self._store.tables.classes.update(enumerate(classes))

    def add_class(self, name: str, color: str | None = None) -> None:
        """Add a class after the others."""
        self._classes.add_class(name, color)

    def set_class_color(self, name: str, color: str) -> None:
        """Give a class another colour."""
        self._classes.set_class_color(name, color)

    def set_class(
        self, objects: int | Iterable[int], name: str | None, *, add: bool = False
    ) -> None:
        """Say of which class objects are; None for none."""
        self._classes.set_class(objects, name, add=add)

    def set_attributes(self, obj: int, attributes: Mapping[str, Attribute | None]) -> None:
        """Set attributes of an object by name; None takes one away."""
        self._classes.set_attributes(obj, attributes)

    def set_current_class(self, name: str) -> None:
        """Give new objects this class from now on; "" is none. Undo does not take it back."""
        self._store.tables.current_class = name

    def set_color_by(self, by: ColorBy) -> None:
        """Show masks in the objects' own colours, or in those of their classes. Any thread."""
        self._store.tables.color_by = by

    # Prompts

    def add_point(
        self,
        frame: int,
        x: float,
        y: float,
        label: int = 1,
        obj: int = 1,
        window: Window | None = None,
    ) -> None:
        """Click on an object (label 1) or outside it (label 0); a new id adds the object."""
        self._prompts.add_point(frame, x, y, label, obj, window)

    def add_points(
        self,
        frame: int,
        points: Sequence[tuple[float, float]],
        labels: Sequence[int],
        obj: int = 1,
        candidate: int | None = None,
        window: Window | None = None,
    ) -> None:
        """Click several times, which is one edit."""
        self._prompts.add_points(frame, points, labels, obj, candidate, window)

    def add_box(
        self,
        frame: int,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        obj: int = 1,
        window: Window | None = None,
    ) -> None:
        """Draw a box around an object, in place of an earlier one."""
        self._prompts.add_box(frame, x0, y0, x1, y1, obj, window)

    def add_mask(
        self, frame: int, mask_hw: object, obj: int = 1, source: Source = "import"
    ) -> None:
        """Give an object's mask on a frame, in place of all its prompts there."""
        self._prompts.add_mask(frame, mask_hw, obj, source)

    def check_mask(self, frame: int, mask: object) -> tuple[NDArray[np.bool_], str | None]:
        """The (H, W) bool mask that something is on a frame, and what had to be guessed."""
        return self._prompts.check_mask(frame, mask)

    def paint(
        self,
        frame: int,
        path: Sequence[float],
        radius: float = 0.0,
        obj: int = 1,
        *,
        shape: Shape = "brush",
        erase: bool = False,
    ) -> None:
        """Add to an object's mask by hand, or take away from it."""
        self._prompts.paint(frame, path, radius, obj, shape=shape, erase=erase)

    def choose(self, frame: int, obj: int, index: int) -> None:
        """Choose another of the masks that a single click may mean."""
        self._prompts.choose(frame, obj, index)

    def move_point(self, frame: int, obj: int, index: int, x: float, y: float) -> None:
        """Put one click elsewhere."""
        self._prompts.move_point(frame, obj, index, x, y)

    def remove_point(self, frame: int, obj: int, index: int) -> None:
        """Take one click away."""
        self._prompts.remove_point(frame, obj, index)

    def remove_box(self, frame: int, obj: int) -> None:
        """Take the box away."""
        self._prompts.remove_box(frame, obj)

    def clear_prompts(self, frame: int, obj: int) -> None:
        """Take all prompts of an object on a frame away."""
        self._prompts.clear_prompts(frame, obj)

    def reset_prompts(self, frame: int | None = None, obj: int | None = None) -> None:
        """Take all prompts away, on a frame or on all, of an object or of all."""
        self._prompts.reset_prompts(frame, obj)

    def preview(
        self,
        frame: int,
        x: float,
        y: float,
        obj: int | None = None,
        window: Window | None = None,
    ) -> Prediction:
        """What a click on an object (None: a new one) would give. Nothing changes."""
        return self._prompts.preview(frame, x, y, obj, window)

    def cut_by_frame(self, frame: int, box: Box) -> str:
        """See `PromptEditor.cut_by_frame`."""
        return self._prompts.cut_by_frame(frame, box)

    def cut_by_window(self, frame: int, obj: int) -> str:
        """A sentence where a mask ends at the edge of what the model saw; "" otherwise."""
        return self._prompts.cut_by_window(frame, obj)

    def decoder_inputs(self, frame: int, obj: int | None) -> DecoderInputs | None:
        """What the model's decoder is given before a further click; None if it is not to be had."""
        frame = self._store.check_frame(frame)
        known = None if obj is None else self._store.check_unlocked(self._store.check_object(obj))
        return self._model.decoder_inputs(frame, known)

    def read_decoder(self) -> Callable[[], bytes] | None:
        """What reads the model's decoder, in any thread; None where a browser cannot have it."""
        segmenter = self._model.segmenter
        return segmenter.read_decoder if isinstance(segmenter, SupportsBrowserDecoder) else None

    def want_of_positive(self, frame: int, obj: int) -> str:
        """A sentence where a new object got nothing but points outside it; "" otherwise."""
        return self._prompts.want_of_positive(frame, obj)

    # Overlaps

    def set_non_overlapping(self, on: bool) -> None:
        """Let masks of different objects exclude each other, or overlap."""
        self._overlaps.set_non_overlapping(on)

    def losses(self, frame: int, edited: Iterable[int], before: Mapping[int, Mask]) -> str:
        """A sentence where an object has lost most of what the model said of it; "" otherwise."""
        return self._overlaps.losses(frame, edited, before)

    # Review

    def accept(self, obj: int | None, start: int, stop: int | None = None) -> None:
        """Vouch for masks: they condition tracking, and only a person's edit changes them."""
        self._reviewer.accept(obj, start, stop)

    def reject(self, obj: int | None, start: int, stop: int | None = None) -> None:
        """Say that masks are wrong: they are no results any more."""
        self._reviewer.reject(obj, start, stop)

    def unreview(self, obj: int | None, start: int, stop: int | None = None) -> None:
        """Take acceptance or rejection back; the masks stay."""
        self._reviewer.unreview(obj, start, stop)

    def reset(self, obj: int | None, start: int, stop: int | None = None) -> None:
        """Take prompts and masks away, accepted and rejected ones too."""
        self._reviewer.reset(obj, start, stop)

    # Proposals

    def propose(
        self, frame: int, window: Window | None = None
    ) -> Generator[None, None, list[Proposal]]:
        """Segment everything on a frame, in steps; other edits may come in between."""
        return self._proposals.propose(frame, window)

    def find(
        self, frame: int, what: str, detect: Callable[[], Sequence[Detection]]
    ) -> Generator[None, None, list[Proposal]]:
        """Propose what a detector finds on a frame, in steps; other edits may come in between."""
        return self._proposals.find(frame, what, detect)

    def find_in_video(
        self, what: str, steps: Iterator[FrameDetections | None]
    ) -> Generator[Tracked | None, None, list[Proposal]]:
        """Propose what a detector finds through the video, frame by frame."""
        return self._proposals.find_in_video(what, steps)

    def found_in_video(self) -> list[Proposal]:
        """What the last search through the video has found, and is proposed still."""
        return self._proposals.found_in_video()

    def adopt(
        self, frame: int, ids: Iterable[int], merge: bool = False, obj: int | None = None
    ) -> list[int]:
        """Make proposals objects, each its own or all one, and return the objects' ids."""
        return self._proposals.adopt(frame, ids, merge, obj)

    def dismiss(self, frame: int, ids: Iterable[int]) -> None:
        """Drop proposals."""
        self._proposals.dismiss(frame, ids)

    # Propagation

    def propagate(
        self,
        start: int | None = None,
        stop: int | None = None,
        direction: Direction = "both",
        objects: int | Iterable[int] | None = None,
        *,
        stale_only: bool = False,
    ) -> Iterator[Tracked]:
        """Track what is stale or untracked, one frame at a time; edits may come in between."""
        return self._propagator.propagate(start, stop, direction, objects, stale_only=stale_only)

    def track_newest(self) -> Tracked | None:
        """Track all objects onto the newest frame of a live video; None where it is done."""
        return self._propagator.track_newest()

    # What is there already

    def grow(self, num_frames: int) -> None:
        """The video has more frames now. Any thread."""
        self._store.grow(num_frames)

    def fill(
        self,
        objects: Iterable[ObjectInfo],
        prompts: Mapping[tuple[int, int], PromptSet],
        results: Mapping[tuple[int, int], Result],
        classes: Iterable[ObjectClass] = (),
    ) -> None:
        """Take over what was saved, in a session that is still empty.

        The model learns of it when it is first asked.
        """
        self._store.fill(objects, prompts, results, classes)

    def import_masks(
        self,
        masks: Mapping[tuple[int, int], Mask],
        names: Mapping[int, str] | None = None,
        *,
        as_prompts: bool = False,
        labels: Labels | None = None,
        boxes: Mapping[tuple[int, int], Box] | None = None,
        parents: Mapping[int, tuple[int, ...]] | None = None,
    ) -> list[int]:
        """Put masks, by (object id, frame), in place of what there is; returns the objects' ids.

        Boxes become prompts.
        """
        return self._importer.import_masks(
            *(masks, names),
            as_prompts=as_prompts,
            labels=labels,
            boxes=boxes,
            parents=parents,
        )

    # Undo

    @property
    def last_edit(self) -> Edit | None:
        """What undo would take back."""
        return self._store.history.last

    @property
    def next_edit(self) -> Edit | None:
        """What redo would do again."""
        return self._store.history.next

    def undo(self) -> str:
        """Take the last edit or propagation back and say which."""
        return self._undo.undo()

    def redo(self) -> str:
        """Do what was undone again and say which."""
        return self._undo.redo()

    # Who is told

    def listen(self, listener: Callable[[Changed], None]) -> None:
        """Call `listener` after each change, in the thread that made it."""
        self._store.listen(listener)

    @property
    def on_listener_error(self) -> Callable[[Exception], None]:
        """Called with what a listener raises."""
        return self._store.on_listener_error

    @on_listener_error.setter
    def on_listener_error(self, call: Callable[[Exception], None]) -> None:
        self._store.on_listener_error = call
