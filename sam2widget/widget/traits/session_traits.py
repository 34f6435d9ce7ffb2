"""What the browser is told of a session as synced traits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from traitlets import Instance, Int, TraitError, validate

from ...annotation.classes import explain_unknown
from ...annotation.records import Changed
from ...annotation.session import Session
from ..api.class_annotator import ClassRecord
from ..api.object_record import ObjectRecord
from .thread_safe import ThreadSafeTraits
from .types import (
    AutoPropagate,
    Choice,
    ClassesTrait,
    Cleaning,
    FieldsTrait,
    Name,
    ObjectsTrait,
    ReadOnlyTraitError,
    Switch,
    WholeNumber,
)

READ_ONLY = {
    *("objects", "class_list", "status", "history", "video", "epoch", "non_overlapping"),
}
"""Traits that the front end does not write."""
INSTEAD = {
    "objects": "w.add_object(), w.update_object(id, …) and w.remove_object(id) change objects",
    "class_list": "set w.classes",
    "status": "it says what goes on",
    "history": "w.undo() and w.redo() change it",
    "video": "it describes the video that the widget was made of",
    "epoch": "it counts sessions",
}
"""What a person does where code sets a trait that only says what is."""


class SessionTraits(ThreadSafeTraits):
    """Traits that say what is current in a session: what is shown, selected, listed, going on.

    Parameters
    ----------
    session : whose objects these are.
    count_frames : gives how many frames there are.
    on_error : shows why a value of the front end was refused.
    traits : values to begin with.
    """

    frame = WholeNumber(0, help="Frame that is shown.").tag(sync=True, echo_update=False)
    selected = WholeNumber(0, help="Id of the selected object, 0 for none.").tag(
        sync=True, echo_update=False
    )
    objects = ObjectsTrait(
        Instance(ObjectRecord),
        help="id, name, color, dash, visible, locked, class_name, attributes, parents of objects.",
    ).tag(sync=True)
    class_list = ClassesTrait(help="name and color of each class; see `classes`.").tag(sync=True)
    current_class = Name(help='Class that new objects get, "" for none.').tag(sync=True)
    color_by = Choice(("object", "class"), "object", help="Whose colours masks are shown in.").tag(
        sync=True
    )
    status = FieldsTrait(help="state, message, model, device and click_ms.").tag(sync=True)
    history = FieldsTrait(
        {"undo": "", "redo": ""}, help='What undo and redo would do; "" for nothing.'
    ).tag(sync=True)
    video = FieldsTrait(
        help="width, height, num_frames, fps, interval_s, name, kind, sizes, live and pixel_size."
    ).tag(sync=True)
    epoch = Int(1, help="Number of the session; messages of another one are dropped.").tag(
        sync=True
    )
    auto_propagate = AutoPropagate(help="What an edit in the browser tracks by itself.").tag(
        sync=True
    )
    clean_masks = Cleaning(help="Below which size specks and pinholes are dropped.").tag(sync=True)
    non_overlapping = Switch(True, help="Whether a pixel belongs to one object at most.").tag(
        sync=True
    )

    def __init__(
        self,
        session: Session,
        count_frames: Callable[[], int],
        on_error: Callable[[str], None],
        **traits: Any,
    ) -> None:
        self._shown_session = session
        self._count_frames = count_frames
        self._on_refusal = on_error
        super().__init__(
            objects=self._list_objects(),
            clean_masks=session.clean_masks,
            non_overlapping=session.non_overlapping,
            class_list=self._list_classes(),
            **{"current_class": session.current_class, "color_by": session.color_by, **traits},
        )

        self._are_traits_made = True

    if not TYPE_CHECKING:  # a type checker knows the types of traits

        def __setattr__(self, name: str, value: object) -> None:
            if name in INSTEAD and vars(self).get("_are_traits_made"):
                raise ReadOnlyTraitError(f"w.{name} cannot be set: {INSTEAD[name]}.")
            super().__setattr__(name, value)

    def set_trait(self, name: str, value: Any) -> None:
        """Set a trait, also one that is written by the front end (traitlets' own).

        Raises
        ------
        ReadOnlyTraitError
            When it only says what is.
        """
        if name in INSTEAD and vars(self).get("_are_traits_made"):
            raise ReadOnlyTraitError(f"w.{name} cannot be set: {INSTEAD[name]}.")
        super().set_trait(name, value)

    def explain_trait(self, name: str) -> str:
        """Say in a sentence what frame, selected and current_class may be."""
        if name == "frame":
            return f"The video has frames 0 to {self._count_frames() - 1}."
        if name == "selected":
            known = ", ".join(map(str, self._selectable()[1:])) or "none yet"
            return f"Objects: {known}. 0 is for none."
        known = ", ".join(self._shown_session.class_names) or "none yet"
        return f'It is "" for none, or the name of a class. Classes: {known}.'

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take the values of traits that the front end has written.

        Of our traits these are frame, selected, auto_propagate, clean_masks, current_class and
        color_by.
        """
        # A view may still select what has just been removed.
        gone = {"selected"} if sync_data.get("selected") not in self._selectable() else set[str]()
        try:
            super().set_state(
                {name: value for name, value in sync_data.items() if name not in READ_ONLY | gone}
            )
        except TraitError as error:
            self._on_refusal(str(error))

    def show_change(self, changed: Changed) -> None:
        """Bring the traits up to date after a change. Any thread."""
        session = self._shown_session
        last, following = session.last_edit, session.next_edit
        history = {
            "undo": "" if last is None else last.label,
            "redo": "" if following is None else following.label,
        }
        if history != self.history:
            self.write_traits(history=history)
        if changed.objects:
            self.write_traits(objects=self._list_objects(), class_list=self._list_classes())
            if self.current_class not in ("", *session.class_names):
                self.write_traits(current_class="")
            known = self._selectable()[1:]
            if self.selected not in known:
                self.write_traits(selected=known[-1] if known else 0)
        if self.non_overlapping != session.non_overlapping:
            self.write_traits(non_overlapping=session.non_overlapping)

    @validate("selected")
    def _check_selected(self, proposal: Any) -> int:
        if proposal["value"] not in self._selectable():
            raise TraitError(
                f"There is no object {proposal['value']} to select. "
                f"{self.explain_trait('selected')}"
            )
        return proposal["value"]

    @validate("current_class")
    def _check_current_class(self, proposal: Any) -> str:
        name, session = proposal["value"], self._shown_session
        if name and name not in session.class_names:
            raise TraitError(explain_unknown(name, session.classes))
        return name

    @validate("frame")
    def _check_frame(self, proposal: Any) -> int:
        frame = proposal["value"]
        if not 0 <= frame < self._count_frames():
            raise TraitError(
                f"There is no frame {frame}: the video has frames 0 to {self._count_frames() - 1}."
            )
        return frame

    def _selectable(self) -> list[int]:
        return [0, *(info.id for info in self._shown_session.objects)]

    def _list_classes(self) -> list[ClassRecord]:
        return [ClassRecord(asdict(one)) for one in self._shown_session.classes]

    def _list_objects(self) -> list[ObjectRecord]:
        return [ObjectRecord.of(info) for info in self._shown_session.objects]
