"""What virtual clients keep: saved, loaded, copied, on tensors of every kind."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch_clients_cases import METHODS, closure, flat, model, virtual

from pisa_lab.torch import NSISA, SISA


def some_rounds(net, optimizer, rounds=3):
    for _ in range(rounds):
        optimizer.step([closure(net, optimizer, client) for client in range(3)])
    return flat(net)


@pytest.mark.parametrize("method", METHODS)
def test_a_saved_state_goes_on_bit_for_bit(method, tmp_path):
    net, optimizer = virtual(method, 3, rounds=4)
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "run.pt")
    expected = some_rounds(net, optimizer)
    stored = torch.load(tmp_path / "run.pt", weights_only=True)
    fresh = model()
    restored = METHODS[method](fresh.parameters(), clients=3, weights=(8, 5, 11))
    fresh.load_state_dict(stored["net"])
    restored.load_state_dict(stored["optimizer"])
    assert torch.equal(some_rounds(fresh, restored), expected)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_copies_go_on_on_their_own(copied):
    net, optimizer = virtual("sisa", 3, rounds=4)
    twin, other = copied((net, optimizer))
    assert torch.equal(some_rounds(twin, other), some_rounds(net, optimizer))


def test_a_state_says_whose_it_is_and_is_refused_by_others():
    _, three = virtual("sisa", 3, rounds=1)
    _, one = virtual("sisa", 1, rounds=1)
    saved = three.state_dict()
    assert all(state["client"].tolist() == [0, 1, 2] for state in saved["state"].values())
    assert all("client" not in state for state in three.state.values())
    for clients, given, message in (
        (2, saved, "state_dict: saved with clients=3, this optimiser has 2"),
        (1, saved, "state_dict: saved with clients, and this optimiser has none"),
        (3, one.state_dict(), "state_dict: saved without clients"),
    ):
        net = model()
        optimizer = SISA.published(net.parameters(), 0.1, clients=clients)
        with pytest.raises(ValueError, match=f"^{message}"):
            optimizer.load_state_dict(given)
        assert not optimizer.state


def kinds():
    generator = torch.Generator().manual_seed(0)
    return {
        "float32": torch.randn(3, 4, generator=generator),
        "float64": torch.randn(5, generator=generator, dtype=torch.float64),
        "bfloat16": torch.randn(4, 3, generator=generator).bfloat16(),
        "complex": torch.randn(2, 3, generator=generator, dtype=torch.complex128),
        "0-d": torch.randn((), generator=generator, dtype=torch.float64),
        "zero-size": torch.zeros(0, 3),
        "transposed": torch.randn(3, 4, generator=generator).t(),
        "channels last": torch.randn(2, 3, 4, 4, generator=generator).to(memory_format=torch.channels_last),
        "strided": torch.randn(3, 8, generator=generator)[:, ::2],
    }


MAKERS = {
    "published": lambda params, **given: SISA.published(params, 0.3, rho=2.0, clip=1e6, **given),
    "metric": lambda params, **given: SISA(params, 0.03, momentum=0.5, **given),
    "server": lambda params, **given: NSISA(params, 0.03, momentum=0.5, orthogonal=False, **given),
}


@pytest.mark.parametrize("method", MAKERS)
@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("maximize", [False, True])
def test_two_equal_clients_are_one_on_tensors_of_every_kind(kind, maximize, method):
    start = kinds()[kind]
    gradients = [
        torch.sin(3 * start.to(torch.complex128 if kind == "complex" else torch.float64) + k) for k in range(4)
    ]
    params = [nn.Parameter(start.clone(memory_format=torch.preserve_format)) for _ in range(2)]
    settings = {"weight_decay": 0.1, "maximize": maximize}
    alone = MAKERS[method]([params[0]], **settings)
    several = MAKERS[method]([params[1]], clients=2, weights=(1, 3), **settings)
    for gradient in gradients:

        def give(gradient=gradient):
            params[1].grad = gradient.to(start.dtype)

        params[0].grad = gradient.to(start.dtype)
        alone.step()
        several.step([give, give])
    kept = several.state[params[1]]["multiplier"]
    assert kept.shape == (2, *alone.state[params[0]]["multiplier"].shape)
    assert kept.dtype == alone.state[params[0]]["multiplier"].dtype
    assert kept[0].stride() == alone.state[params[0]]["multiplier"].stride()
    # ¼u + ¾u for u: a few roundings of the type.
    torch.testing.assert_close(params[1], params[0], rtol=0, atol=20 * torch.finfo(start.real.dtype).eps)
    assert kind == "zero-size" or not torch.equal(params[0], start)


def test_schedulers_and_tensor_rates_move_all_clients():
    results = []
    for rate in (0.4, torch.tensor(0.4)):
        net = model()
        optimizer = SISA.published(net.parameters(), rate, clients=3)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        for _ in range(3):
            optimizer.step([closure(net, optimizer, client) for client in range(3)])
            scheduler.step()
        assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(0.05)
        results.append(flat(net))
    # 0.4 as a float32 tensor is 0.4 + 6e-9.
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=1e-7)


def test_a_sparse_gradient_is_an_error():
    embedding = nn.Embedding(4, 2, sparse=True)
    optimizer = SISA.published(embedding.parameters(), 0.1, clients=2)

    def evaluate():
        optimizer.zero_grad()
        embedding(torch.tensor([1])).sum().backward()

    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        optimizer.step([evaluate, evaluate])
