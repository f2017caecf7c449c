"""A style applied, by ONNX Runtime or OpenVINO. No torch here."""
