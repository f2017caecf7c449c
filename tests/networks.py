"""Networks that look trained: their parameters are no longer those they began with."""

import torch
from torch import nn

from impasto.models.transform_net import TransformNet


def trained(*, width: int = 4) -> TransformNet:
    torch.manual_seed(0)
    net = TransformNet(width=width, residual_blocks=1)
    for parameter in net.parameters():
        nn.init.normal_(parameter, mean=0.1, std=0.3)
    return net.eval()
