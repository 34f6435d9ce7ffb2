"""A HEIC picture is opened."""

import pillow_heif
from PIL import Image

from sam2_backend import open_video

pillow_heif.from_pillow(Image.new("RGB", (64, 48), (200, 40, 40))).save("a.heic", quality=90)
red, green, _ = open_video("a.heic")[0][24, 32]
assert red > 150 > green
