"""PISA, SISA and NSISA as `torch.optim.Optimizer`s: the core's equations on torch's parameters.

By default they are the repaired methods: `SISA(params, lr=2e-3)` is SISA in a metric, at Adam's rates;
`NSISA(parameter_groups(model), lr=0.02)` orthogonalises once a round, on the server, at Muon's; `PISA(params, lr=0.1)`
is gradient descent with a scalar momentum and a look ahead. The methods as published are `SISA.published(params,
lr=0.5)` and `NSISA.published(params, lr=0.02)`; with ``elementwise="momentum", elementwise_lr=1, elementwise_rho=None``
the latter is the core's to rounding. Checkpoints of one are refused by the other, in words.
"""

from pisa_lab.torch._clients import message_error
from pisa_lab.torch._curvature import gauss_newton_product, hessian_product
from pisa_lab.torch._groups import parameter_groups
from pisa_lab.torch._hook import client_hook
from pisa_lab.torch._local_mean import local_mean
from pisa_lab.torch._nsisa import NSISA
from pisa_lab.torch._optimizer import PISA
from pisa_lab.torch._sisa import SISA

__all__ = [
    "NSISA",
    "PISA",
    "SISA",
    "client_hook",
    "gauss_newton_product",
    "hessian_product",
    "local_mean",
    "message_error",
    "parameter_groups",
]
