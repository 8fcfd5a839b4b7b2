"""What the tests of cli share."""

from pisa_lab import cli
from proofs_check.claim import Claim, Evidence, Verdict

QUICK_RUN = ["run", "logistic", "--clients", "3", "--steps", "12", "--batch", "4", "--seeds", "2"]


def call(capsys, *words):
    quiet = ["--no-plot"] if words[:1] == ("run",) and not {"--plot", "--help"} & set(words) else []
    code = cli.main([str(word) for word in words] + quiet)
    out, err = capsys.readouterr()
    return code, out, err


def half(instance):
    return {"margin": 0.5 - instance["x"]}


def supported(seed, effort):
    return Evidence(Verdict.SUPPORTED, 0.5, "found at .5", {"seed": seed, "bad": float("nan"), "values": [1.0, 2.0]})


def refuted(seed, effort):
    return Evidence(Verdict.REFUTED, -0.25, "at x = .75", {"margin": -0.25}, {"x": 0.75})


def claim(name, check, expected, **fields):
    return Claim(
        name=name, statement=f"What {name} states.", hypotheses=("none",), check=check, expected=expected, **fields
    )


GOOD = claim("V1-good", supported, Verdict.SUPPORTED, provenance="reconstructed")


WITNESSED = claim("V2-refuted", refuted, Verdict.REFUTED, trial=half)
