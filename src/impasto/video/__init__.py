"""Films and cameras: decode, stylize without flicker, encode, all at once. No torch."""
