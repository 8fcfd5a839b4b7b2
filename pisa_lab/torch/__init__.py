"""PISA, SISA and NSISA as `torch.optim.Optimizer`s: the core's equations on torch's parameters.

One difference: of what is no matrix the core's NSISA takes the momentum itself, this one leaves it to SISA's rule.
"""

from pisa_lab.torch._clients import message_error
from pisa_lab.torch._curvature import gauss_newton_product, hessian_product
from pisa_lab.torch._groups import parameter_groups
from pisa_lab.torch._hook import client_hook
from pisa_lab.torch._named import NSISA, SISA
from pisa_lab.torch._optimizer import PISA

__all__ = [
    "NSISA",
    "PISA",
    "SISA",
    "client_hook",
    "gauss_newton_product",
    "hessian_product",
    "message_error",
    "parameter_groups",
]
