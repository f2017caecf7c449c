"""Learning a style: the Lightning module and what surrounds it."""
