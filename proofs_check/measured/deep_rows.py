"""The repaired methods on deep models, judged on stored rows: those of the deep tables, seed by seed."""

import functools
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pisa_lab.inference.student import half_width
from proofs_check.claim import Claim
from proofs_check.measured.instances import Instance
from proofs_check.measured.trajectories import measured_claim

RESULTS = Path(__file__).resolve().parents[2] / "problems" / "studies" / "results"
FIVE = "digits, five clients of two classes"
ARENAS = {
    "digits": ("deep-vision.json.gz", 1),
    FIVE: ("deep-vision.json.gz", 5),
    "text": ("deep-language.json.gz", 1),
}
"""Arena → the file of its rows, and its number of clients."""


@functools.cache
def _scores(arena: str, optimizer: str) -> Mapping[int, float]:
    """Return seed → test error, or the logarithm of test perplexity, of the weights with the least validation loss."""
    name, clients = ARENAS[arena]
    with gzip.open(RESULTS / name, "rt", encoding="utf-8") as file:
        rows = json.load(file)
    runs: dict[int, Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: int(row["round"])):
        if (row["phase"], row["optimizer"], row["clients"]) == ("report", optimizer, clients):
            runs[int(row["seed"])] = row
    return {
        seed: float(np.log(row["test_metric_best"]) if row["metric"] == "perplexity" else 1 - row["test_metric_best"])
        for seed, row in runs.items()
    }


def paired_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the mean difference of the scores, ours less theirs, with its 95 % interval by Student over seeds.

    Margin: by how much the interval's end lies on the right side of 0, in half-widths; of the lower end where "not
    worse" is enough, of the upper one where "better" is said.

    Raises:
        ValueError: the two were not run on the same five seeds or more.
    """
    ours, theirs = (_scores(str(instance["arena"]), str(instance[name])) for name in ("ours", "theirs"))
    if ours.keys() != theirs.keys() or len(ours) < 5:
        raise ValueError(f"rows: {instance['arena']}: seeds {sorted(ours)} and {sorted(theirs)} are no five pairs")
    differences = np.array([ours[seed] - theirs[seed] for seed in sorted(ours)])
    mean, half = float(differences.mean()), float(half_width(differences))
    end = mean + half if instance["is_better"] else mean - half
    return {
        "arena": str(instance["arena"]),
        "mean": mean,
        "low": mean - half,
        "high": mean + half,
        "margin": -end / half if half > 0 else -float(np.sign(mean)),
    }


def _instances(ours: str, theirs: str, better: tuple[str, ...], arenas: tuple[str, ...]) -> list[Instance]:
    pairs = {"ours": ours, "theirs": theirs}
    return [{"arena": arena, "is_better": arena in better} | pairs for arena in arenas]


_HYPOTHESES = (
    "a GPT of 210,752 parameters for 800 rounds, a CNN of 24,058 for 300, or 200 with five clients: at no other size",
    "equal gradients and bytes; as many trials of the rate for each, one tuning seed, chosen on validation rows",
    "five fresh seeds each; rows stored with machine, versions and commit, trained again by `pisa-lab train`",
)


def _compared(name: str, statement: str, source: str, instances: list[Instance]) -> Claim:
    return measured_claim(
        name,
        statement,
        trial=paired_trial,
        instances=lambda seed, effort: instances,
        detail="{arena}: {mean:+.4f} in [{low:+.4f}, {high:+.4f}] (worst of {trials})",
        hypotheses=_HYPOTHESES,
        source=source,
    )


CLAIMS_DEEP: tuple[Claim, ...] = (
    _compared(
        "metric-sisa-against-adam",
        "SISA in Adam's metric is no worse than Adam on digits, with one client and with five of two classes each, "
        "within paired 95 % intervals, and better on text.",
        "MATHEMATICS.md#N3",
        _instances("sisa", "adam", ("text",), tuple(ARENAS)),
    ),
    _compared(
        "metric-sisa-against-published",
        "SISA in Adam's metric is better than SISA as published on text, and no worse on digits.",
        "MATHEMATICS.md#N3",
        _instances("sisa", "sisa-published", ("text",), tuple(ARENAS)),
    ),
    _compared(
        "server-nsisa-against-muon",
        "NSISA on the server is no worse than Muon on digits, with one client and with five of two classes each, "
        "within paired 95 % intervals, and better on text.",
        "MATHEMATICS.md#N6",
        _instances("nsisa", "muon", ("text",), tuple(ARENAS)),
    ),
    _compared(
        "server-nsisa-against-published",
        "With five clients of two classes each NSISA on the server is better than NSISA as published, whose clients "
        "orthogonalise.",
        "MATHEMATICS.md#N6, MATHEMATICS.md#V9",
        _instances("nsisa", "nsisa-published", (FIVE,), (FIVE,)),
    ),
)
