"""What users of other optimisers reported: states of another shape, other default devices, clients of unlike data."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from pisa_lab.torch import NSISA, PISA, SISA, parameter_groups
from problems import heterogeneity


def stepped(shape, **settings):
    param = nn.Parameter(torch.randn(shape))
    optimizer = SISA.published([param], **settings)
    param.grad = torch.randn(shape)
    optimizer.step()
    return param, optimizer


@pytest.mark.parametrize("settings", [{}, {"compiled": True}, {"foreach": True}, {"foreach": False}], ids=str)
@pytest.mark.parametrize(("saved", "loaded"), [((4, 3), (6, 3)), ((6, 3), (4, 3)), ((4, 3), (4, 1)), ((3,), (4, 3))])
def test_a_state_of_another_shape_is_refused_when_it_is_loaded(settings, saved, loaded):
    _, optimizer = stepped(saved, **settings)
    other = SISA.published([nn.Parameter(torch.randn(loaded))], **settings)
    with pytest.raises(ValueError, match=r"^state_dict: m\w+ has shape \(.*\), its parameter \("):
        other.load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize("settings", [{}, {"compiled": True}, {"foreach": True}, {"foreach": False}], ids=str)
@pytest.mark.parametrize("clients", [1, 2])
def test_a_parameter_that_changed_its_shape_is_refused_at_the_step(settings, clients):
    param = nn.Parameter(torch.randn(4, 3))
    optimizer = PISA([param], clients=clients, preconditioner="second-moment", **settings)

    def evaluate():
        param.grad = torch.ones_like(param)

    def step():
        optimizer.step([evaluate] * clients if clients > 1 else evaluate)

    step()
    param.data = torch.randn(6, 3)
    with pytest.raises(ValueError, match=r"shape \(6, 3\), its state \(4, 3\)"):
        step()
    assert torch.isfinite(param).all()


@pytest.mark.parametrize("settings", [{}, {"foreach": True}, {"foreach": False}], ids=str)
@pytest.mark.parametrize("kind", [PISA, SISA, NSISA, SISA.published, NSISA.published])
@pytest.mark.parametrize("clients", [1, 2])
def test_another_default_device_changes_nothing(kind, settings, clients):
    ends = []
    for device in ("cpu", "meta"):
        param = nn.Parameter(torch.arange(6.0).reshape(2, 3) - 2)
        optimizer = kind([param], clients=clients, **settings)

        def evaluate(param=param):
            param.grad = torch.cos(param.detach())

        with torch.device(device):
            for _ in range(3):
                optimizer.step([evaluate] * clients if clients > 1 else evaluate)
        assert float(optimizer.state[param]["step"]) == 3
        ends.append(param.detach().clone())
    assert torch.equal(*ends)
    assert not torch.equal(ends[0], torch.arange(6.0).reshape(2, 3) - 2)


def skewed(method, *, rounds=150, clients=10):
    """Return the training loss on digits, one digit a client, after full-gradient rounds."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    parts = heterogeneity.partition("label:1", y, clients, seed=0).parts
    features, labels = torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = method(net, [len(part) for part in parts])

    def closure(part):
        def evaluate():
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features[part]), labels[part])
            loss.backward()
            return loss

        return evaluate

    closures = [closure(torch.as_tensor(np.asarray(part))) for part in parts]
    for _ in range(rounds):
        optimizer.step(closures)
    return float(nn.functional.cross_entropy(net(features), labels).detach())


def test_sisa_with_its_defaults_trains_clients_that_see_one_label_each():
    default = skewed(lambda net, sizes: SISA.published(net.parameters(), clients=10, weights=sizes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unclipped = skewed(lambda net, sizes: SISA.published(net.parameters(), clients=10, weights=sizes, clip=None))
    assert default < 0.3
    assert unclipped > 2 * default


def test_the_repaired_methods_train_clients_that_see_one_label_each():
    """Where each client orthogonalises nothing is learnt (ln 10 = 2.3); one Newton–Schulz on the server learns.

    .032, .076, 2.02 and, with no constant given at all, .061 when this was written.
    """
    ends = {
        "sisa": skewed(lambda net, sizes: SISA(net.parameters(), lr=0.01, clients=10, weights=sizes)),
        "nsisa": skewed(lambda net, sizes: NSISA(parameter_groups(net), clients=10, weights=sizes)),
        "published": skewed(lambda net, sizes: NSISA.published(parameter_groups(net), clients=10, weights=sizes)),
        "auto": skewed(lambda net, sizes: PISA(net.parameters(), penalty="auto", clients=10, weights=sizes)),
    }
    assert max(ends["sisa"], ends["nsisa"], ends["auto"]) < 0.15, ends
    assert ends["published"] > 1.5, ends


def test_a_heavy_q_without_a_clip_is_warned_of_once():
    with pytest.warns(UserWarning, match=r"ρQ/σ reaches .* with 10 clients; above 10 .* clip of 10σ/ρ = 0\.01") as seen:
        skewed(lambda net, sizes: SISA.published(net.parameters(), clients=10, weights=sizes, clip=None), rounds=9)
    assert len(seen) == 1


def test_the_default_clip_is_for_several_clients_and_follows_sigma_and_rho():
    from pisa_lab.torch._settings import rule_of

    def clip(kind=SISA.published, **settings):
        return rule_of(kind([nn.Parameter(torch.zeros(2, 2))], **settings).param_groups[0]).clip

    assert clip() is None
    assert clip(clients=2) == pytest.approx(0.01)
    assert clip(clients=2, penalty=3.0, rho=6.0) == pytest.approx(5.0)
    assert clip(clients=2, rho=0.0) is None
    assert clip(clients=2, clip=None) is None
    assert clip(clients=2, clip=0.5) == 0.5
    assert clip(PISA, clients=2) is None
    assert clip(SISA, clients=2) is None
    assert clip(NSISA.published, clients=2) == pytest.approx(10.0)
    with pytest.raises(ValueError, match=r"^clip: "):
        clip(clip="none")


@pytest.mark.slow
def test_sisa_with_its_defaults_trains_adult_split_by_label():
    from problems import datasets

    data = datasets.load("a9a")
    labels, test = (np.asarray(part > 0).astype(int) for part in (data.train_y, data.test_y))
    parts = heterogeneity.partition("label:1", labels, 4, seed=0).parts
    features, other = (torch.tensor(np.asarray(part), dtype=torch.float32) for part in (data.train_x, data.test_x))
    torch.manual_seed(1)
    sizes = (123, 32, 16, 8, 2)
    layers = [nn.Linear(*pair) for pair in itertools.pairwise(sizes)]
    for layer in layers:
        nn.init.normal_(layer.weight, 0, 0.1)
        nn.init.constant_(layer.bias, 0.1)
    net = nn.Sequential(*(piece for layer in layers for piece in (layer, nn.ReLU())))[:-1]
    optimizer = SISA.published(net.parameters(), clients=4, weights=[len(part) for part in parts])

    def closure(part):
        x, y = features[part], torch.tensor(labels[part])

        def evaluate():
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            return loss

        return evaluate

    closures = [closure(np.asarray(part)) for part in parts]
    for _ in range(500):
        optimizer.step(closures)
    accuracy = float((net(other).argmax(1).numpy() == test).mean())
    # .8496, .8526 and .8515 with the seeds 0, 1 and 2; the untuned method without a clip ends at .76.
    assert accuracy >= 0.84
