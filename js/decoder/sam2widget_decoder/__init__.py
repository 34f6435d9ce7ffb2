"""What sam2widget needs to decode masks in the browser: a bundle, and ONNX Runtime as WASM."""

from pathlib import Path

FOLDER = Path(__file__).parent / "static"
"""Where `decoder.js` and `runtime.wasm.gz` are."""
