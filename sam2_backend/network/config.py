"""The shapes of every SAM 2 network this library knows, in one table.

Numbers come from the SAM 2 paper (Ravi et al. 2024, arXiv 2408.00714), the Hiera paper
(Ryali et al. 2023, arXiv 2306.00989) and the official configuration files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..arguments import check_flag, check_whole

IMAGE_MEAN = (0.485, 0.456, 0.406)
"""ImageNet mean of the RGB channels in 0..1, as the official models expect."""
IMAGE_STD = (0.229, 0.224, 0.225)
"""ImageNet standard deviation of the RGB channels in 0..1."""

NO_OBJECT_LOGIT = -1024.0
"""Mask logit of every pixel of an object that is judged absent."""

NUM_CANDIDATES = 3
"""Candidate masks for an ambiguous prompt, besides the single-mask output (SAM, section 3)."""


@dataclass(frozen=True)
class ModelConfig:
    """The shape of one network.

    Weights do not depend on `image_size`: `dataclasses.replace(config, image_size=512)` is a
    legal variant of the same checkpoint. It must be a multiple of 32.

    Raises
    ------
    ValueError
        When `image_size`, `tracked_memories` or `memory_pooling` does not fit the others.
    """

    name: str
    """As `load_model` takes it."""
    embed_dim: int
    """Channels of the encoder's first stage; each stage doubles them."""
    num_heads: int
    """Attention heads of the first stage; each stage doubles them."""
    stages: tuple[int, int, int, int]
    """Blocks of each stage."""
    global_blocks: tuple[int, ...]
    """Indices of the blocks that attend globally, not within windows."""
    window_sizes: tuple[int, int, int, int] = (8, 4, 14, 7)
    """Side of the attention windows of each stage, in cells."""
    pos_embed_size: tuple[int, int] = (7, 7)
    """(H, W) of the background position embedding, before it is resized."""
    image_size: int = 1024
    """Side of the network's input in pixels."""
    hidden_dim: int = 256
    """Channels of the features that decoder and memory attention work with."""
    decoder_heads: int = 8
    """Attention heads of the mask decoder."""
    decoder_mlp_dim: int = 2048
    """Hidden width of the mask decoder's MLPs."""
    memory_dim: int = 64
    """Channels of a memory map."""
    memory_layers: int = 4
    """Layers of the memory attention."""
    memory_mlp_dim: int = 2048
    """Hidden width of the memory attention's MLPs."""
    num_memories: int = 7
    """Temporal slots of memories: one for conditioning frames, and the six tracked frames before
    the current one."""
    max_pointers: int = 16
    """Object pointers of tracked frames reach fewer frames back than this."""
    occlusion_memory: bool = True
    """SAM 2.1: an absent object marks its memory with a learned embedding."""
    pointer_time: bool = True
    """SAM 2.1: object pointers carry their distance in time."""
    tracked_memories: int = 6
    """Tracked frames whose memory a frame attends to, the nearest first; fewer are faster and less
    exact."""
    memory_pooling: int = 1
    """Side of the squares of cells over which memories are averaged before they are attended to
    (2 in Xiong et al. 2024, EfficientTAM); larger is faster and less exact."""
    person_head: bool = False
    """Whether a small head on the mask tokens says how much a mask is one whole person. Official
    networks have none."""
    proposal_thresholds: tuple[float, float] = 0.8, 0.95
    """Predicted IoU and stability from which on automatic masks are kept unless told otherwise; by
    default the official generator's."""

    def __post_init__(self) -> None:
        check_flag(self.occlusion_memory, "occlusion_memory")
        check_flag(self.pointer_time, "pointer_time")
        check_flag(self.person_head, "person_head")
        check_whole(self.tracked_memories, "tracked_memories")
        check_whole(self.memory_pooling, "memory_pooling")
        check_whole(self.image_size, "image_size", 32)
        if not 0 <= self.tracked_memories < self.num_memories:
            raise ValueError(
                f"tracked_memories must be 0 to {self.num_memories - 1}, got "
                f"{self.tracked_memories}: one memory is the prompted frame's."
            )
        if self.memory_pooling < 1 or self.feature_size % self.memory_pooling:
            raise ValueError(
                f"memory_pooling must divide the feature map's side, {self.feature_size}, got "
                f"{self.memory_pooling}."
            )
        if self.image_size % 32:
            raise ValueError(
                f"image_size must be a multiple of 32, got {self.image_size}: "
                "the encoder halves the picture five times."
            )

    @property
    def feature_size(self) -> int:
        """Side of the stride-16 feature map."""
        return self.image_size // 16

    @property
    def mask_size(self) -> int:
        """Side of the stride-4 mask logits."""
        return self.image_size // 4


_SAM2_1 = (
    ModelConfig("sam2.1-hiera-tiny", 96, 1, (1, 2, 7, 2), (5, 7, 9)),
    ModelConfig("sam2.1-hiera-small", 96, 1, (1, 2, 11, 2), (7, 10, 13)),
    ModelConfig(
        "sam2.1-hiera-base-plus", 112, 2, (2, 3, 16, 3), (12, 16, 20), pos_embed_size=(14, 14)
    ),
    ModelConfig("sam2.1-hiera-large", 144, 2, (2, 6, 36, 4), (23, 33, 43), (8, 4, 16, 8)),
)

_SAM2_0 = tuple(
    replace(c, name=c.name.replace("2.1", "2"), occlusion_memory=False, pointer_time=False)
    for c in _SAM2_1
)

_NANO = ModelConfig(
    "nano",
    embed_dim=40,
    num_heads=1,
    stages=(1, 2, 7, 1),
    global_blocks=(5, 7, 9),
    window_sizes=(8, 4, 8, 8),
    image_size=512,
    hidden_dim=128,
    decoder_heads=4,
    decoder_mlp_dim=512,
    memory_dim=32,
    memory_layers=2,
    memory_mlp_dim=512,
    person_head=True,
    proposal_thresholds=(0.1, 0.4),
)

CONFIGS: dict[str, ModelConfig] = {c.name: c for c in (_NANO, *_SAM2_1, *_SAM2_0)}
"""Every named variant. Nothing outside this table asks for a model by name."""

EARLIER_CONFIGS = (
    replace(
        _NANO,
        embed_dim=32,
        stages=(1, 2, 5, 1),
        global_blocks=(5, 7),
        image_size=256,
        person_head=False,
        proposal_thresholds=(0.8, 0.95),
    ),
)
"""Networks of earlier releases, whose fine-tuned weights are still read: the nano of 0.1."""
