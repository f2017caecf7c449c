"""The network that every style starts from: `train.py --init base`."""
