"""Pack the fetched pictures small: cut-outs, photographs, and regions of photographs.

    python recipes/nano/pack.py DATA

Writes DATA/pack/{cutouts,photos,regions}.npy with an index each, which
`sam2_backend.training.assets.Assets` maps into memory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.segmentation import felzenszwalb

Image.MAX_IMAGE_PIXELS = 400_000_000

CUTOUT_SIDE, PHOTO_SIDE = 224, 448
"""Longest side of a cut-out and shortest side of a photograph, in pixels."""

ENDLESS_SKY = "endless-sky-high-dpi/usr/share/games/endless-sky/plugins/endless-sky-high-dpi/images"
CUTOUT_FOLDERS = {
    # folder below DATA/root -> how often it is drawn, relative to its number of pictures
    "tuxpaint-stamps-default/usr/share/tuxpaint/stamps": 6.0,
    "openclipart-png/usr/share/openclipart/png/animals": 2.0,
    "openclipart-png/usr/share/openclipart/png/food": 1.0,
    "openclipart-png/usr/share/openclipart/png/people": 1.0,
    "openclipart-png/usr/share/openclipart/png/plants": 1.0,
    "openclipart-png/usr/share/openclipart/png/tools": 1.0,
    "openclipart-png/usr/share/openclipart/png/transportation/vehicles": 2.0,
    "openclipart-png/usr/share/openclipart/png/recreation": 1.0,
    "openclipart-png/usr/share/openclipart/png/household": 1.0,
    "openclipart-png/usr/share/openclipart/png/computer/hardware": 1.0,
    "openclipart-png/usr/share/openclipart/png/buildings": 1.0,
    "openclipart-png/usr/share/openclipart/png/clothing": 1.0,
    "openclipart-png/usr/share/openclipart/png/electronics": 1.0,
    "wesnoth-1.16-data": 0.15,
    "freedroidrpg-data": 0.3,
    "hedgewars-data/usr/share/games/hedgewars/Data/Graphics/Hats": 0.3,
    "oxygen-icon-theme/usr/share/icons/oxygen/base/256x256": 1.0,
    f"{ENDLESS_SKY}/ship": 0.5,
    f"{ENDLESS_SKY}/outfit": 0.5,
}
SKIPPED_PARTS = (
    "/symbols/",
    "/flags/",
    "/gui/",
    "/l10n/",
    "/cursors",
    "/arrows",
    "/terrain/",
    "/halo/",
)
PHOTO_FOLDERS = (
    "plasma-workspace-wallpapers",
    "gnome-backgrounds",
    "mate-backgrounds",
    "ukui-wallpapers",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "stellarium-data/usr/share/stellarium/landscapes",
    f"{ENDLESS_SKY}/land",
    f"{ENDLESS_SKY}/scene",
)


def cutouts(root: Path) -> Iterator[tuple[np.ndarray, float]]:
    """RGBA cut-outs (H, W, 4), cropped to what is opaque, with their weight."""
    seen: set[bytes] = set()
    for folder, weight in CUTOUT_FOLDERS.items():
        for path in sorted((root / folder).rglob("*.png")):
            if any(part in str(path) for part in SKIPPED_PARTS):
                continue
            cutout = _cutout(path)
            if cutout is None:
                continue
            digest = hashlib.sha1(np.ascontiguousarray(cutout[::4, ::4] // 16)).digest()
            if digest not in seen:
                seen.add(digest)
                yield cutout, weight


def _cutout(path: Path) -> np.ndarray | None:
    with Image.open(path) as image:
        if image.mode not in ("RGBA", "LA", "P") or min(image.size) < 40:
            return None
        image = image.convert("RGBA")
    box = image.getchannel("A").point(lambda a: 255 * (a > 128)).getbbox()
    if box is None:
        return None
    image = image.crop(box)
    if min(image.size) < 36 or max(image.size) > 6 * min(image.size):
        return None
    image.thumbnail((CUTOUT_SIDE, CUTOUT_SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(image)
    coverage = (pixels[..., 3] > 128).mean()
    soft = ((pixels[..., 3] > 20) & (pixels[..., 3] < 200)).mean()
    return pixels if 0.15 < coverage < 0.97 and soft < 0.25 else None


def photos(root: Path) -> Iterator[np.ndarray]:
    """RGB photographs (H, W, 3), one of each picture."""
    seen: set[bytes] = set()
    for folder in PHOTO_FOLDERS:
        paths = [
            p for p in (root / folder).rglob("*") if p.suffix in (".jpg", ".jpeg", ".png", ".webp")
        ]
        # The largest size of a picture first, so that the others are the duplicates.
        for path in sorted(paths, key=lambda p: (-p.stat().st_size, str(p))):
            with Image.open(path) as image:
                if min(image.size) < 400 or max(image.size) > 4 * min(image.size):
                    continue
                if image.mode in ("RGBA", "LA"):
                    continue
                image.draft("RGB", (1200, 1200))
                image = image.convert("RGB")
            gray = np.asarray(image.convert("L").resize((8, 8)), dtype=np.int16)
            digest = np.packbits(gray > np.median(gray)).tobytes()
            if digest in seen or gray.std() < 8:
                continue
            seen.add(digest)
            scale = PHOTO_SIDE / min(image.size)
            size = (round(image.width * scale), round(image.height * scale))
            yield np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def regions(photo: np.ndarray) -> np.ndarray:
    """Unsupervised regions of a photograph at three scales: (3, H/2, W/2) uint16."""
    half = np.asarray(Image.fromarray(photo).resize((photo.shape[1] // 2, photo.shape[0] // 2)))
    return np.stack(
        [
            felzenszwalb(half, scale=scale, sigma=0.8, min_size=size)
            for scale, size in ((150, 80), (400, 200), (1000, 500))
        ]
    ).astype(np.uint16)


def write(folder: Path, name: str, arrays: list[np.ndarray], **columns: list[float]) -> None:
    """One flat array and an index of shapes."""
    flat = np.concatenate([array.reshape(-1) for array in arrays])
    np.save(folder / f"{name}.npy", flat)
    index = {"shapes": [array.shape for array in arrays], **columns}
    (folder / f"{name}.json").write_text(json.dumps(index))
    print(f"{name}: {len(arrays)} arrays, {flat.nbytes / 2**20:.0f} MiB")


def main(data: Path) -> None:
    root, folder = data / "root", data / "pack"
    folder.mkdir(exist_ok=True)
    pictures = list(photos(root))
    write(folder, "photos", pictures)
    found = list(cutouts(root))
    write(folder, "cutouts", [c for c, _ in found], weights=[w for _, w in found])
    with Pool(2) as pool:
        write(folder, "regions", pool.map(regions, pictures, chunksize=4))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder that fetch.py filled")
    main(parser.parse_args().data)
