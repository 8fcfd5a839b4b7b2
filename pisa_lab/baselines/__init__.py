"""What PISA is compared with: gradient methods on the server, federated averaging, exact consensus ADMM."""

from pisa_lab.baselines.exact_admm import ExactADMM
from pisa_lab.baselines.fedavg import FedAvg
from pisa_lab.baselines.fedsgd import FedSGD

__all__ = ["ExactADMM", "FedAvg", "FedSGD"]
