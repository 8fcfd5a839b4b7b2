"""SISA as published across silos under Flower, whose stock FedAvg is the consensus step.

pip install -e '.[lab,torch,flower]'
python -m problems.deep.examples.federated
"""
# mypy: allow-untyped-decorators

import sys

import torch

try:
    from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp
    from flwr.serverapp import Grid, ServerApp
    from flwr.serverapp.strategy import FedAvg
    from flwr.simulation import run_simulation
except ModuleNotFoundError as error:
    sys.exit(f"federated: needs {error.name}; pip install -e '.[flower]'")
from torch.nn.functional import cross_entropy

from pisa_lab.torch import SISA
from problems.deep.examples.silos import accuracy, network, packed, part, silo_round, unpack

SILOS, ROUNDS = 3, 30
client, server = ClientApp(), ServerApp()


@client.train()
def train(message: Message, context: Context) -> Message:
    """Return the model after one step; the multipliers are kept in this silo's own context."""
    torch.set_num_threads(1)
    images, labels = part(int(context.node_config["partition-id"]), SILOS)
    model = network()
    optimizer = SISA.published(model.parameters(), lr=1.0, rho=100.0)
    if "sisa" in context.state:
        unpack(optimizer, context.state["sisa"].to_torch_state_dict())

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(model(images), labels)
        torch.autograd.backward(loss)
        return loss

    reply = silo_round(model, optimizer, message.content["arrays"].to_torch_state_dict(), closure)
    context.state["sisa"] = ArrayRecord(packed(optimizer))
    # FedAvg weighs the models by this number, under this name.
    size = MetricRecord({"num-examples": len(images)})
    return Message(RecordDict({"arrays": ArrayRecord(reply), "metrics": size}), reply_to=message)


@server.main()
def main(grid: Grid, context: Context) -> None:
    """Run the rounds and say how well the consensus does."""
    strategy = FedAvg(fraction_evaluate=0.0, min_train_nodes=SILOS, min_available_nodes=SILOS)
    start = ArrayRecord(network().state_dict())
    result = strategy.start(grid=grid, initial_arrays=start, num_rounds=ROUNDS)
    model = network()
    model.load_state_dict(result.arrays.to_torch_state_dict())
    sys.stdout.write(f"{SILOS} silos, {ROUNDS} rounds: test accuracy {accuracy(model):.3f}\n")


if __name__ == "__main__":
    run_simulation(server_app=server, client_app=client, num_supernodes=SILOS)
