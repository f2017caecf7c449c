"""Settings, as flags and as YAML. No torch here."""
