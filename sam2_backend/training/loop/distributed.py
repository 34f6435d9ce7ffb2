"""Training in several processes, as `torchrun` starts them."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass

import torch
import torch.distributed as dist


@dataclass(frozen=True)
class DistributedContext:
    """Rank, world size and device of a process among those that train together."""

    rank: int
    """0 logs and saves."""
    world_size: int
    """Number of processes."""
    device: torch.device
    """Where this process computes."""

    @classmethod
    def join(cls, device: torch.device | str | None = None) -> DistributedContext:
        """Join the group that `torchrun` describes in the environment; without it, be alone.

        Parameters
        ----------
        device : a GPU for each process, if there are any, when None.
        """
        on_gpu = torch.cuda.is_available() if device is None else "cuda" in str(device)
        if not dist.is_torchelastic_launched():
            return cls(0, 1, torch.device(device or ("cuda" if on_gpu else "cpu")))
        local_rank = int(os.environ["LOCAL_RANK"])
        if not dist.is_initialized():
            if on_gpu:
                torch.cuda.set_device(local_rank)
            dist.init_process_group("nccl" if on_gpu else "gloo")
            atexit.register(dist.destroy_process_group)
        chosen = torch.device("cuda", local_rank) if on_gpu else torch.device("cpu")
        return cls(dist.get_rank(), dist.get_world_size(), chosen)

    def any(self, flag: bool) -> bool:
        """Return whether the flag is true in any of the processes; all must call it."""
        return bool(self.max(float(flag)))

    def max(self, value: float) -> float:
        """Return the largest value of all processes; all must call it."""
        if self.world_size == 1:
            return value
        shared = torch.tensor(value, device=self.device)
        dist.all_reduce(shared, op=dist.ReduceOp.MAX)
        return float(shared)
