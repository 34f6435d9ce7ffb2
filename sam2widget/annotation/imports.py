"""Masks from elsewhere, which a session takes in."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.errors import SessionError
from ..core.masks import Mask
from ..models.segmenter import PromptSet
from .edits import SessionEdits
from .records import Result

SURE = 10.0
"""Object-score logit of a mask that a person or another program vouches for."""


class Importing(SessionEdits):
    """Imports of a session."""

    def take_in(
        self,
        masks: Mapping[tuple[int, int], Mask],
        names: Mapping[int, str] | None = None,
        *,
        as_prompts: bool = False,
    ) -> list[int]:
        """Take in masks in place of what there is on their frames, as one edit; new ids add
        objects.

        Parameters
        ----------
        masks : by (object id, frame). An empty one says that the object is not to be seen.
        names : of objects, where they are known.
        as_prompts : make them prompts, which the model answers; else they are accepted frames,
            as they are, which need no model.

        Returns
        -------
        list of int
            Ids of the objects, ascending.

        Raises
        ------
        SessionError
            When there is no mask, one is of another size than its frame, or its object is
            locked. Nothing has changed then.
        """
        if not masks:
            raise SessionError("There is no mask in it.")
        objects = sorted({obj for obj, _ in masks})
        for (obj, frame), mask in masks.items():
            if mask.shape != self.frame_hw(self.check_frame(frame)):
                height, width = self.frame_hw(frame)
                raise SessionError(
                    f"The mask of object {obj} on frame {frame} has {mask.width} x {mask.height} "
                    f"pixels, the frame {width} x {height}: it is of another video."
                )
        for obj in objects:
            if obj in self._objects:
                self.check_unlocked(obj)
        with self._edit("import") as edit:
            for obj in objects:
                self._need_object(obj, (names or {}).get(obj))
            for (obj, frame), mask in sorted(masks.items()):
                if as_prompts:
                    self._write_prompts(edit, frame, obj, PromptSet(mask=mask), "import")
                    continue
                self._forget(frame, obj)
                self._history.write("prompts", (obj, frame), None)
                score = SURE if mask.area else -SURE
                result = Result(mask, score, 1.0, "import", "accepted")
                self._write_results(frame, {obj: result}, self._history.write)
                edit.corrects |= self._make_span_stale(frame, obj)
        return objects
