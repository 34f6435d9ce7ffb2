"""Taking edits back, and doing them again."""

from __future__ import annotations

from ...core.errors import SessionError
from ..history import Edit
from ..model_sync import ModelSync
from ..predictions import is_same_prediction
from ..store import AnnotationStore


class UndoRedo:
    """Undo and redo of a session.

    Parameters
    ----------
    store : whose edits are taken back.
    model : which forgets what no longer counts.
    """

    def __init__(self, store: AnnotationStore, model: ModelSync) -> None:
        self._store = store
        self._model = model

    def undo(self) -> str:
        """Take the last edit or propagation back and say which.

        Raises
        ------
        SessionError
            When there is none.
        """
        return self._finish(self._store.history.undo(), "undo")

    def redo(self) -> str:
        """Do what was undone again and say which.

        Raises
        ------
        SessionError
            When there is none.
        """
        return self._finish(self._store.history.redo(), "redo")

    def _finish(self, edit: Edit | None, what: str) -> str:
        if edit is None:
            raise SessionError(f"There is nothing to {what}.")
        for (_, obj), change in edit.changes.items():
            if obj is not None:
                before, after = change.before, change.after
                others = [t for t in after if not is_same_prediction(before[t], after[t])]
                self._model.forget_frames(obj, others)
        for obj in edit.change_of("objects").after.keys() - self._store.tables.objects.keys():
            self._model.forget_object(obj)
        self._store.notify(edit)
        return edit.label
