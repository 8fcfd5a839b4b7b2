"""``python -m proofs_check.certified``: make every shipped certificate anew (needs the extra ``certify``)."""

import sys
from pathlib import Path

from proofs_check.certified.catalogue import FOLDER, regenerated, reworded
from proofs_check.certified.witnesses import WITNESS_FOLDER, rewritten

USAGE = "usage: python -m proofs_check.certified [FOLDER | --reword]"


def main(words: list[str]) -> int:
    """Return 0 after writing the certificates into the folder named, by default where the shipped ones lie.

    ``--reword`` keeps the shipped proofs and writes only the checker's present statement and the seal, without a
    solver.
    """
    if words == ["--reword"]:
        paths = reworded()
    elif len(words) > 1 or (words and words[0].startswith("-")):
        print(USAGE, file=sys.stderr)
        return 2
    else:
        base = Path(words[0]) if words else None
        paths = regenerated(base / "certificates" if base else FOLDER)
        paths += rewritten(base / "witnesses" if base else WITNESS_FOLDER)
    for path in paths:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
