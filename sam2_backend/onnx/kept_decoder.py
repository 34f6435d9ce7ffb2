"""The mask decoder of a network as ONNX, exported once and kept."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ..checkpoints.loading import save_model
from ..network.sam2 import Sam2Model
from .export import FORMAT

DECODER_KEYS = (
    *("sam_mask_decoder.", "sam_prompt_encoder.", "obj_ptr_proj."),
    *("no_obj_ptr", "no_mem_embed"),
)
"""What the names of the weights begin with that the mask decoder computes with."""


def read_decoder(model: Sam2Model, cache: Path) -> bytes:
    """Read a network's `mask_decoder.onnx`; the first time it is exported, which takes a while.

    A process of its own exports it: PyTorch's exporter changes how the whole process computes
    while it runs. Any thread may call this.

    Parameters
    ----------
    model : the network.
    cache : folder that exports are kept in, by their weights.

    Raises
    ------
    ValueError
        When it cannot be exported.
    """
    state = model.state_dict()
    digest = hashlib.sha256(f"{FORMAT} {model.config.image_size}".encode())
    for key, tensor in state.items():
        if key.startswith(DECODER_KEYS):
            digest.update(key.encode() + tensor.float().cpu().contiguous().numpy().tobytes())
    kept = cache / f"{digest.hexdigest()[:32]}.onnx"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            weights = Path(scratch, "model.safetensors")
            save_model(model.config, state, weights)
            command = (sys.executable, "-m", "sam2_backend.onnx.kept_decoder", weights, scratch)
            made = subprocess.run(command, capture_output=True, text=True)
            if made.returncode:
                last = made.stderr.strip().rsplit("\n", 1)[-1]
                raise ValueError(f"The mask decoder could not be exported: {last}")
            os.replace(Path(scratch, "mask_decoder.onnx"), kept)
    return kept.read_bytes()


def _main(weights: str, folder: str) -> None:
    from ..checkpoints.loading import load_model
    from .export import export_onnx

    export_onnx(load_model(weights, "cpu"), folder, parts=["mask_decoder"])


if __name__ == "__main__":
    _main(*sys.argv[1:])
