"""Where and how exactly the network runs: one choice, made in one place."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from dataclasses import dataclass
from functools import cache

import torch

from .out_of_memory import guard_memory
from .threads import leave_busy_cores

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_TRIAL_SIDE, _TRIALS = 1024, 5
_CLEARLY = 0.75
"""Of the time in float32: norms and copies around the products gain nothing."""


@dataclass(frozen=True)
class Runtime:
    """Device and precision of one loaded model.

    Parameters stay in float32; matrix products and convolutions are computed in `dtype`, with
    weights that are cast once. Sums of norms and attention, positions and scores are in float32.
    """

    device: torch.device
    """Where the weights are and the network runs."""
    dtype: torch.dtype
    """Of matrix products and convolutions: float32, bfloat16 or float16."""
    memory_dtype: torch.dtype = torch.bfloat16
    """Memories are kept in bfloat16 on every device, as the official predictor keeps them."""
    has_graphs: bool = False
    """Whether steps whose shapes recur are captured as CUDA graphs: on CUDA devices."""
    frames_at_once: int = 1
    """Frames encoded together while tracking: one fills a CPU, but not a GPU."""

    @property
    def decoder_dtype(self) -> torch.dtype:
        """Precision of the mask decoder.

        On a CPU float32: it takes a hundredth of a frame's time, and half of what masks differ by
        is its rounding.
        """
        return torch.float32 if self.device.type == "cpu" else self.dtype

    @classmethod
    def choose(
        cls,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
    ) -> Runtime:
        """Choose what is not given.

        Parameters
        ----------
        device : if None CUDA where there is one, else Apple's GPU, else the CPU.
        dtype : a precision, or its name; "auto" for bfloat16 where it is faster, also on a CPU;
            if None bfloat16 on CUDA devices that have it, else float32.

        Raises
        ------
        ValueError
            When the device does not exist here or the precision is not a floating one.
        """
        try:
            chosen = torch.device(device or find_best_device())
            torch.empty(0, device=chosen)
        except (RuntimeError, AssertionError, TypeError) as error:
            raise ValueError(
                f"Device {str(device)!r} cannot be used here ({str(error).splitlines()[0]}). "
                "Leave device=None to take the best there is, or say 'cpu'."
            ) from error
        if dtype is None or dtype == "auto":
            is_half = chosen.type == "cuda" and torch.cuda.is_bf16_supported()
            if chosen.type == "cpu" and dtype == "auto":
                is_half = is_bfloat16_faster()
            precision = torch.bfloat16 if is_half else torch.float32
        else:
            precision = _DTYPES.get(str(dtype).removeprefix("torch."))
        if precision is None:
            raise ValueError(
                "dtype must be torch.float32, torch.bfloat16, torch.float16, the name of one of "
                f"them, or 'auto', got {dtype!r}."
            )
        is_cuda = chosen.type == "cuda"
        return cls(chosen, precision, has_graphs=is_cuda, frames_at_once=8 if is_cuda else 1)

    @contextlib.contextmanager
    def inference(self) -> Generator[None, None, None]:
        """Run a prediction: no gradients, and on a CPU only the cores that others leave.

        Raises
        ------
        OutOfMemoryError
            When the device's memory does not suffice.
        """
        with guard_memory(self.device), leave_busy_cores(self.device), torch.inference_mode():
            yield


def find_best_device() -> str:
    """Find the fastest kind of device that there is: "cuda", "mps" or "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@cache
def is_bfloat16_faster() -> bool:
    """Whether this CPU multiplies in bfloat16 by itself, and clearly faster: a trial of 0.1 s."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    seconds: dict[torch.dtype, float] = {}
    for dtype in (torch.float32, torch.bfloat16):
        square = torch.ones(_TRIAL_SIDE, _TRIAL_SIDE, dtype=dtype)
        _ = square @ square
        times: list[float] = []
        for _ in range(_TRIALS):
            began = time.perf_counter()
            _ = square @ square
            times.append(time.perf_counter() - began)
        seconds[dtype] = min(times)
    return seconds[torch.bfloat16] < _CLEARLY * seconds[torch.float32]
