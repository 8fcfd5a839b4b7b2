"""Parameter groups for NSISA from a model's modules."""

import pytest
import torch
from torch import nn

from pisa_lab.torch import NSISA, parameter_groups


class Language(nn.Module):
    """A small language model whose output is tied to its embedding, with what such models have beside matrices."""

    def __init__(self, tied=True):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(11, 6), nn.Embedding(5, 6)
        self.attention = nn.MultiheadAttention(6, 2)
        self.norm = nn.LayerNorm((5, 6))
        self.up, self.down = nn.Linear(6, 24), nn.Linear(24, 6)
        self.token, self.experts = nn.Parameter(torch.zeros(1, 1, 6)), nn.Parameter(torch.zeros(3, 6, 6))
        self.reader = nn.Linear(6, 11, bias=False)
        if tied:
            self.reader.weight = self.wte.weight


def names(group):
    return {name for name, _ in group["params"]}


def test_language_model_by_its_modules():
    """The tied output is found by its embedding; the last linear layer otherwise; norms and stacks are no matrices."""
    inner = {"attention.in_proj_weight", "attention.out_proj.weight", "up.weight", "down.weight"}
    chosen, rest = parameter_groups(Language())
    assert names(chosen) == inner
    assert {"wte.weight", "wpe.weight", "norm.weight", "token", "experts", "up.bias"} <= names(rest)
    assert len(chosen["params"]) + len(rest["params"]) == len(list(Language().parameters()))
    chosen, rest = parameter_groups(Language(tied=False))
    assert names(chosen) == inner
    assert "reader.weight" in names(rest)


def test_convolutional_network_by_its_modules():
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.ConvTranspose1d(8, 4, 2),
        nn.Conv2d(8, 8, 3, groups=8),
        nn.Linear(8, 1),
        nn.Linear(8, 10),
    )
    chosen, rest = parameter_groups(model)
    # "4" has one row, "5" is the output.
    assert names(chosen) == {"0.weight", "2.weight", "3.weight"}
    assert {"1.weight", "4.weight", "5.weight", "5.bias"} <= names(rest)


def test_output_is_what_one_says():
    model = nn.ModuleDict({"classifier": nn.Linear(4, 3), "inner": nn.Linear(4, 4), "last": nn.Linear(4, 4)})
    # A layer that says it is the output keeps "auto" from guessing the one registered last.
    assert names(parameter_groups(model)[0]) == {"inner.weight", "last.weight"}
    assert names(parameter_groups(model, output="inner")[0]) == {"last.weight"}
    assert names(parameter_groups(model, output=model["last"])[0]) == {"inner.weight"}
    plain = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    assert names(parameter_groups(plain, output=None)[0]) == {"0.weight", "1.weight"}
    for wrong in ("nowhere", nn.Linear(4, 4)):
        with pytest.raises(ValueError, match=r"^output: .* is not a module"):
            parameter_groups(model, output=wrong)


def test_groups_carry_keys_and_leave_out_what_is_frozen_or_empty():
    model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 6), nn.Linear(6, 2))
    model[1].weight.requires_grad_(False)
    chosen, rest = parameter_groups(model, matrices={"lr": 0.02}, elementwise={"lr": 0.5, "weight_decay": 0.0})
    assert names(chosen) == {"0.weight"}
    assert (chosen["lr"], rest["lr"], rest["weight_decay"]) == (0.02, 0.5, 0.0)
    assert "1.weight" not in names(rest)
    assert len(parameter_groups(nn.BatchNorm1d(3))) == 1


def test_a_lazy_model_must_have_run():
    model = nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 2))
    with pytest.raises(ValueError, match=r"^model: 0\.weight has no shape yet"):
        parameter_groups(model)
    model(torch.zeros(1, 4))
    # The rule names what is left of it: the first layer's matrix.
    assert names(parameter_groups(model)[0]) == {"0.weight"}


def test_optimiser_takes_the_groups():
    """State tells what each parameter became, and names travel into the state dict."""
    model = Language()
    optimizer = NSISA.published(parameter_groups(model), 0.02)
    for param in model.parameters():
        param.grad = torch.randn_like(param)
    optimizer.step()
    became = {name: "momentum" in optimizer.state[param] for name, param in model.named_parameters()}
    assert {name for name, matrix in became.items() if matrix} == names(parameter_groups(model)[0])
    assert optimizer.state_dict()["param_groups"][0]["param_names"][0] == "attention.in_proj_weight"


def test_names_alone_do_not_tell_every_output():
    """`named_parameters` knows embeddings and norms by name, but not that "reader" is the output."""
    model = Language(tied=False)
    optimizer = NSISA.published(model.named_parameters(), 0.02)
    for param in model.parameters():
        param.grad = torch.randn_like(param)
    optimizer.step()
    matrices = {name for name, param in model.named_parameters() if "momentum" in optimizer.state[param]}
    assert matrices == {
        *("attention.in_proj_weight", "attention.out_proj.weight", "up.weight", "down.weight"),
        "reader.weight",
    }
