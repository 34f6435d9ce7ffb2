"""Teach a model one kind of picture, and say honestly what it gained.

>>> train, held_out = split_by_video(Davis("DAVIS"))
>>> print(finetune(load_model("nano"), train, held_out=held_out, out="fine.safetensors"))
"""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict

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

_FRAMES_MEASURED = 6
"""Length of the clips that are measured on, where clips have several frames."""
_WARM_UP = 20
_ENCODER_RATE = 0.1
"""Of the image encoder, as a share of the others'."""
_SAME = 1e-3
"""By how much a measurement may differ when it is repeated, e.g. with other threads."""


@renamed_arguments(practice="recipe")
def finetune(
    model: Sam2Model,
    source: ClipSource | BatchSource,
    *,
    held_out: ClipSource,
    out: str | os.PathLike[str],
    parts: tuple[str, ...] = ("mask_decoder",),
    steps: int = 300,
    learning_rate: float = 5e-4,
    batch: int = 2,
    frames: int = 3,
    targets: int = 4,
    recipe: TrainingRecipe = SAM2,
    evaluations: int = 6,
    patience: int = 3,
    examples: int = 24,
    seed: int = 0,
    workers: int = 0,
    say: Callable[[str], None] = print,
) -> FinetuneReport:
    """Train parts of a model on, and keep what is best on clips that it does not learn from.

    The model is measured on `held_out` before, several times on the way, and never anywhere
    else; what comes out are the weights of the best of these measurements, which may be the
    first. An interrupted run goes on when it is called again in the same way: until it is done,
    it keeps what it needs in the folder ``NAME.run`` beside ``NAME.safetensors``.

    Parameters
    ----------
    model : from `load_model`. It is trained in place, at the size of its `config.image_size`,
        and has the best weights in the end.
    source : clips to learn from.
    held_out : clips to measure on; see `datasets.split_by_video`.
    out : the `.safetensors` file to write, for `load_model` or ``Sam2Widget(video, model=out)``.
    parts : names out of `PARTS`; all else stays as it is, to the bit. Add "memory" to teach
        tracking, "image_encoder" where pictures are unlike any that the model knows.
    steps : at most.
    learning_rate : at its highest; the image encoder's is a tenth of it.
    batch, frames, targets : clips a step, frames a clip (1: pictures alone), objects a clip.
    recipe : how users are simulated and answers judged.
    evaluations : times that it is measured, evenly spread.
    patience : measurements without a gain after which it stops.
    examples : clips that are measured on.
    seed : of data, simulated users and what is measured on.
    workers : processes that draw clips; 0 draws in this one.
    say : shows what takes long.

    Returns
    -------
    FinetuneReport
        Metrics before and after; `print` shows it as a table.

    Raises
    ------
    ValueError
        When a number or a part is none that can be used, a source cannot be drawn from, or there
        is an unfinished run of other settings.
    CheckpointError
        When the weights cannot be written.
    """
    for name, value in (("steps", steps), ("evaluations", evaluations), ("patience", patience)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    if not hasattr(held_out, "draw"):
        raise ValueError(
            f"held_out must be a source of clips, got {held_out!r}: split one off with "
            "datasets.split_by_video."
        )
    out = weights_path(out)
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
    measured = EvalSet(
        held_out,
        clips=examples,
        frames=_FRAMES_MEASURED if frames > 1 else 1,
        targets=targets,
        seed=seed,
    )
    judge = copy.deepcopy(model).eval().requires_grad_(False)
    before = evaluate(judge, measured)
    say(f"Before: {before}")

    folder = out.with_suffix(".run")
    settings = {"model": model.config.name, **asdict(stage), "parts": list(parts), "seed": seed}
    progress = FinetuneHistory.open(folder, settings, before, tolerance=_SAME)
    best = folder / "best.safetensors"
    if not progress.history:
        progress.add(0, before)
        save_model(judge.config, judge.state_dict(), best)
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
    progress.drop_after(steps if trainer.stage else trainer.step)
    every = max(-(-steps // evaluations), 1)
    settled = False

    def after_step() -> bool:
        nonlocal settled
        if trainer.step % every and trainer.step != steps:
            return True
        judge.load_state_dict(trainer.ema)
        quality = evaluate(judge, measured)
        gain = quality.mean > progress.best[1].mean
        if gain:
            save_model(judge.config, judge.state_dict(), best)
        progress.add(trainer.step, quality)
        trainer.save()
        settled = progress.num_since_best >= patience
        say(f"Step {trainer.step}: {quality}{', the best so far' if gain else ''}")
        return not settled

    trainer.run(after_step=after_step)
    interrupted = not settled and trainer.stage == 0
    model.load_state_dict(read_state(best))
    model.eval().requires_grad_(False)
    save_model(model.config, model.state_dict(), out)
    if not interrupted:
        shutil.rmtree(folder)
    return FinetuneReport(
        model=model.config.name,
        parts=parts,
        weights=out,
        history=tuple(progress.history),
        steps=trainer.step if trainer.stage == 0 else steps,
        planned=steps,
        interrupted=interrupted,
    )
