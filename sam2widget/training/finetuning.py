"""Fine-tuning on session files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, cast

from sam2_backend.renamed import renamed_arguments
from sam2_backend.video import FrameSource

from ..core.arguments import as_flag, as_paths
from ..core.callers_function import as_status
from ..core.errors import SessionError
from ..models.loading import load_any
from ..models.source import check_model
from ..storage.session_file import SUFFIX
from .session_data import SessionRecord, read_session_records, split_in_time

if TYPE_CHECKING:
    from sam2_backend.training import FinetuneReport
    from sam2_backend.training.datasets import VideoRecords

SessionPath = str | os.PathLike[str]


@renamed_arguments(examples="eval_clips", practice="recipe", say="on_status")
def finetune(
    sessions: SessionPath | Sequence[SessionPath] | Mapping[SessionPath, FrameSource],
    model: str | os.PathLike[str] | object = "nano",
    *,
    out: str | os.PathLike[str] = "finetuned.safetensors",
    held_out: float = 0.25,
    include_prompted: bool = False,
    parts: str | Sequence[str] = ("mask_decoder",),
    steps: int = 300,
    seed: int = 0,
    device: str | None = None,
    on_status: Callable[[str], None] | None = print,
    **options: Any,
) -> FinetuneReport:
    """Fine-tune a model on the masks that were accepted in sessions, and report its metrics.

    Of several videos, some are held out to evaluate on, all sessions on one of them together; of
    one video, its last frames. What it gains on other pictures, or loses, is not evaluated.

    Parameters
    ----------
    sessions : path of a session file, or several; or for each the video, where it is not found
        where it was nor beside the file.
    model : as for `Sam2Widget`, but no `Segmenter`. A loaded model is trained in place.
    out : the `.safetensors` file to write: ``Sam2Widget(video, model=out)``.
    held_out : share of the videos, or of the frames, above 0 and below 1.
    include_prompted : whether frames with prompts count as right, as accepted ones do.
    parts : what is trained, a name or several; see `sam2_backend.training.finetune_model`.
    steps : largest number of them.
    seed : of all that is random; another one also holds other videos out.
    device : "cuda", "cpu"…; the best there is if None.
    on_status : called with a line before what takes long, and for each evaluation; None for none.
    **options : others of `sam2_backend.training.finetune_model`.

    Returns
    -------
    sam2_backend.training.FinetuneReport
        Metrics before and after; `print` shows it as a table.

    Raises
    ------
    SessionError
        When a file cannot be read, its video is not found, or it holds too little.
    ValueError
        When an option or the model is none that can be used.
    TypeError
        When there is no such option.

    Examples
    --------
    >>> report = finetune(["a.sam2.zip", "b.sam2.zip"], out="cells.safetensors")
    >>> print(report)
    >>> Sam2Widget("c.mp4", model="cells.safetensors")
    """
    from sam2_backend.checkpoints.loading import weights_path
    from sam2_backend.training import finetune_model
    from sam2_backend.training.datasets import VideoRecords

    check_model(model)
    include_prompted = as_flag(include_prompted, "include_prompted")
    if isinstance(model, (str, os.PathLike)):
        _check_trainable(os.fspath(cast("str | os.PathLike[str]", model)))
    on_status = as_status(on_status)
    known = [*signature(finetune).parameters][:-1]
    known += [one for one in signature(finetune_model).parameters if one not in (*known, "source")]
    wrong = ", ".join(sorted(options.keys() - set(known)))
    if wrong:
        raise TypeError(f"finetune() has no argument {wrong}. It takes {', '.join(known)}.")
    out = weights_path(out)
    source = VideoRecords(read_records(sessions, include_prompted=include_prompted))
    train, evaluated = split_records(source, held_out=held_out, seed=seed)
    options = {"frames": choose_clip_length(train), **options}
    return finetune_model(
        load_any(model, device, on_status),
        train,
        held_out=evaluated,
        out=out,
        parts=parts,
        steps=steps,
        seed=seed,
        on_status=on_status,
        **options,
    )


def _check_trainable(model: str) -> None:
    from sam2_backend.checkpoints.hub import CheckpointError
    from sam2_backend.checkpoints.names import check_name

    try:
        check_name(model, ("auto",))
    except CheckpointError as error:
        raise SessionError(f"What is fine-tuned is a network of SAM 2. {error}") from None


def read_records(
    sessions: SessionPath | Sequence[SessionPath] | Mapping[SessionPath, FrameSource],
    *,
    include_prompted: bool,
) -> list[SessionRecord]:
    """Read the records of session files.

    Parameters
    ----------
    sessions : see `finetune`; a folder stands for all session files in it.
    include_prompted : see `read_session_records`.

    Raises
    ------
    SessionError
        When there is no session file, or one cannot be read.
    """
    if isinstance(sessions, (str, os.PathLike)):
        sessions = [sessions]
    videos = as_paths(sessions, "sessions")
    records: list[SessionRecord] = []
    for path, video in videos.items():
        files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not files:
            raise SessionError(f"There is no session file *{SUFFIX} in the folder {path}.")
        for file in files:
            records += read_session_records(file, video=video, include_prompted=include_prompted)
    if not records:
        raise SessionError("There are no sessions to learn from: give at least one session file.")
    return records


def split_records(
    source: VideoRecords, *, held_out: float, seed: int
) -> tuple[VideoRecords, VideoRecords]:
    """Split records into those to train on and those to evaluate on.

    Videos are kept apart; where all sessions are on a single one, its last frames are held out.

    Parameters
    ----------
    source : of sessions or a data set.
    held_out : share to hold out, above 0 and below 1.
    seed : another one holds other videos out.

    Returns
    -------
    tuple
        Records to train on, and those held out, which are not augmented.
    """
    from sam2_backend.training.datasets import VideoRecords, split_by_video

    sessions = [record for record in source.records if isinstance(record, SessionRecord)]
    if len({record.name for record in sessions}) != 1:
        return split_by_video(source, held_out=held_out, seed=seed)
    if not 0 < held_out < 1:
        raise ValueError(f"held_out is a share above 0 and below 1, got {held_out}.")
    earlier, later = split_in_time(sessions, held_out)
    return VideoRecords(earlier), VideoRecords(later, augment=False)


def choose_clip_length(source: VideoRecords) -> int:
    """Return how many frames clips should have: 1 where there are only stills, else 3."""
    return 3 if any(len(record) > 1 for record in source.records) else 1
