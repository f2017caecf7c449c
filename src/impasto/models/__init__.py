"""The networks, and where the weights of the encoders come from."""
