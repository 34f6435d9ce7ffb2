"""Film 0 A.D.'s models from all sides: articulated motion with exact masks.

    python recipes/nano/film.py DATA

Writes DATA/pack/actors.npy, sequences of RGBA pictures, and grounds.npy, its textures of
terrain, each with an index.
"""

from __future__ import annotations

import argparse
from functools import cache
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from actors import Archive, Floats, Triangles, pose
from numpy.typing import NDArray
from pack import write
from tqdm import tqdm

ARCHIVE = "0ad-data/usr/share/games/0ad/mods/public/public.zip"
SIDE, FRAMES, FINER = 192, 6, 2
"""Pixels a side that a model is filmed at, pictures of it, and how much finer it is drawn."""
CAST = {"fauna/": 600, "units/": 900, "structures/": 60, "flora/": 40}
"""Sequences of the actors in each folder."""
SAMPLES_PER_PIXEL = 3.0
"""Points that a triangle is splatted with, a pixel of its area."""


def render(posed: list[list[Triangles]], rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """See a movement from a camera that goes round a little: (T, side, side, 4) RGBA."""
    frames = len(posed)
    everything = np.concatenate([s.corners_f33.reshape(-1, 3) for f in posed for s in f])
    low, high = np.percentile(everything, 0.2, axis=0), np.percentile(everything, 99.8, axis=0)
    centre, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    yaw = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.normal(0, 0.5), frames)
    pitch = rng.uniform(-0.1, 0.7)
    light = rng.normal(size=3) + np.array((0, 1.5, 0))
    light /= np.linalg.norm(light)
    ambient, player = rng.uniform(0.35, 0.7), rng.integers(0, 256, 3)
    pictures = []
    for t in range(frames):
        cos, sin = np.cos(yaw[t]), np.sin(yaw[t])
        turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        cos, sin = np.cos(pitch), np.sin(pitch)
        camera = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ turn
        points, colors = [], []
        for surface in posed[t]:
            corners = (surface.corners_f33 - centre) @ camera.T / radius
            # x to the right, y down, near is small
            screen = corners * (1, -1, -1) * (side * 0.49) + (side / 2, side / 2, 0)
            shade = ambient + (1 - ambient) * np.clip(surface.normals_f33 @ light, 0, 1)
            p, c = _splat(screen, shade, surface, player, rng)
            points.append(p)
            colors.append(c)
        pictures.append(_nearest(np.concatenate(points), np.concatenate(colors), side))
    return np.stack(pictures)


def _splat(
    screen_f33: Floats,
    shade_f3: Floats,
    surface: Triangles,
    player: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Points (N, 3) all over the triangles, and their colours (N, 3)."""
    a, b = screen_f33[:, 1] - screen_f33[:, 0], screen_f33[:, 2] - screen_f33[:, 0]
    area = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2
    count = np.ceil(area * SAMPLES_PER_PIXEL).astype(int) + 3
    face = np.repeat(np.arange(len(count)), count)
    u, v = rng.random((2, len(face)))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    weights = np.stack((1 - u - v, u, v), axis=1)
    points = np.einsum("nk,nki->ni", weights, screen_f33[face])
    uv = np.einsum("nk,nki->ni", weights, surface.uv_f32[face])
    shade = np.einsum("nk,nk->n", weights, shade_f3[face])
    h, w = surface.texture_hw4.shape[:2]
    texel = (np.array((0, 1)) + (1, -1) * uv) % 1 * (w, h)
    texel = np.minimum(texel.astype(int), (w - 1, h - 1))
    rgba = surface.texture_hw4[texel[:, 1], texel[:, 0]].astype(np.float32)
    alpha = rgba[:, 3:] / 255
    if surface.cut_out:
        seen = alpha[:, 0] > 0.5
        return points[seen], (rgba[:, :3] * shade[:, None])[seen]
    return points, (rgba[:, :3] * alpha + player * (1 - alpha)) * shade[:, None]


def _nearest(points_n3: Floats, colors_n3: Floats, side: int) -> NDArray[np.uint8]:
    """Of the points in each pixel the nearest: (side, side, 4)."""
    x, y = np.floor(points_n3[:, 0]).astype(int), np.floor(points_n3[:, 1]).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < side) & (y < side)
    pixel, depth, colors = (y * side + x)[inside], points_n3[inside, 2], colors_n3[inside]
    order = np.argsort(-depth, kind="stable")  # the nearest is written last
    picture = np.zeros((side * side, 4), np.uint8)
    picture[pixel[order], :3] = np.clip(colors[order], 0, 255)
    picture[pixel[order], 3] = 255
    return picture.reshape(side, side, 4)


def film(archive: Archive, folder: str, seed: int) -> NDArray[np.uint8]:
    """A sequence (T, H, W, 4) of some actor, cropped to where it ever is."""
    rng = np.random.default_rng((len(folder), seed))
    actors = archive.actors(folder)
    while True:
        try:
            actor = actors[int(rng.integers(len(actors)))]
            posed = pose(archive, actor, rng, FRAMES, speed=rng.uniform(1, 4))
        except (ValueError, KeyError):
            continue  # a part, an effect, or a variant of what it has no file for
        pictures = _shrink(render(posed, rng, SIDE * FINER))
        seen = (pictures[..., 3] > 128).any(axis=0)
        if seen.mean() < 0.04:
            continue
        (y,), (x,) = np.nonzero(seen.any(1))[:1], np.nonzero(seen.any(0))[:1]
        return pictures[:, y[0] : y[-1] + 1, x[0] : x[-1] + 1]


def _shrink(fine_thw4: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average squares of pixels, of colours only what is opaque."""
    t, h, w, _ = fine_thw4.shape
    squares = fine_thw4.reshape(t, h // FINER, FINER, w // FINER, FINER, 4).astype(np.float32)
    opaque = (squares[..., 3:] / 255).sum((2, 4))
    colors = (squares[..., :3] * (squares[..., 3:] / 255)).sum((2, 4)) / np.maximum(opaque, 1)
    return np.concatenate((colors, opaque / FINER**2 * 255), axis=-1).round().astype(np.uint8)


@cache
def _archive(path: Path) -> Archive:
    return Archive(path)


def _film(scene: tuple[Path, str, int]) -> NDArray[np.uint8]:
    path, folder, seed = scene
    return film(_archive(path), folder, seed)


def main(data: Path, processes: int) -> None:
    scenes = [
        (data / "root" / ARCHIVE, folder, seed) for folder, n in CAST.items() for seed in range(n)
    ]
    write(data / "pack", "grounds", list(_archive(scenes[0][0]).grounds()))
    with Pool(processes) as pool:
        sequences = list(tqdm(pool.imap(_film, scenes, chunksize=8), total=len(scenes)))
    write(data / "pack", "actors", sequences)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder that fetch.py filled")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    main(arguments.data, arguments.processes)
