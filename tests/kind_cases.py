"""What the tests of preconditioner contract share."""

import numpy as np

from pisa_lab._array import to_numpy
from pisa_lab.state import leaves


def host(tree):
    return [np.array(to_numpy(leaf)) for _, leaf in leaves(tree) if hasattr(leaf, "ndim")]
