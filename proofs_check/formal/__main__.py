"""``python -m proofs_check.formal``: build the Coq theorems and write the manifest; ``--check`` compares instead."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from proofs_check.formal.build import build, differences, unsound
from proofs_check.formal.manifest import MANIFEST, REALS, plain, read_manifest
from proofs_check.table import CLAIMS


def main(words: Sequence[str]) -> int:
    """Return 0 where the theorems stand as recorded, 1 where they do not, 2 where Coq is not installed."""
    parser = argparse.ArgumentParser(prog="python -m proofs_check.formal", description=__doc__)
    parser.add_argument("--check", action="store_true", help="build and compare with the manifest, write nothing")
    parser.add_argument("--hashes", action="store_true", help="compare the sources' hashes with the manifest, no Coq")
    parser.add_argument("--no-recheck", action="store_true", help="leave out coqchk, the second checker")
    parser.add_argument("--folder", type=Path, default=Path(".pisa_lab/formal"), help="where to build")
    parser.add_argument("--jobs", type=int, default=2, help="files compiled at a time, .5 GB each")
    options = parser.parse_args(words)
    committed = read_manifest()
    if options.hashes:
        return _report(
            list(committed.stale), f"{len(committed.theorems)} theorems as recorded with Coq {committed.coq}"
        )
    try:
        built = build(options.folder, CLAIMS, jobs=options.jobs, recheck=not options.no_recheck)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    except ValueError as error:
        return _report([str(error)], "")
    problems = unsound(built, REALS)
    if options.check:
        problems += differences(committed, built)
    elif not problems:
        text = json.dumps(plain(built), indent=1, ensure_ascii=False) + "\n"
        MANIFEST.write_text(text, encoding="utf-8")
    covered = sum(built.covers(claim) for claim in CLAIMS)
    summary = f"{len(built.theorems)} theorems checked by Coq {built.coq}, {covered} claims rest on them"
    return _report(problems, summary)


def _report(problems: Sequence[str], summary: str) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(summary)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
