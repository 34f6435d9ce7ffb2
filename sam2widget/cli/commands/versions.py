"""`sam2widget versions`: what a report of a fault needs."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform

HELP = "print the versions of all that takes part, for a report of a fault"
DESCRIPTION = "Print the versions of sam2widget and of what it works with, and the device."
PACKAGES = (
    "sam2widget",
    *("torch", "torchvision", "transformers", "numpy", "scipy", "pillow", "av", "tifffile"),
    *("anywidget", "ipywidgets", "ipycanvas", "ipykernel", "jupyterlab", "notebook", "marimo"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: it takes no arguments."""


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each part."""
    import torch

    from sam2_backend.kernels.runtime import find_best_device

    device = find_best_device()
    print(f"system        {platform.platform()}")
    print(f"python        {platform.python_version()}")
    for package in PACKAGES:
        try:
            print(f"{package:<13} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            print(f"{package:<13} not installed")
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor()
    print(f"device        {device} {name}".rstrip())
    return 0
