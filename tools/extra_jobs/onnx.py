"""A network as ONNX files, which ONNX Runtime loads."""

from pathlib import Path

import onnxruntime

from sam2_backend import export_onnx, load_model

export_onnx(load_model("nano", "cpu"), Path("nano"))
for path in Path("nano").glob("*.onnx"):
    assert onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).get_inputs()
