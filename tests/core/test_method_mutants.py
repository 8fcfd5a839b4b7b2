"""Wrong methods, forty-odd of them: every one makes a claim lose its verdict, and none passes for a refutation."""

import sys

import pytest
from method_mutant_cases import BROKEN, METHOD_MUTANTS

from pisa_lab import sampling, updates
from proofs_check import table
from proofs_check.claim import Verdict
from proofs_check.measured import CLAIMS_MEASURED

pytestmark = pytest.mark.slow

ANY_STEP = ("N1-penalty-needed-in-runs",)
"""What holds of any client step, a broken one too: the search makes all of them safe, and has mutants of its own."""
REFUTED = [claim.name for claim in CLAIMS_MEASURED if claim.expected is Verdict.REFUTED and claim.name not in ANY_STEP]
TORCH = ["torch-steps-by-hand", "torch-clients-by-hand"]


@pytest.fixture(autouse=True)
def _fresh_draws():
    """Draws are kept by their names: what a wrong sampler drew must not outlive it, nor what the right one drew."""
    for kept in (sampling._drawn_block, sampling._permutation):
        kept.cache_clear()
    yield
    for kept in (sampling._drawn_block, sampling._permutation):
        kept.cache_clear()


def named(start):
    """Return the claim called ``start``, or the first whose name begins so."""
    found = [claim for claim in table.CLAIMS if claim.name.startswith(start)]
    return next((claim for claim in found if claim.name == start), found[0])


def inject(monkeypatch, where, what, wrong):
    """Replace an attribute, and the same object wherever a module of the project took it by name."""
    right = getattr(where, what)
    monkeypatch.setattr(where, what, wrong)
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] not in ("pisa_lab", "problems", "proofs_check"):
            continue
        for attribute, value in list(vars(module).items()):
            if value is right:
                monkeypatch.setattr(module, attribute, wrong)
            elif isinstance(value, dict):
                for key in [key for key, entry in value.items() if entry is right]:
                    monkeypatch.setitem(value, key, wrong)


def caught(start):
    return not named(start).run(0, "quick").as_expected


@pytest.mark.parametrize("mutant", METHOD_MUTANTS, ids=[mutant[0] for mutant in METHOD_MUTANTS])
def test_a_wrong_method_is_caught(monkeypatch, mutant):
    _, where, what, wrong, claims = mutant
    inject(monkeypatch, where, what, wrong)
    assert [start for start in claims if not caught(start)] == []


@pytest.mark.parametrize("start", sorted({start for mutant in METHOD_MUTANTS for start in mutant[4]}))
def test_the_right_method_is_not_caught(start):
    assert not caught(start)


def test_there_are_as_many_as_were_promised():
    assert len({mutant[0] for mutant in METHOD_MUTANTS}) == 44


def wrong_coefficients(monkeypatch):
    from pisa_lab.torch import _orthogonal

    monkeypatch.setattr(_orthogonal, "COEFFICIENTS", (1.875, -1.25, 0.375))


def unscaled_matrices(monkeypatch):
    from pisa_lab.torch import _momentum

    right = _momentum.orthogonalised

    def wrong(tensors, **settings):
        sides = [max(1.0, t.shape[0] / (t.numel() // t.shape[0])) ** 0.5 for t in tensors]
        return [o / side for o, side in zip(right(tensors, **settings), sides, strict=True)]

    monkeypatch.setattr(_momentum, "orthogonalised", wrong)


def change_rule(monkeypatch, change):
    import dataclasses

    from pisa_lab.torch import _settings

    right = _settings.rule_of

    def wrong(group):
        rule = right(group)
        return dataclasses.replace(rule, **change(rule))

    inject(monkeypatch, _settings, "rule_of", wrong)


def no_weight_decay(monkeypatch):
    change_rule(monkeypatch, lambda rule: {"ridge": 0.0})


def halved_clip(monkeypatch):
    change_rule(monkeypatch, lambda rule: {"clip": None if rule.clip is None else rule.clip / 2})


def sums_averaged(monkeypatch):
    change_rule(monkeypatch, lambda rule: {"scheme": "II" if rule.scheme == "I" else rule.scheme})


def no_default_clip(monkeypatch):
    from pisa_lab.torch import _settings

    right = _settings.clip_of
    inject(monkeypatch, _settings, "clip_of", lambda g, rho: None if g.get("clip") == "auto" else right(g, rho))


def equal_weights(monkeypatch):
    from pisa_lab.torch import _settings

    monkeypatch.setattr(_settings, "client_weights", lambda weights, count: (1.0,) * count)


def change_descent(monkeypatch, change):
    """Change the numbers of the server's step in a metric."""
    from pisa_lab.torch import _descent, _server

    def wrong(*engines):
        return {engine: lambda job, numbers, way=way: way(job, change(numbers)) for engine, way in engines}

    assert _descent.by_pieces in _server._WAYS.values()
    monkeypatch.setattr(_server, "_WAYS", wrong(*_server._WAYS.items()))


def uncorrected_metric(monkeypatch):
    change_descent(monkeypatch, lambda numbers: numbers._replace(scales=[1.0] * len(numbers.scales)))


def no_floor(monkeypatch):
    change_descent(monkeypatch, lambda numbers: numbers._replace(floor=0.0))


def no_maximum(monkeypatch):
    change_descent(
        monkeypatch, lambda numbers: numbers._replace(metric="ema" if numbers.metric == "max" else numbers.metric)
    )


def another_momentum_at_the_server(monkeypatch):
    from pisa_lab.torch import _metric, _round

    right = _metric.aggregate_gradients
    monkeypatch.setattr(
        _round, "aggregate_gradients", lambda group, *rest: right({**group, "momentum": group["momentum"] ** 2}, *rest)
    )


def newton_schulz_without_its_ridge(monkeypatch):
    import dataclasses

    from pisa_lab.torch import _server

    right = _server._along
    monkeypatch.setattr(_server, "_along", lambda g, p, m, rule: right(g, p, m, dataclasses.replace(rule, ridge=0.0)))


def no_clip_on_the_server(monkeypatch):
    from pisa_lab.torch import _server

    right = _server._length
    monkeypatch.setattr(_server, "_length", lambda pull, o, group: right(pull, o, {**group, "scale": "nuclear"}))


def unscaled_server(monkeypatch):
    from pisa_lab.torch import _server

    right = _server.orthogonalised
    monkeypatch.setattr(
        _server, "orthogonalised", lambda tensors, scaled, **settings: right(tensors, scaled=False, **settings)
    )


TORCH_MUTANTS = {
    "a metric without its bias correction": (uncorrected_metric, TORCH),
    "a metric without its floor": (no_floor, TORCH),
    "no maximum": (no_maximum, TORCH),
    "the server believes in another momentum": (another_momentum_at_the_server, TORCH[1:]),
    "Newton–Schulz without the ridge": (newton_schulz_without_its_ridge, TORCH),
    "a clipped step that is not": (no_clip_on_the_server, TORCH),
    "no √(rows/columns) on the server": (unscaled_server, TORCH),
    "other coefficients": (wrong_coefficients, TORCH),
    "no √(rows/columns)": (unscaled_matrices, TORCH),
    "no weight decay": (no_weight_decay, TORCH[:1]),
    "half the clip": (halved_clip, TORCH),
    "scheme II for I": (sums_averaged, TORCH),
    "no clip by default": (no_default_clip, TORCH[1:]),
    "equal weights": (equal_weights, TORCH[1:]),
}


@pytest.mark.parametrize("name", TORCH_MUTANTS)
def test_a_wrong_step_of_torch_is_caught(monkeypatch, name):
    pytest.importorskip("torch")
    break_it, claims = TORCH_MUTANTS[name]
    break_it(monkeypatch)
    assert [start for start in claims if not caught(start)] == []


@pytest.mark.parametrize("start", TORCH)
def test_the_right_step_of_torch_is_not_caught(start):
    pytest.importorskip("torch")
    assert not caught(start)


@pytest.mark.parametrize("name", REFUTED)
@pytest.mark.parametrize("way", BROKEN)
def test_a_broken_method_does_not_pass_for_a_refutation(monkeypatch, way, name):
    inject(monkeypatch, updates, "multiplier_step", BROKEN[way])
    assert caught(name)
