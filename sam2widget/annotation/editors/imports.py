"""Masks from elsewhere, which become masks of a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...core.errors import SessionError
from ...core.masks import Mask
from ...models.segmenter import Box, PromptSet
from ..classes import Labels, default_color
from ..model_sync import ModelSync
from ..records import ObjectClass, Result
from ..store import AnnotationStore
from .overlap_resolver import OverlapResolver
from .prompts import PromptEditor

IMPORT_SCORE = 10.0
"""Object-score logit of a mask that a person or another program vouches for."""


class Importer:
    """Imports of a session.

    Parameters
    ----------
    store : that is edited.
    model : which forgets what no longer counts.
    overlaps : gives pixels to one object.
    prompts : writes masks that become prompts.
    """

    def __init__(
        self,
        store: AnnotationStore,
        model: ModelSync,
        overlaps: OverlapResolver,
        prompts: PromptEditor,
    ) -> None:
        self._store = store
        self._model = model
        self._overlaps = overlaps
        self._prompts = prompts

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
        """Put masks in place of what there is on their frames, as one edit; new ids add objects.

        Parameters
        ----------
        masks : by (object id, frame). An empty one says that the object is not to be seen.
        names : of objects, where they are known.
        as_prompts : make them prompts, which the model answers; else they are accepted frames,
            as they are, which need no model.
        labels : classes and attributes, which take the place of those of the objects. Where there
            are no classes yet, all of the file's are taken over in its order, else those that
            objects have are added.
        boxes : by (object id, frame), which become prompts.
        parents : of objects, by id; those that there are not are left out.

        Returns
        -------
        list of int
            Ids of the objects, ascending.

        Raises
        ------
        SessionError
            When there is no mask and no box, one is of another size than its frame, or its object
            is locked. Nothing has changed then.
        """
        boxes = boxes or {}
        if not masks and not boxes:
            raise SessionError("There is no mask in it.")
        store = self._store
        objects = sorted({obj for obj, _ in (*masks, *boxes)})
        for (obj, frame), mask in masks.items():
            if mask.shape != store.frame_hw(store.check_frame(frame)):
                height, width = store.frame_hw(frame)
                raise SessionError(
                    f"The mask of object {obj} on frame {frame} has {mask.width} x {mask.height} "
                    f"pixels, the frame {width} x {height}: it is of another video."
                )
        for obj in objects:
            store.check_unlocked(obj)
        with store.edit("import") as edit:
            for obj in objects:
                store.ensure_object(obj, (names or {}).get(obj))
            self._label(objects, labels or Labels())
            for obj in objects:
                given = tuple(one for one in (parents or {}).get(obj, ()) if one in objects)
                if given and obj not in given:
                    store.write_object(obj, replace(store.tables.objects[obj], parents=given))
            for (obj, frame), mask in sorted(masks.items()):
                if as_prompts:
                    self._prompts.write(edit, frame, obj, PromptSet(mask=mask), "import")
                    continue
                self._model.forget(frame, obj)
                store.write_prompts(frame, obj, None)
                score = IMPORT_SCORE if mask.area else -IMPORT_SCORE
                result = Result(mask, score, 1.0, "import", "accepted")
                self._overlaps.write_results(frame, {obj: result})
                edit.corrects |= store.mark_span_stale(frame, obj)
            for (obj, frame), box in sorted(boxes.items()):
                frame = store.check_frame(frame)
                self._prompts.write(edit, frame, obj, PromptSet(box=box), "import")
        return objects

    def _label(self, objects: list[int], labels: Labels) -> None:
        store = self._store
        used = [labels.classes[obj] for obj in objects if labels.classes.get(obj)]
        wanted = used if store.classes else [*labels.colors, *used]
        known = store.class_names
        for name in wanted:
            if name not in known:
                color = labels.colors.get(name) or default_color(len(known))
                store.write_class(len(known), ObjectClass(name, color))
                known.append(name)
        for obj in objects:
            info = store.tables.objects[obj]
            info = replace(
                info,
                class_name=labels.classes.get(obj) or info.class_name,
                attributes={**info.attributes, **labels.attributes.get(obj, {})},
            )
            store.write_object(obj, info)
