"""Gatys' method: the pixels of one picture are optimized. The baseline."""
