"""A widget that has what a page needs to decode masks: a program, and the model's decoder."""

import numpy as np
import sam2widget_decoder

from sam2widget import Sam2Widget

w = Sam2Widget(np.zeros((2, 90, 160, 3), np.uint8), "nano", autosave=False, browser_decoder=True)
w.wait_until_loaded()
read = w._session.read_decoder()
assert read is not None and b"mask_input" in read()
assert (sam2widget_decoder.FOLDER / "runtime-webgpu.wasm.gz").stat().st_size > 1_000_000
