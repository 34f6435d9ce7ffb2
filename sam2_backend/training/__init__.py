"""Teaching SAM 2: sources of clips, simulated users, and the loop that learns from them.

>>> from sam2_backend import CONFIGS
>>> task = Promptable(random_model(CONFIGS["nano"]), FROM_SCRATCH)
>>> Trainer(task, (Stage(steps=1000, image_size=128, batch=8, targets=3),), source=..., out=...)
"""

from .assets import Assets
from .clips import Clip, ClipSource, Mixture
from .evaluation import Examples, Quality, measure
from .finetune_report import FinetuneReport
from .finetuning import finetune
from .mae import MaskedAutoencoder, Pretraining, load_trunk
from .optimizing import PARTS, Optimizing
from .pictures import Pictures
from .practice import FROM_SCRATCH, SAM2, Losses, Practice
from .promptable import Promptable, random_model
from .synthetic import SyntheticClips, render_clip
from .task import Stage, StepResult, Task
from .trainer import Trainer

__all__ = [
    "FROM_SCRATCH",
    "PARTS",
    "SAM2",
    "Assets",
    "Clip",
    "ClipSource",
    "Examples",
    "FinetuneReport",
    "Losses",
    "MaskedAutoencoder",
    "Mixture",
    "Optimizing",
    "Pictures",
    "Practice",
    "Pretraining",
    "Promptable",
    "Quality",
    "Stage",
    "StepResult",
    "SyntheticClips",
    "Task",
    "Trainer",
    "finetune",
    "load_trunk",
    "measure",
    "random_model",
    "render_clip",
]
