"""A tracker of transformers, tiny and of random weights, follows a click."""

import numpy as np

from sam2widget import Sam2Widget
from tests.support.hugging_face import make_tracker, need_transformers

need_transformers()
make_tracker("sam2_video").save_pretrained("tiny")
clip = np.random.default_rng(0).integers(0, 256, (3, 60, 96, 3), np.uint8)
w = Sam2Widget(clip, "hf:./tiny", autosave=False)
w.add_point(0, 40, 30)
w.propagate()
assert np.asarray(w.masks[1]).shape == (3, 60, 96)
w.close()
