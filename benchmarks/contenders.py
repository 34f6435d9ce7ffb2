"""Implementations of SAM 2 that can be timed at the same work, each in a process of its own."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sam2_backend import AutomaticMaskGenerator, ImagePredictor, VideoPredictor, load_model
from sam2_backend.network.transforms import frame_to_input
from tests.oracle import hugging_face, tv_cpu_shim
from tests.oracle import official as oracle
from tests.parity.scene import drifting_texture

HEIGHT, WIDTH = 480, 854
NUM_FRAMES = 40
FIRST = 16
"""Frame from which tracking is timed: all memories and pointers are there."""
POINTS_PER_SIDE = 8
"""Of the grid of automatic masks."""


@dataclass(frozen=True)
class Work:
    """What all contenders are given."""

    name: str
    image_size: int
    device: str
    weights: Path
    """A checkpoint in Meta's layout."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Options of `load_model`, for ours alone."""


class Ours:
    """`sam2_backend`: what its methods do, the other contenders' do as well."""

    def __init__(self, work: Work) -> None:
        settings = {"image_size": work.image_size, **work.settings}
        self.model = load_model(
            work.weights, work.device, compile=work.device == "cuda", **settings
        )
        self.frames = drifting_texture(NUM_FRAMES, HEIGHT, WIDTH)
        self.image = ImagePredictor(self.model)
        self.image.set_image(self.frames[0])
        size, device = self.model.config.image_size, self.model.device
        self.pixels = frame_to_input(self.frames[0], size, device)

    def encode(self) -> None:
        """Image features of a frame."""
        with self.model.runtime.inference():
            self.model.encode_image(self.pixels)

    def click(self) -> None:
        """Three masks for a click on an encoded image, at the image's size."""
        self.image.predict([[400.0, 240.0]], [1])

    def prepare(self, num_objects: int) -> None:
        """Be where so many objects have been tracked up to `FIRST`."""
        self.video = VideoPredictor(self.model, self.frames)
        for obj in range(num_objects):
            self.video.add_points(0, obj, [[90.0 + 80.0 * obj, 240.0]], [1])
        self.video.track(1)
        for bank in self.video.tracker.banks.values():
            for t in range(2, FIRST):
                bank.track(t, replace(bank.tracked[t - 1]), reverse=False)
        self.coming = self.video.propagate(FIRST)

    def track(self) -> None:
        """All objects on the next frame: their masks at the frame's size."""
        _ = dict(next(self.coming).masks)

    def generate(self) -> None:
        """Masks of everything on a frame; nothing is filtered."""
        AutomaticMaskGenerator(
            self.model, POINTS_PER_SIDE, pred_iou_thresh=0, stability_score_thresh=0
        ).generate(self.frames[0])


class Official:
    """The `sam2` of PyPI; on CUDA in bfloat16 and compiled, as it is fastest."""

    def __init__(self, work: Work) -> None:
        cuda = work.device == "cuda"
        self.model = oracle.build(work.name, work.image_size, vos_optimized=cuda)
        state = torch.load(work.weights, map_location="cpu", weights_only=True)["model"]
        self.model.load_state_dict(state)
        self.model.to(work.device)
        self._precision = torch.autocast("cuda", dtype=torch.bfloat16) if cuda else nullcontext()
        folder = Path(tempfile.mkdtemp())
        self.frames = oracle.save_video(drifting_texture(NUM_FRAMES, HEIGHT, WIDTH), folder)
        self.folder = folder
        self.image = oracle.image_predictor(self.model)
        with self._precision:
            self.image.set_image(self.frames[0])
        device = torch.device(work.device)
        self.pixels = frame_to_input(self.frames[0], work.image_size, device)

    def encode(self) -> None:
        """Image features of a frame."""
        with torch.inference_mode(), self._precision:
            self.model.forward_image(self.pixels)

    def click(self) -> None:
        """Three masks for a click on an encoded image, at the image's size."""
        with self._precision:
            self.image.predict(np.array([[400.0, 240.0]]), np.array([1]))

    def prepare(self, num_objects: int) -> None:
        """Be where so many objects have been tracked up to `FIRST`."""
        with self._precision:
            state = self.model.init_state(str(self.folder))
            for obj in range(num_objects):
                click = np.array([[90.0 + 80.0 * obj, 240.0]], np.float32)
                self.model.add_new_points_or_box(state, 0, obj, points=click, labels=[1])
            for _ in self.model.propagate_in_video(state, 1, max_frame_num_to_track=0):
                pass
            for obj, outputs in state["output_dict_per_obj"].items():
                tracked = outputs["non_cond_frame_outputs"]
                for t in range(2, FIRST):
                    tracked[t] = tracked[1]
                    state["frames_tracked_per_obj"][obj][t] = {"reverse": False}
            self.coming = self.model.propagate_in_video(state, FIRST)

    def track(self) -> None:
        """All objects on the next frame: their masks at the frame's size."""
        with self._precision:
            _, _, logits = next(self.coming)
            _ = (logits > 0).cpu().numpy()

    def generate(self) -> None:
        """Masks of everything on a frame; nothing is filtered."""
        with self._precision:
            oracle.mask_generator(
                self.model,
                points_per_side=POINTS_PER_SIDE,
                pred_iou_thresh=0.0,
                stability_score_thresh=0.0,
            ).generate(self.frames[0])


class HuggingFace:
    """The `Sam2VideoModel` of transformers, tracking one object."""

    def __init__(self, work: Work) -> None:
        self.model = hugging_face.build(work.name, work.image_size)
        hugging_face.randomize_in_place(self.model)
        self.model.to(work.device)
        frames = drifting_texture(NUM_FRAMES, HEIGHT, WIDTH)
        device = torch.device(work.device)
        self.pixels = torch.cat([frame_to_input(rgb, work.image_size, device) for rgb in frames])

    def encode(self) -> None:
        """Image features of a frame."""
        with torch.inference_mode():
            hugging_face.image_features(self.model, self.pixels[:1])

    def prepare(self, num_objects: int) -> None:
        """Be where one object, whatever their number, has been tracked until the memory is full."""
        middle = self.model.config.image_size / 2
        self.coming = hugging_face.track_click(self.model, self.pixels, (middle, middle))
        with torch.inference_mode():
            for _ in range(self.model.config.num_maskmem + 1):
                next(self.coming)

    def track(self) -> None:
        """The object on the next frame."""
        with torch.inference_mode():
            next(self.coming)


CONTENDERS: dict[str, Any] = {"ours": Ours, "official": Official, "hugging face": HuggingFace}


def in_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function that a process of its own carries out."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


class InProcess:
    """A contender in a process of its own: nobody else's allocator, threads or memory."""

    def __init__(self, kind: str, work: Work) -> None:
        self._pool = ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=_start, initargs=(kind, work)
        )

    def call(self, method: str, *arguments: Any) -> float:
        """Seconds that a method took."""
        return self._pool.submit(_call, method, arguments).result()

    def close(self) -> int:
        """Stop the process; the most bytes that it held."""
        peak = self._pool.submit(_peak).result()
        self._pool.shutdown()
        return peak


_contender: Any = None


def _start(kind: str, work: Work) -> None:
    global _contender
    tv_cpu_shim.install()
    _contender = CONTENDERS[kind](work)


def _call(method: str, arguments: tuple[Any, ...]) -> float:
    began = time.perf_counter()
    getattr(_contender, method)(*arguments)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _peak() -> int:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
