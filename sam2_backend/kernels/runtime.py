"""Where and how exactly the network runs: one choice, made in one place."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass

import torch

from .out_of_memory import guard_memory


@dataclass(frozen=True)
class Runtime:
    """Device and precision of one loaded model.

    Weights and memory arithmetic stay in float32; matrix products and convolutions are computed
    in `dtype`.
    """

    device: torch.device
    """Where the weights are and the network runs."""
    dtype: torch.dtype
    """Of matrix products and convolutions: float32, bfloat16 or float16."""
    memory_dtype: torch.dtype = torch.bfloat16
    """Memories are kept in bfloat16 on every device, as the official predictor keeps them."""
    frames_at_once: int = 1
    """Frames encoded together while tracking: one fills a CPU, but not a GPU."""

    @classmethod
    def choose(
        cls, device: str | torch.device | None = None, dtype: torch.dtype | None = None
    ) -> Runtime:
        """Choose what is not given.

        Parameters
        ----------
        device : CUDA if None and there is one, else the CPU.
        dtype : if None bfloat16 on CUDA devices that have it, else float32.

        Raises
        ------
        ValueError
            When the device does not exist here or the precision is not a floating one.
        """
        try:
            chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
            torch.empty(0, device=chosen)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(
                f"Device {str(device)!r} cannot be used here ({str(error).splitlines()[0]}). "
                "Leave device=None to take the best there is, or say 'cpu'."
            ) from error
        if dtype is None:
            half = chosen.type == "cuda" and torch.cuda.is_bf16_supported()
            dtype = torch.bfloat16 if half else torch.float32
        if dtype not in (torch.float32, torch.bfloat16, torch.float16):
            raise ValueError(
                f"dtype must be torch.float32, torch.bfloat16 or torch.float16, got {dtype}."
            )
        return cls(chosen, dtype, frames_at_once=8 if chosen.type == "cuda" else 1)

    @contextlib.contextmanager
    def inference(self) -> Generator[None, None, None]:
        """Run a prediction: no gradients, and mixed precision where it was chosen.

        Raises
        ------
        OutOfMemoryError
            When the device's memory does not suffice.
        """
        mixed = self.dtype is not torch.float32
        with (
            guard_memory(self.device),
            torch.inference_mode(),
            torch.autocast(self.device.type, dtype=self.dtype, enabled=True)
            if mixed
            else contextlib.nullcontext(),
        ):
            yield
