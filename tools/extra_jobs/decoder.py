"""A widget that has what a page needs to decode masks: a program, and the model's decoder."""

import os

import numpy as np
import sam2widget_decoder

from sam2widget import Sam2Widget

# The decoder is exported here, not found where an earlier run has kept it.
os.environ["XDG_CACHE_HOME"] = os.getcwd()

w = Sam2Widget(np.zeros((2, 90, 160, 3), np.uint8), "nano", autosave=False, browser_decoder=True)
w.wait_until_loaded()
read = w._session.read_decoder()
assert read is not None and b"mask_input" in read()
assert (sam2widget_decoder.FOLDER / "runtime-webgpu.wasm.gz").stat().st_size > 1_000_000
