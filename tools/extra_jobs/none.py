"""Without an extra: a click, its masks, and how to get what an extra brings."""

import numpy as np

from sam2_backend import VideoPredictor, load_model
from sam2widget import Sam2Widget, VideoError, export_masks, open_video

CLIP = np.random.default_rng(0).integers(0, 256, (3, 90, 160, 3), np.uint8)

w = Sam2Widget(CLIP, "nano", autosave=False)
w.add_point(0, 80, 45)
w.propagate()
assert np.asarray(w.masks[1]).shape == (3, 90, 160)
export_masks(w, "masks.npz")
export_masks(w, "overlay.mp4")
export_masks(w, "coco.json", format="coco")
w.panel.close()
w.close()

predictor = VideoPredictor(load_model("nano", "cpu"), CLIP)
predictor.add_points(0, 1, [[80, 45]], [1])
assert len(list(predictor.propagate())) == 3

try:
    open_video("http://127.0.0.1:9/film.mp4")
except VideoError as error:
    assert "sam2widget[remote]" in str(error), error
else:
    raise AssertionError("a URL was opened without fsspec")
