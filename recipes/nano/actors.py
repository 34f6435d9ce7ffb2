"""Pose animated 3D models of the game 0 A.D.: people, animals, buildings, plants.

Reads the archive `public.zip` of the package 0ad-data. An actor is an XML file: groups of
variants, of which one each is chosen, with a mesh (.pmd), textures (.dds), animations (.psa) and
further actors on its attach points. The binary formats are described at
https://trac.wildfiregames.com/wiki/PMD_File_Format and PSA_File_Format.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

_MOVES = ("walk", "run", "trot", "gather", "attack", "idle")


@dataclass(frozen=True)
class Mesh:
    """A .pmd file: vertices as they are modelled, and the bones that move them."""

    positions_v3: Floats
    normals_v3: Floats
    uv_v2: Floats
    bones_v4: NDArray[np.uint8]
    weights_v4: Floats
    faces_f3: NDArray[np.uint16]
    rest_b44: Floats
    """Where each bone is in the modelled pose."""
    attach_points: dict[str, tuple[Floats, int]]
    """Name -> transform (4, 4) and the bone that it follows, 255 for none."""


@dataclass
class Figure:
    """One choice of an actor's variants."""

    mesh: str = ""
    texture: str = ""
    material: str = ""
    animations: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    props: dict[str, str] = field(default_factory=dict[str, str])


class Archive:
    """The game's archive.

    Parameters
    ----------
    path : `public.zip`.
    """

    def __init__(self, path: Path) -> None:
        self._zip = ZipFile(path)
        self._names = set(self._zip.namelist())
        self.mesh = cache(self._mesh)
        self.texture = cache(self._texture)
        self.animation = cache(self._animation)

    def actors(self, folder: str) -> list[str]:
        """Paths of the actors below art/actors/`folder`, relative to art/actors."""
        start = "art/actors/"
        return sorted(
            name.removeprefix(start)
            for name in self._names
            if name.startswith(start + folder) and name.endswith(".xml")
        )

    def grounds(self, side: int = 384) -> Iterator[NDArray[np.uint8]]:
        """Textures of terrain, (side, side, 3) RGB."""
        for name in sorted(self._names):
            if not re.match(r"art/textures/terrain/types/.*\.dds$", name):
                continue
            with Image.open(io.BytesIO(self._zip.read(name))) as image:
                picture = np.asarray(image.convert("RGB").resize((side, side)))
            # Maps of normals and of gloss lie among them, and plain colours.
            is_map = any(word in name for word in ("norm", "spec", "parallax"))
            if not is_map and picture.std(axis=(0, 1)).mean() > 6:
                yield picture

    def choose(self, actor: str, rng: np.random.Generator) -> Figure:
        """Choose one variant of each group of an actor."""
        figure = Figure()
        root = ElementTree.fromstring(self._zip.read(f"art/actors/{actor}"))
        figure.material = root.findtext("material", "")
        for group in root.iter("group"):
            variants = group.findall("variant")
            frequencies = np.array([float(v.get("frequency", 0)) for v in variants]) + 1e-6
            chosen = rng.choice(len(variants), p=frequencies / frequencies.sum())
            self._apply(variants[int(chosen)], figure)
        return figure

    def _apply(self, variant: ElementTree.Element, figure: Figure) -> None:
        base = f"art/variants/{variant.get('file')}"
        if base in self._names:
            self._apply(ElementTree.fromstring(self._zip.read(base)), figure)
        figure.mesh = variant.findtext("mesh", figure.mesh)
        for texture in variant.iter("texture"):
            if texture.get("name") == "baseTex":
                figure.texture = texture.get("file", "")
        for animation in variant.iter("animation"):
            name = animation.get("name", "").lower()
            figure.animations.setdefault(name, []).append(animation.get("file", ""))
        for prop in variant.iter("prop"):
            figure.props[prop.get("attachpoint", "")] = prop.get("actor", "")

    def _mesh(self, name: str) -> Mesh:
        data = self._zip.read(f"art/meshes/{name}.cached.pmd")
        magic, version, _, count = struct.unpack_from("<4s3I", data)
        if magic != b"PSMD" or version < 4:
            raise ValueError(f"{name} is no mesh of version 4.")
        (uvs,) = struct.unpack_from("<I", data, 16)
        vertex = np.dtype(
            [
                ("p", "<f4", 3),
                ("n", "<f4", 3),
                ("uv", "<f4", (uvs, 2)),
                ("b", "u1", 4),
                ("w", "<f4", 4),
            ]
        )
        at = 20
        vertices = np.frombuffer(data, vertex, count, at)
        at += vertices.nbytes
        (count,) = struct.unpack_from("<I", data, at)
        faces = np.frombuffer(data, "<u2", 3 * count, at + 4).reshape(-1, 3)
        at += 4 + faces.nbytes
        (count,) = struct.unpack_from("<I", data, at)
        bones = np.frombuffer(data, "<f4", 7 * count, at + 4).reshape(-1, 7)
        at += 4 + bones.nbytes
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
        attach_points: dict[str, tuple[Floats, int]] = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<I", data, at)
            point = data[at + 4 : at + 4 + length].decode()
            at += 4 + length
            placed = np.frombuffer(data, "<f4", 7, at)[None]
            attach_points[point] = transforms(placed)[0], data[at + 28]
            at += 29
        return Mesh(
            vertices["p"],
            vertices["n"],
            vertices["uv"][:, 0],
            vertices["b"],
            vertices["w"],
            faces,
            transforms(bones),
            attach_points,
        )

    def _texture(self, name: str) -> NDArray[np.uint8]:
        """(H, W, 4) RGBA."""
        with self._zip.open(f"art/textures/skins/{name}.cached.dds") as file:
            return np.asarray(Image.open(io.BytesIO(file.read())).convert("RGBA"))

    def _animation(self, name: str) -> Floats:
        """Where each bone is: (T, B, 4, 4)."""
        data = self._zip.read(f"art/animation/{name}.cached.psa")
        (length,) = struct.unpack_from("<I", data, 12)
        bones, frames = struct.unpack_from("<2I", data, 20 + length)
        keys = np.frombuffer(data, "<f4", 7 * bones * frames, 28 + length)
        return transforms(keys.reshape(-1, 7)).reshape(frames, bones, 4, 4)


def transforms(keys_n7: Floats) -> Floats:
    """Translations and quaternions (x, y, z, w) as matrices: (N, 4, 4)."""
    x, y, z, w = keys_n7[:, 3:].T
    matrices = np.tile(np.eye(4, dtype=np.float32), (len(keys_n7), 1, 1))
    matrices[:, :3, 3] = keys_n7[:, :3]
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    matrices[:, :3, :3] = np.stack([np.stack(row, axis=1) for row in rows], axis=1)
    return matrices


@dataclass(frozen=True)
class Triangles:
    """A posed surface: corners, normals and colours' places, and the picture they are from."""

    corners_f33: Floats
    normals_f33: Floats
    uv_f32: Floats
    texture_hw4: NDArray[np.uint8]
    cut_out: bool
    """Whether the texture's alpha cuts holes; else it marks where a player's colour goes."""


def pose(
    archive: Archive,
    actor: str,
    rng: np.random.Generator,
    frames: int,
    *,
    speed: float = 1.0,
) -> list[list[Triangles]]:
    """Surfaces of an actor and all that it wears, a list for each frame of a movement."""
    figure = archive.choose(actor, rng)
    if not figure.mesh:
        raise ValueError(f"{actor} has no mesh.")
    mesh = archive.mesh(figure.mesh)
    steps = np.tile(mesh.rest_b44, (frames, 1, 1, 1))
    names = [
        n
        for move in _MOVES
        for key in figure.animations
        for n in figure.animations[key]
        if key.startswith(move)
    ]
    if names and len(mesh.rest_b44):
        keys = archive.animation(names[int(rng.integers(len(names)))])
        if keys.shape[1] == len(mesh.rest_b44):
            start = rng.integers(len(keys))
            steps = keys[(start + np.arange(frames) * speed).astype(int) % len(keys)]
    texture = archive.texture(figure.texture)
    posed: list[list[Triangles]] = []
    for bones_b44 in steps:
        positions, normals = _skin(mesh, bones_b44)
        corners = mesh.faces_f3
        posed.append(
            [
                Triangles(
                    *(positions[corners], normals[corners], mesh.uv_v2[corners]),
                    *(texture, "trans" in figure.material and "player" not in figure.material),
                )
            ]
        )
    for point, prop in figure.props.items():
        if point not in mesh.attach_points or not prop or "particle" in prop:
            continue
        try:
            worn = pose(archive, prop, rng, frames, speed=speed)
        except (ValueError, KeyError):
            continue  # nothing to see: an effect, or an optional part
        placed, bone = mesh.attach_points[point]
        for t, surfaces in enumerate(worn):
            matrix = steps[t, bone] @ placed if bone < len(mesh.rest_b44) else placed
            posed[t].extend(_moved(surface, matrix) for surface in surfaces)
    return posed


def _skin(mesh: Mesh, bones_b44: Floats) -> tuple[Floats, Floats]:
    """Vertices and normals as bones carry them: (V, 3) each."""
    if not len(bones_b44):
        return mesh.positions_v3, mesh.normals_v3
    moves = np.concatenate([bones_b44 @ np.linalg.inv(mesh.rest_b44), np.eye(4)[None]])
    # Past the last bone: what no bone holds stays where it is.
    index = np.minimum(mesh.bones_v4, len(bones_b44))
    weights = np.where(mesh.bones_v4 == 255, 0, mesh.weights_v4)
    weights[:, 0] += 1 - weights.sum(1)
    blended = np.einsum("vk,vkij->vij", weights, moves[index])
    positions = np.einsum("vij,vj->vi", blended[:, :3, :3], mesh.positions_v3) + blended[:, :3, 3]
    normals = np.einsum("vij,vj->vi", blended[:, :3, :3], mesh.normals_v3)
    return positions.astype(np.float32), normals.astype(np.float32)


def _moved(surface: Triangles, matrix: Floats) -> Triangles:
    turn, shift = matrix[:3, :3], matrix[:3, 3]
    return Triangles(
        surface.corners_f33 @ turn.T + shift,
        surface.normals_f33 @ turn.T,
        surface.uv_f32,
        surface.texture_hw4,
        surface.cut_out,
    )
