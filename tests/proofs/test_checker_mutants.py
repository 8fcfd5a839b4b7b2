"""Every guard of the checker rejects something false: without it a known false certificate would pass."""

import json

import pytest
from checker_cases import DROPPED, FILES, FORGED, accepted, document_of, forged, mutant, shipped, universal
from checker_oracle import ROUNDS, SETTINGS, round_distance, run_distance

from proofs_check.certified.certificate import serialise

HETEROGENEITY = (
    'require(self.p["heterogeneity"] is not None, "multipliers: no hypothesis bounds the heterogeneity")', "pass"
)  # fmt: skip
READ = (
    'written = type(value) is str and re.fullmatch(r"-?[0-9]{1,400}(/[1-9][0-9]{0,399})?", value)',
    "written = True",
)
ANY_LENGTH = ("type(value) is list and len(value) == (rounds + 1 if table else clients)", "type(value) is list")


def lower_bound():
    """Return "the smallest squared gradient of one move is at most 1/100": the linear part holds, S is indefinite."""
    pairs = {"initial": "1/100", "infimum 1": "1/100", "interpolation 0 0 1": "1/100"}
    return {**universal(), "bound": "1/100", "multipliers": {"metric 0": "2/5", "metric 1": "3/5", **pairs}}


def no_linear_part():
    """Return "the smallest squared gradient is 0": a row that is a square but for function values."""
    return {**universal(), "bound": "0", "multipliers": {"infimum 1": "1"}}


def negative_multiplier():
    """Return a bound lowered by 1 − 0 ≥ 0, the heterogeneity of a single client, with a negative multiplier."""
    document = universal(heterogeneity="1")
    document["multipliers"]["heterogeneity 0"] = "-19/10"
    return {**document, "bound": "1/10"}


def negative_decrease():
    return {**shipped("lagrangian-nonconvex-any-q-sigma2"), "bound": "-5"}


def steeper_decrease():
    document = shipped("residual-nonconvex-ridge")
    return {**document, "bound": "1/2"}


def unread_start():
    """Return a bound from an initial condition that no row states: the gap is cancelled by nothing."""
    document = universal()
    del document["multipliers"]["initial"]
    return {**document, "bound": "0"}


FEDAVG = {"theorem": "fedavg", "penalties": DROPPED, "warm": DROPPED, "rho": DROPPED, "order": DROPPED}
GUARDS = {
    "S is positive semidefinite": ([("if row[k] < 0 or (row[k] == 0 and any(row[k:])):", "if False:")], lower_bound),
    "S may have no indefinite zero pivot": (
        [("if row[k] < 0 or (row[k] == 0 and any(row[k:])):", "if row[k] < 0 and False:")], steeper_decrease,
    ),
    "the linear part cancels": (
        [("if not all(isinstance(key, tuple) for key in polynomial):\n        return False",
          "polynomial = Form({key: polynomial[key] for key in polynomial if isinstance(key, tuple)})")], no_linear_part,
    ),
    "the start is used": (
        [("if not all(isinstance(key, tuple) for key in polynomial):\n        return False",
          "polynomial = Form({key: polynomial[key] for key in polynomial if isinstance(key, tuple)})")], unread_start,
    ),
    "multipliers are positive": ([('read_fraction("multipliers", value, "> 0")', 'read_fraction("", value, "real")')],
                                 negative_multiplier),
    "heterogeneity is supposed before it is used": (
        [HETEROGENEITY, ('Fraction(self.p["heterogeneity"])', 'Fraction(self.p["heterogeneity"] or 0)')],
        lambda: document_of(FORGED / "unstated-hypothesis.json"),
    ),
    "a decrease is no increase": ([('file["bound"], "≥ 0"', 'file["bound"], "real"')], negative_decrease),
    "curvature is below the Lipschitz constant": (
        [('all(map(Fraction.__lt__, p["curvature"], p["lipschitz"])), "curv', 'True, "curv')],
        lambda: universal(curvature=["5"]),
    ),
    "the Lipschitz constant is positive": (
        [('"lipschitz": "> 0"', '"lipschitz": "real"')],
        lambda: universal(lipschitz=["-1"], curvature=["-3"], ridge="2"),
    ),
    "penalties are positive": (
        [('"penalties": "> 0"', '"penalties": "real"')], lambda: universal(penalties=[["-2"], ["-2"]], ridge="3")),
    "rounds is an integer": (
        [("type(value) is int and 1 <= value <= LONGEST_RUN", "1 <= value <= LONGEST_RUN")],
        lambda: universal(rounds=True),
    ),
    "there are as many rho as clients": ([ANY_LENGTH], lambda: universal(rho=["0", "7"])),
    "weights sum to one": (
        [('require(sum(p.get("weights", [1])) == 1, "weights: must sum to 1")', "pass")],
        lambda: {**universal(weights=["1/2"]), "bound": "1",
                 "multipliers": {"metric 0": "1", "infimum 0": "1", "initial": "1"}},
    ),
    "the step of FedAvg is positive": (
        [('"step": "> 0"', '"step": "real"')], lambda: universal(**FEDAVG, step="-1", local_steps=1)),
    "the seal is that of the text": (
        [('file["seal"] == hashlib.sha256(body.encode()).hexdigest()', "True")], None),
    "the statement is that of the proof": (
        [('require(file["statement"] == statement(p, bound), "statement: not that of the parameters and the bound")',
          "pass")], None),
}  # fmt: skip


@pytest.mark.parametrize("guard", [name for name, (_, document) in GUARDS.items() if document])
def test_each_guard_is_what_rejects_a_false_certificate(guard):
    changes, document = GUARDS[guard]
    text = forged(document())
    assert accepted(text) is None
    assert accepted(text, mutant(*changes)), guard


@pytest.mark.parametrize("guard", [name for name, (_, document) in GUARDS.items() if document is None])
def test_seal_and_statement_are_what_rejects_an_edited_text(guard):
    document = json.loads(forged(universal()))
    edited = {**document, "statement": document["statement"].replace("≤ 2", "≤ 1")}
    text = json.dumps({**document, "seal": "0"}) if "seal" in guard else serialise(edited)
    assert accepted(text) is None
    assert accepted(text, mutant(*GUARDS[guard][0]))


@pytest.mark.parametrize(
    "changes",
    [
        [("multipliers[i] = old - (old + gradients[i]) *", "multipliers[i] = old + (old + gradients[i]) *")],
        [("solve[i] / (solve[i] + self.p", "server[i] / (server[i] + self.p")],
        [("pulls.append((multipliers[i] - old) * (server[i] / solve[i])", "pulls.append((multipliers[i] - old) * 1")],
        [("self.ridge + sum(map(Fraction.__mul__, self.weights, server))", "sum(server)")],
        [("- g @ x * (2 * low))", "+ g @ x * (2 * low))")],
        [("(1 / (2 * (high - low)))\n\n\ndef lagrangian", "(1 / (4 * (high - low)))\n\n\ndef lagrangian")],
        [("(1 / (2 * smoothness))", "(1 / smoothness)")],
        [("[g * -1 for g in gradients]", "[g * 1 for g in gradients]")],
        [("self.p[\"local_steps\"] - 1", "self.p[\"local_steps\"]")],
        [("[u @ (d * q - u), u_new", "[u @ (d * q + u), u_new")],
        [("(d * sigma + pi - w * ridge)", "(d * later + pi - w * ridge)")],
        [("(u * (sigma + q) - r * sigma)", "(u * (sigma + q) - r * q)")],
        [("(r - g - u * 2)", "(r - g - u)")],
        [("+ d_new @ d_new * (later / 2)", "+ d_new @ d_new * (sigma / 2)")],
        [("(slopes[2] + w_new * ridge) * part", "(slopes[0] + w * ridge) * part")],
        [("goal @ goal * bound", "goal @ goal * (bound * 2)")],
    ],
)  # fmt: skip
def test_a_wrong_transcription_is_seen_by_the_engine_or_rejects_a_shipped_certificate(changes):
    wrong = mutant(*changes)
    distances = [run_distance(setting, wrong) for setting in SETTINGS.values()]
    distances += [round_distance(theorem, mean, wrong) for theorem in ROUNDS for mean in (0, 1)]
    texts = (path.read_text(encoding="utf-8") for path in FILES)
    assert max(distances) > 1e-3 or any(accepted(text, wrong) is None for text in texts)
