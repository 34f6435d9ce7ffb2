from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sam2_backend.video import Video, open_video
from tests.parity.scene import drifting_texture
from tests.support import hugging_face

NUM_FRAMES, HEIGHT, WIDTH = 24, 60, 96


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder with a tiny model of each kind, as `save_pretrained` writes it."""
    hugging_face.need_transformers()
    made: dict[str, Path] = {}
    for kind in hugging_face.KINDS:
        made[kind] = tmp_path_factory.mktemp(kind)
        hugging_face.make_tracker(kind).save_pretrained(made[kind])
    return made


@pytest.fixture(params=hugging_face.KINDS)
def folder(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Path:
    """That of each kind in turn."""
    return folders[request.param]


@pytest.fixture(scope="session")
def clip() -> NDArray[np.uint8]:
    """(T, H, W, 3)."""
    return np.stack(drifting_texture(NUM_FRAMES, HEIGHT, WIDTH))


@pytest.fixture
def video(clip: NDArray[np.uint8]) -> Video:
    return open_video(clip)
