"""Another model in place of the one at hand: what that one has said is answered or tracked anew."""

from __future__ import annotations

from collections.abc import Generator

from ...models.segmenter import Segmenter
from ..history import Edit
from ..model_sync import ModelSync
from ..store import AnnotationStore
from .prompts import PromptEditor

LABEL = "switch the model"


class ModelSwitcher:
    """Switching of a session's model. Prompts, objects, and what a person has made, stay.

    Parameters
    ----------
    store : that is edited.
    model : which is told of the other one.
    prompts : answers prompts.
    """

    def __init__(self, store: AnnotationStore, model: ModelSync, prompts: PromptEditor) -> None:
        self._store = store
        self._model = model
        self._prompts = prompts
        self._edit: Edit | None = None
        """The last switch."""

    def switch(self, segmenter: Segmenter) -> int:
        """Work with another model from now on; what was tracked becomes stale.

        Masks stay as they are where a person has accepted or rejected them, made them, or locked
        their object. Undo makes the masks fresh again; the model stays.

        Returns
        -------
        int
            How many masks are stale by it.
        """
        self._model.load(segmenter)
        store = self._store
        num_stale = 0
        with store.edit(LABEL) as edit:
            for info in store.objects:
                if info.locked:
                    continue
                tracked = [
                    frame
                    for frame, result in store.results(info.id).items()
                    if result.source == "track" and result.state == "fresh"
                    if not store.prompts(frame, info.id)
                ]
                store.write_states(info.id, tracked, "stale")
                num_stale += len(tracked)
        self._edit = edit if num_stale else None
        return num_stale

    def answer_again(self, first: int = 0) -> Generator[None, None, None]:
        """Let the model answer all prompts, one object on one frame a step.

        It is part of the switch, and undone with it, unless something was edited since. Other
        edits may come in between.

        Parameters
        ----------
        first : the frame that is answered before others.
        """
        store = self._store
        keys = [
            (obj, frame)
            for (obj, frame), prompts in store.all_prompts.items()
            if prompts.points or prompts.box is not None
        ]
        for obj, frame in sorted(keys, key=lambda key: (abs(key[1] - first), key)):
            result = store.result(frame, obj)
            info = store.tables.objects.get(obj)
            prompts = store.prompts(frame, obj)
            by_model = result is not None and result.source == "prompt"
            if info is None or info.locked or not by_model or not prompts:
                continue
            assert result is not None
            if result.state in ("accepted", "rejected"):
                continue
            last = store.history.last
            with store.edit(LABEL, last if last is self._edit else None) as edit:
                self._prompts.write(edit, frame, obj, prompts, "prompt")
            if store.history.last is edit:
                self._edit = edit
            yield
