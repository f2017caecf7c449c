"""From settings, painting and encoder to the module that learns."""

import torch

from impasto.budget import Budget
from impasto.module import FastStyle
from impasto.net import TransformNet
from impasto.parameters import initialise
from impasto.sources import NONE, Sources, build_loss


def build_module(sources: Sources) -> FastStyle:
    """The network, new or initialised, and the loss that it learns by.

    Raises:
        InputError: a network to begin with that does not exist or does not fit.
    """
    settings = sources.settings
    loss = build_loss(settings, sources.weights)
    net = TransformNet(width=settings.width, design=settings.design, upsampling=settings.upsampling)
    if settings.init not in (None, NONE):
        initialise(net, str(settings.init))
    return FastStyle(
        net=net.to(memory_format=torch.channels_last),
        loss=loss,
        style=sources.style,
        budget=Budget(steps=settings.steps, minutes=settings.minutes),
        optimizer=settings.optimizer,
        lr=settings.lr,
        warmup=settings.warmup,
        schedule=settings.schedule,
        shift=settings.shift,
    )
