"""Write the JSON certificates as Coq theorems; each proof is one run of the verified checker, in Coq's kernel.

``python -m proofs_check.formal.export FOLDER`` writes ``Certificates_1.v`` (runs of functions that may be nonconvex),
``Certificates_2.v`` (runs of convex ones) and ``Certificates_3.v`` (one round); the theorem of the certificate
``convex-kappa2-N5.json`` is ``Certificates_2.convex_kappa2_N5``. Nothing here is trusted: the theorem says what
`Checker.theorem` or `OneRound.theorem` says of the parameters that stand in it, and the kernel runs the check. Where
the merging lemma applies to one client, ``convex_kappa2_N5_any_clients`` says the same of any number of clients.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

CERTIFICATES = Path(__file__).parent.parent / "certified" / "certificates"
ONE_ROUND = 3
LIBRARY = {1: "Merging", 2: "Merging", ONE_ROUND: "OneRoundSound"}
"""Number of a generated file → the module that has, or exports, the soundness theorem that its proofs apply."""
ROWS = {
    False: {name: name.capitalize() for name in ("metric", "initial", "infimum", "heterogeneity", "interpolation")},
    True: {"interpolation": "Interpolation", "sector": "Sector"},
}
EXACT = {"pisa": False, "admm": True}
AFTER = {"before_solve": False, "after_solve": True}
CHOICES = {
    "min_gradient": "MinGradient",
    "last_gradient": "LastGradient",
    "last_value": "LastValue",
    "value": "Value",
    "distance": "Distance",
}


@dataclasses.dataclass(frozen=True)
class Terms:
    """A certificate in Coq's words.

    Args:
        file: number of the generated file that it belongs to.
        problem: the parameters, a term of type ``problem`` or ``round_problem``.
        bound: the bound, a fraction.
        rows: the rows and their multipliers.
        merges: whether `Merging.merging` makes the one client any number of clients.
        statement: what the certificate says of itself, for the comment.
    """

    file: int
    problem: str
    bound: str
    rows: str
    merges: bool
    statement: str

    @property
    def check(self) -> str:
        """The Boolean that the verified checker computes."""
        return f"check {self.problem} {self.bound} {self.rows}"

    def names(self, identifier: str) -> tuple[str, ...]:
        """Return the names of the theorems that the certificate gives, its own first."""
        return (identifier, f"{identifier}_any_clients") if self.merges else (identifier,)

    def theorems(self, identifier: str) -> str:
        """Return the theorem called ``identifier``, that of any number of clients if there is one, and the proofs."""
        comment = self.statement.replace("(*", "( *").replace("*)", "* )").replace('"', "'")
        own, *merged = self.names(identifier)
        given = f"{self.problem} {self.bound}"
        text = f"(** {comment} *)\nTheorem {own} : ltac:(spell (theorem {given})).\n"
        text += f"Proof.\n  apply (sound {given} {self.rows}).\n  vm_cast_no_check (eq_refl true).\nQed.\n"
        for name in merged:
            text += f"Theorem {name} : ltac:(spell (theorem_of_any_clients {given})).\n"
            text += f"Proof. apply (merging {given}); [repeat split|exact {own}]. Qed.\n"
        return text


def read_terms(document: dict[str, Any]) -> Terms:
    """Return the certificate ``document``, parsed JSON, in Coq's words.

    Raises:
        ValueError: a number is not an integer or a fraction as a text, or a row is of no known kind.
        KeyError: a parameter is missing or a word unknown.
    """
    p = document["parameters"]
    one_round = p["theorem"] in ("lagrangian", "residual")
    nonconvex = any(x.startswith("-") for x in p["curvature"])
    file = ONE_ROUND if one_round else 1 if nonconvex else 2
    merges = len(p.get("weights", ())) == 1 and p["heterogeneity"] is None
    merges = merges and (p["theorem"] == "pisa" or p.get("local_steps") == 1)
    rows = (_row(name, value, ROWS[one_round]) for name, value in document["multipliers"].items())
    return Terms(
        file,
        _round_problem(p) if one_round else _problem(p),
        f"{_fraction(document['bound'])}%Q",
        f"{_list(rows)}%Q",
        merges,
        str(document["statement"]),
    )


def theorem_names(stem: str, folder: Path = CERTIFICATES) -> tuple[str, ...]:
    """Return the Coq theorems "Certificates_n.identifier" of the certificate ``stem`` of ``folder``, its own first."""
    terms = read_terms(json.loads((folder / f"{stem}.json").read_text(encoding="utf-8")))
    return tuple(f"Certificates_{terms.file}.{name}" for name in terms.names(_identifier(stem)))


def theorem_name(stem: str, folder: Path = CERTIFICATES) -> str:
    """Return the Coq theorem that says what the certificate ``stem`` says."""
    return theorem_names(stem, folder)[0]


def certificate_of(theorem: str, folder: Path = CERTIFICATES) -> str:
    """Return the certificate, by its path from the repository's root, that ``theorem`` is made of; "" for none."""
    if not theorem.startswith("Certificates_"):
        return ""
    stems = (path.stem for path in sorted(folder.glob("*.json")))
    found = next(stem for stem in stems if theorem in theorem_names(stem, folder))
    return f"proofs_check/certified/certificates/{found}.json"


def coq_files(folder: Path = CERTIFICATES) -> dict[str, str]:
    """Return the text of every generated file by its name."""
    texts = {number: [f"From PISA Require Export {library}.\n"] for number, library in LIBRARY.items()}
    for path in sorted(folder.glob("*.json")):
        terms = read_terms(json.loads(path.read_text(encoding="utf-8")))
        texts[terms.file].append(terms.theorems(_identifier(path.stem)))
    return {f"Certificates_{number}.v": "\n".join(parts) for number, parts in texts.items()}


def write_coq_files(out: Path, folder: Path = CERTIFICATES) -> list[Path]:
    """Write the generated files into ``out`` where they differ from what lies there, and return their paths."""
    paths = []
    for name, text in coq_files(folder).items():
        path = out / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def _identifier(stem: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", stem):
        raise ValueError(f"stem: {stem!r} makes no Coq identifier")
    return stem.replace("-", "_")


def _fraction(text: Any) -> str:
    if not isinstance(text, str) or not re.fullmatch(r"-?[0-9]+(/[1-9][0-9]*)?", text):
        raise ValueError(f"number: {text!r:.40} is no fraction as a text")
    top, _, bottom = text.partition("/")
    return f"({top}#{bottom or 1})"


def _count(value: Any) -> str:
    if type(value) is not int or value < 0:
        raise ValueError(f"count: {value!r:.40} is no natural number")
    return str(value)


def _list(items: Iterable[str]) -> str:
    return f"[{'; '.join(items)}]"


def _flag(value: Any) -> str:
    if type(value) is not bool:
        raise ValueError(f"flag: {value!r:.40} is neither true nor false")
    return "true" if value else "false"


def _row(name: str, multiplier: Any, kinds: dict[str, str]) -> str:
    kind, *numbers = name.split(" ")
    if kind not in kinds or not all(re.fullmatch("[0-9]{1,3}", number) for number in numbers):
        raise ValueError(f"multipliers: no row is called {name!r:.40}")
    return f"({' '.join([kinds[kind], *numbers])}, {_fraction(multiplier)})"


def _problem(p: dict[str, Any]) -> str:
    if p["theorem"] == "fedavg":
        method = f"(FedAvg {_fraction(p['step'])} {_count(p['local_steps'])})"
    else:
        flags = (EXACT[p["theorem"]], p["warm"], AFTER[p.get("order", "before_solve")])
        rho = _list(map(_fraction, p.get("rho", [])))
        sigma = _list(_list(map(_fraction, row)) for row in p["penalties"])
        method = f"(Splitting {' '.join(map(_flag, flags))} {rho} {sigma})"
    columns = " ".join(_list(map(_fraction, p[key])) for key in ("weights", "curvature", "lipschitz"))
    zeta = "None" if p["heterogeneity"] is None else f"(Some {_fraction(p['heterogeneity'])})"
    counts = f"{_count(len(p['weights']))} {_count(p['rounds'])}"
    words = f"{CHOICES[p['metric']]} {CHOICES[p['initial']]}"
    return f"(Problem {method} {counts} {columns} {_fraction(p['ridge'])} {words} {zeta})%Q"


def _round_problem(p: dict[str, Any]) -> str:
    if p["theorem"] == "residual":
        potential = f"(Residual {_fraction(p['factor'])})"
    else:
        potential = f"(Lagrangian {_fraction(p['next_sigma'])} {_flag(AFTER[p['order']])})"
    (low,), (high,) = p["curvature"], p["lipschitz"]
    numbers = " ".join(map(_fraction, (low, high, p["ridge"], p["sigma"], p["q_bound"])))
    return f"(RoundProblem {potential} {numbers})%Q"


def main(words: Sequence[str]) -> int:
    """Return 0 after writing the generated files into the folder named, 2 without one."""
    if len(words) != 1:
        print("usage: python -m proofs_check.formal.export FOLDER", file=sys.stderr)
        return 2
    for path in write_coq_files(Path(words[0])):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
