"""The scale of the loss weights: factors that make published ones usable as they stand.

`loss_scale` multiplies the content and the style term of every layer by a factor, so that
weights published elsewhere can be used as they stand (layers are summed in all of them):

=============================================  ==============  ===========  ===================
weights from                                   loss_scale      content x    style x
=============================================  ==============  ===========  ===================
here: errors relative to the target            relative        1/mean P^2   1/mean A^2
here: plain means                              mean            1            1
Johnson et al. 2016, eq. 2 and 4               johnson         1            C^2
Gatys et al. 2016, eq. 1 and 4 (w_l by layer)  gatys           C*H*W/2      C^2/4
jcjohnson/fast-neural-style (nn.MSECriterion)  mean            1            1
pytorch/examples fast_neural_style             mean            1            1
=============================================  ==============  ===========  ===================

Two more factors lie in the features: Gatys' VGG-19 is rescaled to mean activation 1, jcjohnson's
Caffe weights see 0..255, as `vgg16-features` and `vgg19-features` do. Total variation is never
rescaled; jcjohnson's `tv_strength` s, half the sum of squares over N pictures in 0..255, is
s * 255^2/2 * N*C*H*W here.
`relative` is the default because one style weight then fits every encoder and painting; it is our
deviation from both papers.
"""

from typing import Literal

from torch import Tensor, finfo, float32

from impasto.losses.gram import at_least_float32

Term = Literal["content", "style"]
LossScale = Literal["relative", "mean", "johnson", "gatys"]
FAINT = 1e-16  # least energy of content: a photograph without any gives a finite loss
TINY = finfo(float32).tiny


def loss_scale_factor(term: Term, *, loss_scale: LossScale, target: Tensor) -> Tensor:
    """The factor of one layer's term in the table above.

    Args:
        term: which column.
        loss_scale: which row.
        target: content features (B, C, H, W) or style Grams (B, C, C).

    Returns:
        (B,), or (1,) where the factor is the same for every image.
    """
    target = at_least_float32(target)
    channels = target.shape[1]
    if loss_scale == "relative":
        energy = target.square().flatten(1).mean(dim=1)
        return 1 / energy.clamp_min(FAINT if term == "content" else TINY)
    if loss_scale == "gatys":
        factor = target[0].numel() / 2 if term == "content" else channels**2 / 4
    elif loss_scale == "johnson":
        factor = 1.0 if term == "content" else float(channels**2)
    else:
        factor = 1.0
    return target.new_full((1,), factor)
