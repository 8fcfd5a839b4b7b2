"""Silos that take one step of an ordinary SISA each: the weighted mean of their models is the server's half."""

import itertools

import pytest
import torch
from torch_clients_cases import METHODS, SIZES, closure, distance, flat, model, virtual

from problems.deep.examples.silos import accuracy, network, packed, part, silo_round, unpack

SILOS, ROUNDS = 3, 30


def plain_mean(replies):
    """Return the mean of (model, samples) pairs."""
    total = sum(samples for _, samples in replies)
    return {name: sum(reply[name] * samples for reply, samples in replies) / total for name in replies[0][0]}


def flowers_mean(replies):
    """Return the same by the strategy of the framework, as it stands."""
    flwr = pytest.importorskip("flwr", reason="the extra `flower`")
    from flwr.server.strategy import FedAvg

    common = flwr.common
    results = [
        (
            None,
            common.FitRes(
                status=common.Status(common.Code.OK, ""),
                parameters=common.ndarrays_to_parameters([value.numpy() for value in reply.values()]),
                num_examples=samples,
                metrics={},
            ),
        )
        for reply, samples in replies
    ]
    found, _ = FedAvg().aggregate_fit(1, results, [])
    return dict(zip(replies[0][0], map(torch.from_numpy, common.parameters_to_ndarrays(found)), strict=True))


@pytest.mark.parametrize("mean", [plain_mean, flowers_mean])
@pytest.mark.parametrize("method", ["pisa", "sisa", "nsisa"])
def test_the_mean_of_the_replies_is_the_consensus(mean, method):
    shared, contexts = model().state_dict(), [{} for _ in range(SILOS)]
    for _ in range(ROUNDS):
        replies = []
        for silo in range(SILOS):
            # As in a framework: a new model and optimiser every round, the multipliers from the silo's own storage.
            net = model()
            optimizer = METHODS[method](net.parameters())
            unpack(optimizer, contexts[silo])
            reply = silo_round(net, optimizer, shared, closure(net, optimizer, silo))
            contexts[silo] = packed(optimizer)
            replies.append((reply, SIZES[silo]))
        shared = mean(replies)
    expected, other = virtual(method, SILOS, rounds=ROUNDS)
    assert distance(torch.cat([value.flatten() for value in shared.values()]), flat(expected)) < 1e-11
    multipliers = other.state[expected[0].weight]["multiplier"]
    for silo, multiplier in enumerate(multipliers):
        torch.testing.assert_close(contexts[silo]["0.multiplier"], multiplier, rtol=0, atol=1e-11)


@pytest.mark.parametrize("method", ["metric", "server"])
def test_a_metric_needs_a_server_that_knows_it(method):
    """The mean of models that each divided by its own D is not the consensus."""
    net = model()
    optimizer = METHODS[method](net.parameters())
    with pytest.raises(ValueError, match=r"^optimizer: metric="):
        silo_round(net, optimizer, net.state_dict(), closure(net, optimizer, 0))


def test_the_parts_are_all_digits_once_and_differ_in_their_classes():
    parts = [part(silo, SILOS) for silo in range(SILOS)]
    assert sum(len(labels) for _, labels in parts) == 1797 - 360
    shares = [torch.bincount(labels, minlength=10) / len(labels) for _, labels in parts]
    assert all(float((a - b).abs().sum()) > 1 for a, b in itertools.pairwise(shares))
    assert accuracy(network()) < 0.3
