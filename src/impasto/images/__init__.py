"""Images as files: float32 RGB arrays in [0,1], whatever a file holds. No torch here."""
