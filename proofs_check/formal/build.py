"""Build the Coq sources and the certificates made Coq, and ask the kernel what each theorem says and rests on."""

import itertools
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from proofs_check.claim import Claim
from proofs_check.formal.export import certificate_of, write_coq_files
from proofs_check.formal.manifest import REALS, SOURCES, Manifest, Theorem, source_hashes, words_hash
from proofs_check.formal.theorems import THEOREMS

BASE = ("Space", "Smooth", "Algorithm")
"""What a reader has to read: spaces, smooth and convex functions, Algorithm 1."""
DEFINED = r"(?m)^\s*(?:Definition|Record|Fixpoint|Inductive|Variant|Class)\s+(\w+)"
FORBIDDEN = (
    r"bypass_check|\bUnset\b|Declare ML|\bLoad\b|\bRedirect\b|Type In Type|\bAdmitted\b|\badmit\b"
    r"|(?m:^\s*(?:Axioms?|Parameters?|Conjectures?)\b)"
)
INSTALL = "apt-get install --no-install-recommends coq, or: docker run --rm -v .:/w -w /w debian:bookworm …"


def build(folder: Path, claims: Sequence[Claim], *, jobs: int = 2, recheck: bool = True) -> Manifest:
    """Return the record of a build in ``folder``, which keeps what was compiled for the next one.

    Args:
        folder: where the sources are copied to and compiled.
        claims: the table; the words of those in `THEOREMS` are recorded.
        jobs: how many files are compiled at a time (.5 GB each).
        recheck: whether coqchk, a second and smaller program, also checks the compiled library.

    Raises:
        FileNotFoundError: Coq is not installed.
        ValueError: a file or a theorem is not accepted; the message has Coq's words.
    """
    if shutil.which("coqc") is None:
        raise FileNotFoundError(f"coqc: not installed ({INSTALL})")
    folder.mkdir(parents=True, exist_ok=True)
    check_sources(SOURCES)
    library = copy_sources(folder)
    compile_files(folder, [*library, *write_coq_files(folder)], jobs)
    if recheck:
        # Not the certificates: coqchk has no virtual machine to compute them with, and takes hours.
        recheck_files(folder, library)
    names = sorted({name for theorems in THEOREMS.values() for name in theorems})
    known = {claim.name: words_hash(claim) for claim in claims if claim.name in THEOREMS}
    return Manifest(coq_version(), source_hashes(), dict(sorted(known.items())), _ask(folder, names))


def coq_version() -> str:
    """Return the version of the Coq at hand."""
    return _run(["coqc", "--print-version"], Path()).stdout.split()[0]


def copy_sources(folder: Path) -> list[Path]:
    """Copy what changed, so that only that is compiled again; what has gone goes here too."""
    present = {path.name: path.read_bytes() for path in sorted(SOURCES.glob("*.v"))}
    for stale in folder.glob("*.v"):
        if stale.name not in present and not stale.name.startswith("Certificates"):
            stale.unlink()
    for name, text in present.items():
        if not (folder / name).exists() or (folder / name).read_bytes() != text:
            (folder / name).write_bytes(text)
    return [folder / name for name in present]


def compile_files(folder: Path, files: Iterable[Path], jobs: int = 2, *, only: str = "") -> None:
    """Compile ``files``, which lie in ``folder``, or what the module ``only`` needs of them.

    Raises:
        ValueError: Coq accepts one of them not; the message has its words.
    """
    lines = ["-Q . PISA", "-arg -w", "-arg none", *(path.name for path in files)]
    (folder / "_CoqProject").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _run(["coq_makefile", "-f", "_CoqProject", "-o", "CoqMakefile"], folder)
    _run(["make", "-s", "-f", "CoqMakefile", f"-j{jobs}", *([f"{only}.vo"] if only else [])], folder)


def recheck_files(folder: Path, files: Iterable[Path]) -> None:
    """Have coqchk, a second and smaller program, check what was compiled of ``files`` and all that it needs.

    Raises:
        ValueError: it accepts them not, or they rest on more than the axioms of the reals.
    """
    command = ["coqchk", "-silent", "-o", "-Q", ".", "PISA", *(f"PISA.{path.stem}" for path in files)]
    run = _run(command, folder)
    check_summary(run.stdout + run.stderr)  # Coq 8.16 prints its summary on the standard error


def check_sources(folder: Path) -> None:
    """Refuse a source whose name or words could make the kernel, or a reader, take something for granted.

    Raises:
        ValueError: a name that is no plain module's, a word that assumes or switches a check off, or a second meaning
            of what the first three files define.
    """
    base = {name for file in BASE for name in re.findall(DEFINED, (folder / f"{file}.v").read_text(encoding="utf-8"))}
    for path in sorted(folder.iterdir()):
        text = path.read_text(encoding="utf-8")
        plain = re.sub(r"\(\*.*?\*\)", "", text, flags=re.DOTALL)
        if path.suffix != ".v" or not re.fullmatch(r"[A-Z][A-Za-z0-9]*", path.stem):
            raise ValueError(f"{path.name}: not a name of a module, [A-Z][A-Za-z0-9]*.v")
        if found := re.search(FORBIDDEN, plain):
            raise ValueError(f"{path.name}: {found.group(0)!r} has no place in a proof")
        if "Section" not in plain and re.search(
            r"^\s*(Variable|Variables|Hypothesis|Hypotheses)\b", plain, re.MULTILINE
        ):
            raise ValueError(f"{path.name}: a hypothesis outside a section is an axiom")
        again = {} if path.stem in BASE else base & set(re.findall(DEFINED, plain))
        if again:
            raise ValueError(f"{path.name}: defines {sorted(again)[0]!r}, which {', '.join(BASE)} define")
        if path.stem not in BASE and re.search(r'Notation "[xab] [<>=+*/-]', plain):
            raise ValueError(f"{path.name}: a notation that changes what an inequality or a sum is")


def check_summary(printed: str) -> None:
    """Refuse what coqchk says of a library: axioms of ours, checks switched off.

    Raises:
        ValueError: it says anything but the allowed axioms of the reals.
    """
    parts = re.split(r"^\* ", printed, flags=re.MULTILINE)[1:]
    sections = {part.partition(":")[0].strip(): part.partition(":")[2].split() for part in parts}
    allowed = {"<none>", *(f"Coq.{folder}.{name}" for folder in ("Logic", "Reals") for name in REALS)}
    wanted = ("Axioms", "Constants/Inductives relying on type-in-type", "Inductives whose positivity is assumed")
    if not all(name in sections for name in wanted):
        raise ValueError(f"coqchk: an answer in other words: {printed.strip()[:300]}")
    for name, found in sections.items():
        if name != "Theory" and (extra := [word for word in found if word not in allowed]):
            raise ValueError(f"coqchk: {name}: {' '.join(extra)[:300]}")


def _ask(folder: Path, names: Sequence[str]) -> dict[str, Theorem]:
    """Return each theorem's statement and axioms in Coq's words.

    The statements module by module, with nothing open but the first three files: every other name is printed with its
    module's, and a reader sees which definition is meant. The axioms of a module's theorems together, which
    saves walking through their common proofs again and again, in one run in which nothing is open, so that each axiom
    has its module's name.
    """
    modules = [(module, list(group)) for module, group in itertools.groupby(names, key=lambda name: name.split(".")[0])]
    requests = [f"From PISA Require {' '.join(module for module, _ in modules)}."]
    requests += [
        f"Definition all_of_{module} := ({', '.join(f'@{name}' for name in found)})." for module, found in modules
    ]
    printed = _answers(folder, requests, {module: f"Print Assumptions all_of_{module}" for module, _ in modules})
    axioms = {module: read_axioms(text) for module, text in printed.items()}
    statements: dict[str, str] = {}
    for module, members in modules:
        requests = [
            f"From PISA Require Import {' '.join(BASE)}.",
            f"From PISA Require {module}.",
            "Set Printing Width 110.",
        ]
        statements |= _answers(folder, requests, {name: f"Check @{name}" for name in members})
    return {
        name: Theorem(*_place(folder, name), statements[name].strip(), axioms[name.split(".")[0]]) for name in names
    }


def _answers(folder: Path, requests: Sequence[str], questions: Mapping[str, str]) -> dict[str, str]:
    """Return what one run of Coq prints to each question."""
    asked = [f'Redirect "{number}" {question}.' for number, question in enumerate(questions.values())]
    (folder / "Questions.v").write_text("\n".join([*requests, *asked]) + "\n", encoding="utf-8")
    _run(["coqc", "-q", "-w", "none", "-Q", ".", "PISA", "Questions.v"], folder)
    return {name: (folder / f"{number}.out").read_text(encoding="utf-8") for number, name in enumerate(questions)}


def read_axioms(printed: str) -> tuple[str, ...]:
    """Return what Print Assumptions said a theorem rests on, an axiom by its name and anything else as it was printed.

    "Admitted" is an axiom of the theorem's own name; "f is assumed to be guarded" and its kin are no axioms, and are
    kept whole so that nobody allows them.
    """
    lines = [line for line in printed.splitlines() if line.strip() and not line.startswith((" ", "\t"))]
    if lines == ["Closed under the global context"]:
        return ()
    named = [re.fullmatch(r"(\S+)(?:\s+:.*)?", line) for line in lines if line != "Axioms:"]
    kept = [line for line in lines if line != "Axioms:"]
    return tuple(sorted({match.group(1) if match else line for match, line in zip(named, kept, strict=True)}))


def _place(folder: Path, name: str) -> tuple[str, int]:
    if certificate := certificate_of(name):
        return certificate, 1
    module, theorem = name.split(".")
    pattern = re.compile(rf"^\s*(Theorem|Lemma|Corollary)\s+{re.escape(theorem)}\b")
    for number, line in enumerate((folder / f"{module}.v").read_text(encoding="utf-8").splitlines(), start=1):
        if pattern.match(line):
            return f"proofs_check/formal/coq/{module}.v", number
    raise ValueError(f"{name}: no theorem of that name stands in {module}.v")


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode:
        raise ValueError(f"{' '.join(command)[:120]}: {(run.stderr or run.stdout).strip()[-1500:]}")
    return run


def differences(committed: Manifest, built: Manifest) -> list[str]:
    """Return where a committed record says other than a build of the present sources."""
    found = []
    for field in ("coq", "sources", "claims", "theorems"):
        ours, theirs = getattr(committed, field), getattr(built, field)
        if field == "coq":
            found += [f"coq: {ours or 'none'} is recorded, {theirs} is here"] if ours != theirs else []
            continue
        names = [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
        found += [f"{field}: {name} differs" for name in names]
    return found


def unsound(manifest: Manifest, allowed: Iterable[str]) -> list[str]:
    """Return the theorems that rest on an axiom outside ``allowed``."""
    extra = {name: sorted(set(one.axioms) - set(allowed)) for name, one in manifest.theorems.items()}
    return [f"{name} rests on {', '.join(axioms)}" for name, axioms in extra.items() if axioms]
