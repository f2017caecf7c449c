"""Photographs and paintings: where they are found, how they become batches."""
