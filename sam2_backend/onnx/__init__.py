"""The network as ONNX files, for runtimes other than PyTorch."""
