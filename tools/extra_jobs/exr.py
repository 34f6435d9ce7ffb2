"""Soft mattes are written as OpenEXR, and read back."""

import numpy as np
import OpenEXR

from sam2widget import Sam2Widget

CLIP = np.random.default_rng(0).integers(0, 256, (3, 90, 160, 3), np.uint8)

w = Sam2Widget(CLIP, "nano", autosave=False)
w.add_point(0, 80, 45)
w.export("mattes", "exr")
channels = OpenEXR.File("mattes/00000.exr", separate_channels=True).channels()
assert set(channels) == {"A", "1_Object_1.A"}
alpha = channels["A"].pixels
assert alpha.shape == (90, 160) and ((alpha > 0) & (alpha < 1)).any()
w.close()
