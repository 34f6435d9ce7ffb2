"""Masks as what other libraries take."""

import numpy as np

from sam2widget import Sam2Widget

CLIP = np.random.default_rng(0).integers(0, 256, (3, 90, 160, 3), np.uint8)

w = Sam2Widget(CLIP, "nano", autosave=False)
w.add_point(0, 80, 45)
w.propagate()
assert len(w.to_supervision(0)) == 1
assert w.to_xarray().sizes["frame"] == 3
assert len(w.to_datasets()) == 3
w.close()
