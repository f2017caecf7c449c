"""A trained network becomes an ONNX file that is checked against it."""
