"""A network is written as ONNX files, and one of them runs."""

import numpy as np
import onnxruntime

from sam2_backend import export_onnx, load_model

path = export_onnx(load_model("nano", "cpu", image_size=64), "exported", parts=["image_encoder"])
session = onnxruntime.InferenceSession(path.parent / "image_encoder.onnx")
features = session.run(None, {"pixels": np.zeros((1, 3, 64, 64), np.float32)})
assert [one.shape[2] for one in features] == [4, 4, 8, 16]
