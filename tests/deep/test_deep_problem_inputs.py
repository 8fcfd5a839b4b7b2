"""What a deep problem is made of: refusals that name the argument, and a user's model that nobody touches."""

import copy

import numpy as np
import pytest
import torch
from deep_problem_cases import PARTS, build, mlp, model
from torch import nn
from torch.nn import functional

from pisa_lab import run, sisa
from problems.deep.problem import deep_problem, load

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 5)), RNG.integers(3, size=20)


class Noisy(nn.Linear):
    def forward(self, rows):
        return super().forward(rows) + torch.randn(len(rows), 1)


class Centred(nn.Linear):
    def forward(self, rows):
        return super().forward(rows - rows.mean(dim=0))


class Counting(nn.Linear):
    def __init__(self):
        super().__init__(5, 3)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, rows):
        self.seen += len(rows)
        return super().forward(rows)


class Pair(nn.Linear):
    def forward(self, rows):
        return super().forward(rows), rows


def mixed():
    module = mlp()
    module[0].double()
    return module


def frozen():
    return mlp().requires_grad_(False)


def broken():
    module = mlp()
    module[0].weight.data[0, 0] = torch.nan
    return module


def huge():
    module = mlp()
    module[2].weight.data.fill_(3e38)
    return module


def summed(outputs, targets):
    return functional.cross_entropy(outputs, targets, reduction="sum")


def accuracy(outputs, targets):
    return (outputs.argmax(dim=-1) == targets).float()


BAD = [
    ({"model": lambda rows: rows}, "model: function is not a torch.nn.Module"),
    ({"model": nn.Tanh()}, "model: no trainable parameter"),
    ({"model": frozen()}, "model: no trainable parameter"),
    ({"model": mixed()}, "model: parameters of several types, torch.float32, torch.float64"),
    ({"model": nn.Linear(5, 3, dtype=torch.bfloat16)}, "dtype: 'torch.bfloat16' is not one of torch.float32"),
    ({"model": nn.Linear(5, 3, dtype=torch.complex64)}, "model: parameter 'weight' is complex"),
    ({"model": broken()}, "model: parameter '0.weight' contains NaN"),
    ({"model": huge()}, "model: its outputs contain NaN or infinity"),
    ({"model": nn.Sequential(mlp(), nn.Dropout(0.1))}, r"model: '1' drops out at random; call model.eval\(\)"),
    ({"model": nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3))}, "model: a pass changes its buffer '1.running_mean'"),
    (
        {"model": nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3, track_running_stats=False)).eval()},
        "model: does not take one row",
    ),
    ({"model": Centred(5, 3)}, "model: the outputs of a row depend on the rows beside it"),
    ({"model": Noisy(5, 3)}, "model: two passes over the same rows differ"),
    ({"model": Counting()}, "model: a pass changes its buffer 'seen'"),
    ({"model": Pair(5, 3)}, "model: returns tuple for 8 rows"),
    ({"model": nn.Sequential(nn.Linear(5, 3), nn.Flatten(0))}, r"model: returns torch.float32 \(24,\) for 8 rows"),
    ({"model": nn.Linear(4, 3)}, r"model: does not take inputs of shape \(8, 5\)"),
    ({"loss": summed}, "loss: .* for 8 rows, .* in the mean of the rows alone"),
    ({"loss": nn.CrossEntropyLoss(torch.tensor([1.0, 5.0, 2.0]))}, "loss: .* must be a mean over rows, without class"),
    ({"loss": functional.mse_loss}, "loss: does not take outputs of shape"),
    ({"loss": accuracy}, "loss: has no gradient"),
    ({"inputs": np.where(np.eye(20, 5), np.nan, 0.0)}, "inputs: contains NaN"),
    ({"inputs": np.ones((0, 5))}, r"inputs: shape \(0, 5\) must be \(rows, …\)"),
    ({"inputs": [["a"]]}, "inputs: not a tensor of numbers"),
    ({"targets": Y[:-1]}, "targets: 19 entries for 20 rows of inputs"),
    ({"targets": 1.0}, r"targets: shape \(\) must be"),
    ({"parts": []}, "parts: empty"),
    ({"parts": [[0, 1], []]}, "parts: a client with shape"),
    ({"parts": [[0, 20]]}, "parts: row numbers must be whole, from 0 to 19"),
    ({"weights": [0.5, 0.5]}, "weights: 2 of them for 1 clients"),
    ({"weights": [0.9]}, "weights: sum to"),
    ({"ridge": -1.0}, "ridge: -1.0 must be >= 0"),
    ({"local_ridge": np.nan}, "local_ridge: nan"),
    ({"dtype": torch.int64}, "dtype: 'torch.int64' is not one of"),
    ({"chunk": 0}, "chunk: 0 must be a whole number"),
]


@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
@pytest.mark.parametrize(("change", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_what_is_wrong_is_named(change, message):
    arguments = {"model": mlp(), "loss": functional.cross_entropy, "inputs": X, "targets": Y, **change}
    with pytest.raises(ValueError, match="^" + message):
        deep_problem(**arguments)


def test_what_was_refused_is_taken_in_eval_mode():
    for module in (
        nn.Sequential(mlp(), nn.Dropout(0.1)),
        nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3)),
        nn.Sequential(nn.Linear(5, 4), nn.Unflatten(1, (1, 4)), nn.GRU(4, 3, 2, dropout=0.5, batch_first=True), Last()),
    ):
        problem = deep_problem(module.eval(), functional.cross_entropy, X, Y)
        assert torch.isfinite(problem.client_grad(problem.initial[None])).all()
    assert deep_problem(mixed(), functional.cross_entropy, X, Y, dtype=torch.float64).initial.dtype == torch.float64


class Last(nn.Module):
    def forward(self, pair):
        return pair[0][:, -1]


def test_points_of_another_kind_are_refused():
    problem = build("mlp")
    for w, message in (
        (np.zeros((1, 57)), "^w: ndarray, but a deep problem takes torch tensors"),
        (torch.zeros(1, 57), r"^w: torch.float32 \(1, 57\) must be torch.float64 \(…, 57\)"),
        (torch.zeros(1, 56, dtype=torch.float64), r"^w: torch.float64 \(1, 56\)"),
    ):
        with pytest.raises(ValueError, match=message):
            problem.client_grad(w)
    with pytest.raises(ValueError, match=r"^v: torch\.float32"):
        problem.hvp(problem.initial[None], torch.zeros(1, 57))


def snapshot(module):
    return copy.deepcopy(module.state_dict()), [part.training for part in module.modules()]


def test_the_users_model_is_never_touched_and_may_go_on_changing():
    module = model("cnn")
    before, modes = snapshot(module)
    rows = torch.as_tensor(RNG.normal(size=(20, 1, 6, 6)))
    problem = deep_problem(module, functional.cross_entropy, rows, RNG.integers(4, size=20), PARTS)
    w = problem.initial[None]
    gradient = problem.client_grad(w)
    run(sisa(4.0), problem, steps=3, batches=4)
    after, still = snapshot(module)
    assert modes == still
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in module.parameters())
    module.train()
    module(rows)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert not torch.equal(module[1].running_mean, before["1.running_mean"])
    assert torch.equal(problem.client_grad(w), gradient)
    rows.zero_()
    assert torch.equal(problem.client_grad(w), gradient)


def test_frozen_and_tied_parameters_are_counted_as_they_are():
    module = mlp().requires_grad_(False)
    module[2].requires_grad_(True)
    problem = deep_problem(module, functional.cross_entropy, X, Y)
    assert problem.blocks == (("2.weight", (3, 6)), ("2.bias", (3,)))
    w = problem.initial
    assert torch.equal(w, torch.cat([module[2].weight.flatten(), module[2].bias]))
    tied = build("gpt")
    names = [name for name, _ in tied.blocks]
    assert "embedding.weight" in names
    assert "head.weight" not in names
    # The logits see a tied table, too: a change of a row that no token uses changes them.
    moved = tied.initial.clone()
    moved[:6] += 1.0
    tokens = torch.full((1, 5), 3)
    assert not torch.equal(tied.outputs(moved, tokens)[..., 0], tied.outputs(tied.initial, tokens)[..., 0])


def test_load_writes_a_point_into_a_model():
    problem, module = build("mlp"), model("mlp", seed=7).float()
    w = problem.initial + 1.0
    load(module, w)
    expected = problem.outputs(w, problem.inputs)
    # Seven digits of numbers of size ten.
    torch.testing.assert_close(module(problem.inputs.float()).double(), expected, rtol=1e-5, atol=1e-5)
    assert module[0].weight.dtype == torch.float32
    assert module[0].weight.requires_grad
    load(module, w.numpy())
    with pytest.raises(ValueError, match=r"^w: shape \(2, 57\) must be \(57,\)"):
        load(module, torch.stack([w, w]))
