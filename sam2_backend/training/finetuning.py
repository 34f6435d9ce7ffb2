"""Fine-tuning, with metrics before and after on clips that are held out.

>>> train, held_out = split_by_video(open_davis("DAVIS"))
>>> print(finetune_model(load_model("nano"), train, held_out=held_out, out="fine.safetensors"))
"""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict

from ..arguments import check_whole
from ..checkpoints.loading import read_state, save_model, weights_path
from ..network.sam2 import Sam2Model
from ..renamed import renamed_arguments
from .data.batches import BatchSource
from .data.clips import ClipSource
from .evaluation import EvalSet, evaluate
from .finetune_report import FinetuneHistory, FinetuneReport
from .loop.optimizer import OptimizerConfig
from .loop.trainer import Trainer
from .tasks.promptable import Promptable
from .tasks.task import Stage
from .tasks.training_recipe import SAM2, TrainingRecipe

_EVAL_FRAMES = 6
"""Length of the clips that are evaluated on, where clips have several frames."""
_WARM_UP = 20
_ENCODER_RATE = 0.1
"""Learning rate of the image encoder, as a share of the others'."""
_TOLERANCE = 1e-3
"""By how much a metric may differ when it is repeated, e.g. with other threads."""


@renamed_arguments(examples="eval_clips", practice="recipe", say="on_status")
def finetune_model(
    model: Sam2Model,
    source: ClipSource | BatchSource,
    *,
    held_out: ClipSource,
    out: str | os.PathLike[str],
    parts: str | Sequence[str] = ("mask_decoder",),
    steps: int = 300,
    learning_rate: float = 5e-4,
    batch: int = 2,
    frames: int = 3,
    targets: int = 4,
    recipe: TrainingRecipe = SAM2,
    evaluations: int = 6,
    patience: int = 3,
    eval_clips: int = 24,
    seed: int = 0,
    workers: int = 0,
    on_status: Callable[[str], None] = print,
) -> FinetuneReport:
    """Train parts of a model on, and keep the weights that are best on held-out clips.

    The model is evaluated on `held_out` before and several times on the way; the weights of the
    best evaluation are kept, which may be the first. An interrupted run goes on when it is called
    again in the same way: until it is done, it keeps what it needs in the folder ``NAME.run``
    beside ``NAME.safetensors``.

    Parameters
    ----------
    model : from `load_model`. It is trained in place, at the size of its `config.image_size`,
        and has the best weights in the end.
    source : clips to train on.
    held_out : clips to evaluate on; see `datasets.split_by_video`.
    out : the `.safetensors` file to write, for `load_model` or ``Sam2Widget(video, model=out)``.
    parts : a name or several out of `PARTS`; all else stays as it is, to the bit. Add "memory" to
        train tracking too, "image_encoder" where pictures are unlike any that the model was trained
        on.
    steps : largest number of them.
    learning_rate : at its highest; the image encoder's is a tenth of it.
    batch, frames, targets : clips a step, frames a clip (1: pictures alone), objects a clip.
    recipe : how users are simulated, and the losses.
    evaluations : number of evaluations on the way, evenly spread.
    patience : evaluations without a gain after which it stops.
    eval_clips : number of clips that are evaluated on.
    seed : of data, simulated users and the clips that are evaluated on.
    workers : processes that draw clips; 0 draws in this one.
    on_status : called with a line for each evaluation.

    Returns
    -------
    FinetuneReport
        Metrics before and after; `print` shows it as a table.

    Raises
    ------
    ValueError
        When a number or a part is none that can be used, a source cannot be drawn from, or there
        is an unfinished run of other settings, which the message names.
    CheckpointError
        When the weights cannot be written.
    """
    for name, value in (("steps", steps), ("evaluations", evaluations), ("patience", patience)):
        check_whole(value, name, 1)
    if not hasattr(held_out, "draw"):
        raise ValueError(
            f"held_out must be a source of clips, got {held_out!r}: split one off with "
            "datasets.split_by_video."
        )
    out = weights_path(out)
    parts = (parts,) if isinstance(parts, str) else tuple(parts)
    optimizer_config = OptimizerConfig(parts=parts, encoder_rate=_ENCODER_RATE)
    stage = Stage(
        steps=steps,
        image_size=model.config.image_size,
        batch=batch,
        targets=targets,
        frames=frames,
        picture_share=0.5 if frames > 1 else 0.0,
        learning_rate=learning_rate,
        warm_up=min(_WARM_UP, steps),
    )
    eval_set = EvalSet(
        held_out,
        clips=eval_clips,
        frames=_EVAL_FRAMES if frames > 1 else 1,
        targets=targets,
        seed=seed,
    )
    eval_model = copy.deepcopy(model).eval().requires_grad_(False)
    before = evaluate(eval_model, eval_set)
    on_status(f"Before: {before}")

    folder = out.with_suffix(".run")
    settings = {"model": model.config.name, **asdict(stage), "parts": parts, "seed": seed}
    history = FinetuneHistory.open(folder, settings, before, tolerance=_TOLERANCE)
    best = folder / "best.safetensors"
    if not history.entries:
        history.add(0, before)
        save_model(eval_model.config, eval_model.state_dict(), best)
    trainer = Trainer(
        Promptable(model, recipe),
        (stage,),
        source=source,
        out=folder,
        optimizer_config=optimizer_config,
        seed=seed,
        workers=workers,
        device=model.device,
    )
    history.drop_after(steps if trainer.stage else trainer.step)
    every = max(-(-steps // evaluations), 1)
    converged = False

    def after_step() -> bool:
        nonlocal converged
        if trainer.step % every and trainer.step != steps:
            return True
        eval_model.load_state_dict(trainer.ema)
        metrics = evaluate(eval_model, eval_set)
        gain = metrics.mean > history.best[1].mean
        if gain:
            save_model(eval_model.config, eval_model.state_dict(), best)
        history.add(trainer.step, metrics)
        trainer.save()
        converged = history.num_since_best >= patience
        on_status(f"Step {trainer.step}: {metrics}{', the best so far' if gain else ''}")
        return not converged

    trainer.run(after_step=after_step)
    interrupted = not converged and trainer.stage == 0
    model.load_state_dict(read_state(best))
    model.eval().requires_grad_(False)
    save_model(model.config, model.state_dict(), out)
    if not interrupted:
        shutil.rmtree(folder)
    return FinetuneReport(
        model=model.config.name,
        parts=parts,
        weights=out,
        history=tuple(history.entries),
        steps=trainer.step if trainer.stage == 0 else steps,
        planned=steps,
        interrupted=interrupted,
    )
