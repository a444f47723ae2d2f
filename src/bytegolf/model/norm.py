"""RMS norm without learned weights."""

from torch import Tensor
from torch.nn import functional as F

EPSILON = 1.1920929e-7  # float32's, whatever the input's dtype: what the baseline computes in effect


def rms_norm(x: Tensor) -> Tensor:
    """Return x divided by the root of its mean square along the last axis."""
    return F.rms_norm(x, x.shape[-1:], eps=EPSILON)
