"""The perceptual loss, the one place in which training and Gatys' method meet."""
