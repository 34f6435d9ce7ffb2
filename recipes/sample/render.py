"""Render the sample clip "yard": a film in H.264 and the true masks of its objects.

    python -m venv blender && blender/bin/pip install bpy==5.0.1 OpenEXR av
    blender/bin/python recipes/sample/render.py

Everything is computed, from no asset, and random numbers have fixed seeds. A frame takes about
15 s of one core; those that are there already are not rendered again.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import av
import bpy
import numpy as np
import OpenEXR
from scene import COVERAGE, FPS, HEIGHT, NUM_FRAMES, WIDTH, build_scene

PACKAGED = Path(__file__).parents[2] / "sam2widget" / "samples"


def render(folder: Path, frames: list[int], samples: int, threads: int) -> None:
    """Render some frames as OpenEXR, light and the objects' coverage.

    Parameters
    ----------
    folder : to write to; frames that are there already are not rendered again.
    frames : frame indices, from 0.
    samples : rays a pixel.
    threads : of the renderer.
    """
    pose = build_scene()
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.render.resolution_percentage = 100
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.render.use_persistent_data = True
    scene.render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    cycles = scene.cycles
    cycles.samples, cycles.use_adaptive_sampling, cycles.seed = samples, False, 1
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes, cycles.denoising_prefilter = "RGB_ALBEDO_NORMAL", "FAST"
    scene.cycles_curves.shape = "RIBBONS"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 3, 2, 1
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        path = folder / f"{frame:03}.exr"
        if not path.exists():
            pose(frame)
            scene.render.filepath = str(path.with_suffix(""))
            bpy.ops.render.render(write_still=True)


def read(path: Path, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Read picture (H, W, 3) uint8 RGB and labels (H, W) uint8 of a rendered frame."""
    parts = {part.name(): part.channels for part in OpenEXR.File(str(path)).parts}

    def layer(name: str) -> np.ndarray:
        (channel,) = parts[f"ViewLayer.{name}"].values()
        return channel.pixels[..., :3]

    return develop(layer("Combined"), frame), label_objects(layer(COVERAGE))


def develop(light_hw3: np.ndarray, frame: int) -> np.ndarray:
    """Turn light (H, W, 3) into a picture: tone curve (Narkowicz 2015), vignette, grain, gamma."""
    height, width = light_hw3.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = np.maximum(light_hw3, 0) * 0.62 * (1.0 - 0.10 * (x**2 + y**2))[..., None]
    shown = light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14)
    shown = np.clip(shown, 0, 1) ** (1 / 2.2)
    grain = np.random.default_rng(frame).standard_normal((height, width, 1)) * 1.2
    return np.clip(255 * shown + grain + 0.5, 0, 255).astype(np.uint8)


def label_objects(coverage_hw3: np.ndarray) -> np.ndarray:
    """Label each pixel by the object that covers more than half of it, 1 to 3; 0 by none."""
    return np.where(coverage_hw3.max(-1) > 0.5, coverage_hw3.argmax(-1) + 1, 0).astype(np.uint8)


def pack(folder: Path, out: Path) -> None:
    """Write the film and the masks as they are packaged."""
    read_frames = [read(folder / f"{frame:03}.exr", frame) for frame in range(NUM_FRAMES)]
    pictures, labels = zip(*read_frames, strict=True)
    out.mkdir(parents=True, exist_ok=True)
    with av.open(str(out / "yard.mp4"), "w") as film:
        options = {"crf": "18", "preset": "veryslow", "threads": "1"}
        stream = film.add_stream("libx264", rate=Fraction(FPS), options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in pictures:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode())
    np.savez_compressed(out / "yard.npz", labels_thw=np.stack(labels))
    print(", ".join(f"{p.name} {p.stat().st_size / 1000:.0f} kB" for p in sorted(out.iterdir())))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=list(range(NUM_FRAMES)))
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("outputs/yard"))
    parser.add_argument("--out", type=Path, default=PACKAGED)
    arguments = parser.parse_args()
    render(arguments.work, arguments.frames, arguments.samples, arguments.threads)
    if arguments.frames == list(range(NUM_FRAMES)):
        pack(arguments.work, arguments.out)
