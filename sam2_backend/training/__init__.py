"""Training SAM 2: sources of clips, simulated users, losses, and the training loop.

>>> from sam2_backend import CONFIGS
>>> task = Promptable(random_model(CONFIGS["nano"]), FROM_SCRATCH)
>>> Trainer(task, (Stage(steps=1000, image_size=128, batch=8, targets=3),), source=..., out=...)
"""

from typing import Any

from ..renamed import warn_renamed
from .data.assets import Assets
from .data.batches import BatchSource
from .data.clips import Clip, ClipSource, Mixture
from .data.device_source import DeviceSource
from .data.packing import Pack, PackWriter
from .data.pictures import Pictures
from .data.synthetic import SyntheticClips, render_clip
from .evaluation import EvalSet, Metrics, evaluate
from .finetune_report import FinetuneReport
from .finetuning import finetune_model
from .loop.optimizer import PARTS, OptimizerConfig
from .loop.trainer import Trainer
from .tasks.mae import MaskedAutoencoder, Pretraining, load_trunk
from .tasks.promptable import Promptable, random_model
from .tasks.task import Stage, StepResult, Task
from .tasks.teacher import EfficientNetLite, Teacher
from .tasks.training_recipe import FROM_SCRATCH, SAM2, SHARP, Losses, TrainingRecipe

__all__ = [
    "FROM_SCRATCH",
    "PARTS",
    "SAM2",
    "SHARP",
    "Assets",
    "BatchSource",
    "Clip",
    "ClipSource",
    "DeviceSource",
    "EfficientNetLite",
    "EvalSet",
    "FinetuneReport",
    "Losses",
    "MaskedAutoencoder",
    "Metrics",
    "Mixture",
    "OptimizerConfig",
    "Pack",
    "PackWriter",
    "Pictures",
    "Pretraining",
    "Promptable",
    "Stage",
    "StepResult",
    "SyntheticClips",
    "Task",
    "Teacher",
    "Trainer",
    "TrainingRecipe",
    "evaluate",
    "finetune_model",
    "load_trunk",
    "random_model",
    "render_clip",
]

_RENAMED = {
    "Examples": "EvalSet",
    "Optimizing": "OptimizerConfig",
    "Practice": "TrainingRecipe",
    "Quality": "Metrics",
    "finetune": "finetune_model",
    "measure": "evaluate",
}


def __getattr__(name: str) -> Any:
    """Give deprecated names with a warning."""
    if name not in _RENAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn_renamed(f"{__name__}.{name}", _RENAMED[name])
    return globals()[_RENAMED[name]]
