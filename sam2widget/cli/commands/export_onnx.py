"""`sam2widget export-onnx`: a network for runtimes other than PyTorch."""

from __future__ import annotations

import argparse
from pathlib import Path

from sam2_backend.extras import install_command

from .checks import check_folder, check_weights

HELP = "write a network as ONNX files, for runtimes other than PyTorch"
DESCRIPTION = (
    "Write a network as ONNX files: image encoder, mask decoder, memory attention and memory "
    "encoder, and model.json with sizes, preprocessing, inputs and outputs. Needs "
    f"{install_command('onnx')}."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, the folder, and the size of the input."""
    parser.add_argument("folder", type=Path, help="where the files are written; made if missing")
    parser.add_argument("--model", default="nano", help="a name or a path (default: nano)")
    parser.add_argument(
        "--image-size",
        metavar="PIXELS",
        type=int,
        help="side of the network's input, a multiple of 32; if not given the model's own",
    )
    parser.add_argument(
        "--parts",
        metavar="PART",
        nargs="+",
        help="image_encoder, mask_decoder, memory_attention, memory_encoder (default: all)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the files."""
    check_weights(arguments)
    check_folder(arguments.folder, "FOLDER")
    from sam2_backend import export_onnx, load_model

    model = load_model(arguments.model, "cpu", image_size=arguments.image_size)
    try:
        path = export_onnx(model, arguments.folder, parts=arguments.parts)
    except ImportError as error:
        raise ValueError(str(error)) from error
    for file in sorted(path.parent.glob("*.onnx")):
        print(f"{file.stat().st_size / 1e6:8.1f} MB  {file}")
    print(f"Described in {path}.")
    return 0
