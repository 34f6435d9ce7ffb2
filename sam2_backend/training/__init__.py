"""Training SAM 2: sources of clips, simulated users, losses, and the training loop.

>>> from sam2_backend import CONFIGS
>>> task = Promptable(random_model(CONFIGS["nano"]), FROM_SCRATCH)
>>> Trainer(task, (Stage(steps=1000, image_size=128, batch=8, targets=3),), source=..., out=...)
"""

from ..module_names import keep_old_names
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
__getattr__ = keep_old_names(__name__, _RENAMED, globals())
