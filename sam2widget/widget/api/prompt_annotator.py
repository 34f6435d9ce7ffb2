"""Prompts and objects of a video, as code gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from ...annotation.records import Shape
from ...core.arguments import as_flag, as_numbers, as_path_of_stroke, as_points
from ...core.user_warnings import warn
from ...models.segmenter import Window
from ..notebook.short_errors import shorten_errors
from ..session_setup import read_checked, take_in
from .deprecation import takes_by_keyword
from .lineage_annotator import LineageAnnotator

if TYPE_CHECKING:
    from ...export import MaskSource


@shorten_errors
class PromptAnnotator(LineageAnnotator):
    """What objects there are, and the prompts that say where they are. Each call is one edit.

    Parameters are those of `AnnotationReader`.
    """

    # Prompts

    @takes_by_keyword("label", "obj")
    def add_point(
        self,
        frame: int,
        x: float | ArrayLike,
        y: float | None = None,
        *,
        label: int = 1,
        obj: int = 1,
        window: Window | None = None,
    ) -> None:
        """Click on an object (label 1) or outside it (label 0); a new id adds the object.

        Parameters
        ----------
        frame : index of the frame, from 0.
        x, y : in pixels of the original frame, 0 to its width and height, both included; or both in
            one list, ``add_point(0, (x, y))``.
        label : 1 on the object, 0 outside it.
        obj : id of the object, from 1.
        window : x0, y0, x1, y1 of the part of a large picture that the model is to see, in its
            pixels; if None, the last that was used and holds the point, or else 1024 x 1024 pixels
            around it.

        Raises
        ------
        SessionError
            When the point or the frame is not in the video, the label is neither 0 nor 1, the
            object is locked, or the model could not be loaded.
        """
        x, y = as_numbers((x, y), ("x", "y"), "A point")

        def prompt() -> None:
            self._session.add_point(frame, x=x, y=y, label=label, obj=obj, window=window)

        self._prompt(frame, obj, lambda: self._controller.status.time_prompt(prompt))

    def add_points(
        self,
        frame: int,
        points: ArrayLike,
        labels: ArrayLike | None = None,
        obj: int = 1,
        *,
        candidate: int | None = None,
        window: Window | None = None,
    ) -> None:
        """Click several times at once, which is one edit and one prediction.

        Parameters
        ----------
        frame : index of the frame, from 0.
        points : (P, 2) x and y of each in pixels of the original frame.
        labels : (P,) 1 on the object, 0 outside it; 1 for all if None.
        obj : id of the object, from 1; a new one adds the object.
        candidate : which of the masks that the first click may mean, by the model's own number from
            0, as `to_python` writes it; the best if None.
        window : as in `add_point`.

        Raises
        ------
        SessionError
            As `add_point`; also when these are no points, or there is not a label for each.
        """
        places, checked = as_points(points, labels)

        def prompt() -> None:
            self._session.add_points(
                frame, points=places, labels=checked, obj=obj, candidate=candidate, window=window
            )

        self._prompt(frame, obj, lambda: self._controller.status.time_prompt(prompt))

    @takes_by_keyword("obj")
    def add_box(
        self,
        frame: int,
        x0: float | ArrayLike | None = None,
        y0: float | None = None,
        x1: float | None = None,
        y1: float | None = None,
        *,
        obj: int = 1,
        box: ArrayLike | None = None,
        window: Window | None = None,
    ) -> None:
        """Draw a box around an object, in place of an earlier one; a new id adds the object.

        What sticks out of the frame is cut off, with a warning where it is more than a pixel or
        2 % of the frame.

        Parameters
        ----------
        frame : index of the frame, from 0.
        x0, y0, x1, y1 : its upper left and lower right corner in pixels of the original frame; or
            all in one list, array or tensor, as in ``add_box(0, [x0, y0, x1, y1])``.
        obj : id of the object, from 1.
        box : the four numbers in one, by name.
        window : as in `add_point`; if None, the box and half of it on each side.

        Raises
        ------
        SessionError
            When the box is empty or lies outside the frame; else as `add_point`.
        """
        given = (x0, y0, x1, y1) if box is None else (box, x0, y0, x1, y1)
        x0, y0, x1, y1 = as_numbers(given, ("x0", "y0", "x1", "y1"), "A box")
        self._prompt(
            *(frame, obj),
            lambda: self._session.add_box(frame, x0, y0, x1, y1, obj, window),
        )
        note = self._session.cut_by_frame(frame, (x0, y0, x1, y1))
        if note:
            warn(note)

    def add_mask(self, frame: int, mask_hw: object, obj: int = 1) -> None:
        """Give an object's (H, W) mask on a frame, in place of its prompts there.

        A new id adds the object. An empty mask says that the object is not to be seen.

        Parameters
        ----------
        frame : index of the frame, from 0.
        mask_hw : (H, W) of the original frame: flags, 0 and 1, or 0 and 255; also probabilities,
            which are cut at 0.5, and logits, which are cut at 0, with a warning. An array, a
            tensor, a Pillow image, or COCO's run lengths.
        obj : id of the object, from 1.

        Raises
        ------
        SessionError
            When it is no mask, or of another size than the frame; else as `add_point`.
        """
        checked_hw, note = self._session.check_mask(frame, mask_hw)
        self._controller.edit(lambda: self._session.add_mask(frame, checked_hw, obj=obj))
        if note:
            warn(note)

    @takes_by_keyword("obj")
    def paint(
        self,
        frame: int,
        path: ArrayLike,
        radius: float = 0.0,
        *,
        obj: int = 1,
        shape: Shape = "brush",
        erase: bool = False,
    ) -> None:
        """Add pixels to an object's mask with a brush or a polygon, or erase some.

        The mask that this gives takes the place of all prompts on the frame; a new id adds the
        object.

        Parameters
        ----------
        frame : index of the frame, from 0.
        path : (P, 2) the way of the brush's centre, or a polygon's corners: (x, y) in pixels of the
            original frame.
        radius : of the brush in pixels, above 0; a polygon needs none.
        obj : id of the object, from 1.
        shape : "brush" or "polygon".
        erase : take the pixels away from the mask.

        Raises
        ------
        SessionError
            When there is no mask to erase from, the path has no place or a polygon fewer than three
            corners, or the radius of a brush is not above 0; else as `add_point`.
        """
        flat = as_path_of_stroke(path)
        options: dict[str, Any] = {"shape": shape, "erase": erase}
        self._controller.edit(
            lambda: self._session.paint(frame, path=flat, radius=radius, obj=obj, **options)
        )

    @takes_by_keyword("obj")
    def choose(self, frame: int, index: int, *, obj: int = 1) -> None:
        """Choose another of the masks that a first click may mean.

        Parameters
        ----------
        frame : index of the frame, from 0.
        index : from 0 among the masks that are offered, which are without those of a predicted IoU
            under a third of the best.
        obj : id of the object.

        Raises
        ------
        SessionError
            When there is no such mask, or the object is locked.
        """
        self._controller.edit(lambda: self._session.choose(frame, obj=obj, index=index))

    @takes_by_keyword("obj")
    def move_point(self, frame: int, index: int, x: float, y: float, *, obj: int = 1) -> None:
        """Put a click of an object elsewhere on its frame.

        Parameters
        ----------
        frame : index of the frame, from 0.
        index : of the click, from 0 in the order of the clicks.
        x, y : where it goes, in pixels of the original frame.
        obj : id of the object.

        Raises
        ------
        SessionError
            When there is no such click, the point lies outside the frame, or the object is locked.
        """
        self._controller.edit(
            lambda: self._session.move_point(frame, obj=obj, index=index, x=x, y=y)
        )

    @takes_by_keyword("obj")
    def remove_point(self, frame: int, index: int, *, obj: int = 1) -> None:
        """Take a click of an object on a frame away; `index` as in `move_point`.

        Raises
        ------
        SessionError
            When there is no such click, or the object is locked.
        """
        self._controller.edit(lambda: self._session.remove_point(frame, obj=obj, index=index))

    def remove_box(self, frame: int, obj: int = 1) -> None:
        """Take an object's box on a frame away; its clicks there stay.

        Raises
        ------
        SessionError
            When it has no box there, or is locked.
        """
        self._controller.edit(lambda: self._session.remove_box(frame, obj=obj))

    def clear_prompts(self, frame: int, obj: int = 1) -> None:
        """Take an object's prompts on a frame away.

        The tracked mask that they corrected, if there was one, shows again and is stale.

        Raises
        ------
        SessionError
            When it has none there, or is locked.
        """
        self._controller.edit(lambda: self._session.clear_prompts(frame, obj=obj))

    def reset_prompts(self, frame: int | None = None, obj: int | None = None) -> None:
        """Take prompts away as one edit: on a frame or on all, of an object or of all.

        Objects stay, and so does what was tracked, as stale.

        Parameters
        ----------
        frame : index of the frame, from 0; all frames if None.
        obj : id of the object; all that are not locked if None.

        Raises
        ------
        SessionError
            When there are none, or the object is locked.
        """
        self._controller.edit(lambda: self._session.reset_prompts(frame, obj=obj))

    # Masks from elsewhere

    def import_masks(
        self, source: MaskSource, format: str | None = None, *, as_prompts: bool = False
    ) -> list[int]:
        """Import masks in place of what there is on their frames, and return the objects' ids.

        It is one edit, and new ids add objects. What had to be guessed, and what was left out, is
        said in warnings and in the view.

        Parameters
        ----------
        source : a path of a file or folder, or arrays: (H, W) of frame 0, (T, H, W) of one object
            or of labels, (N, H, W) of N objects on frame 0, (N, T, H, W), or lists and dictionaries
            of them; all that `sam2widget.export.import_masks` takes.
        format : of the files, as there; what is found if None.
        as_prompts : make them prompts; else they are accepted frames, which condition tracking and
            which it never changes.

        Returns
        -------
        list of int
            Ids of the objects, ascending.

        Raises
        ------
        SessionError
            When the masks cannot be read or do not fit the video, there is none, or an object is
            locked. Nothing has changed then.
        """
        as_prompts = as_flag(as_prompts, "as_prompts")
        found = read_checked(self._get_video(), source, format)

        def edit() -> tuple[list[int], tuple[str, ...]]:
            objects, notes = take_in(self._session, found, as_prompts=as_prompts)
            self._controller.set_notice(" ".join(notes))
            return objects, notes

        objects, notes = self._controller.edit(edit)
        for note in notes:
            warn(note)
        return objects

    # Objects

    def add_object(self, obj: int | None = None) -> int:
        """Add an object without prompts, and return its id; prompts with a new id add one, too.

        Parameters
        ----------
        obj : its id, from 1; the next free one if None.

        Raises
        ------
        SessionError
            When there is one of this id already.
        """
        return self._controller.edit(lambda: self._session.add_object(obj))

    def update_object(
        self,
        obj: int,
        *,
        name: str | None = None,
        color: str | None = None,
        visible: bool | None = None,
        locked: bool | None = None,
    ) -> None:
        """Change the name, the colour or the visibility of an object, or lock it.

        What is None stays as it is.

        Parameters
        ----------
        obj : id of the object.
        name : that is not empty.
        color : ``"#rrggbb"``.
        visible : whether the view shows its masks.
        locked : whether nothing changes its masks.

        Raises
        ------
        SessionError
            When there is no such object, or this is no name or no colour.
        """
        self._controller.edit(
            lambda: self._session.update_object(
                obj, name=name, color=color, visible=visible, locked=locked
            )
        )

    def remove_object(self, obj: int) -> None:
        """Remove an object with its prompts and masks.

        Raises
        ------
        SessionError
            When there is no such object, or it is locked.
        """
        self._controller.edit(lambda: self._session.remove_object(obj))

    def clear(self) -> None:
        """Begin anew: remove all objects, locked ones too, with their prompts and masks.

        Proposals go, too. Undo brings all of it back. A propagation that runs is stopped.
        """
        self._controller.edit(self._controller.clear)

    def undo(self) -> None:
        """Take the last edit or propagation back; a propagation that runs is stopped.

        Raises
        ------
        SessionError
            When there is nothing to undo.
        """
        self._controller.edit(self._controller.undo)

    def redo(self) -> None:
        """Do what was undone again; a propagation that runs is stopped.

        Raises
        ------
        SessionError
            When there is nothing to redo.
        """
        self._controller.edit(self._controller.redo)

    def _prompt(self, frame: int, obj: int, prompt: Callable[[], object]) -> None:
        sentence = self._controller.edit(lambda: self._controller.prompt(frame, obj, prompt))
        if sentence:
            warn(sentence)
