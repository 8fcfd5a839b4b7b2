"""``python -m proofs_check.certified``: make every shipped certificate anew (needs the extra ``certify``)."""

import sys
from pathlib import Path

from proofs_check.certified.catalogue import FOLDER, regenerate, reword_all
from proofs_check.certified.witnesses import WITNESS_FOLDER, rewrite_witnesses

USAGE = "usage: python -m proofs_check.certified [FOLDER | --reword]"


def main(words: list[str]) -> int:
    """Return 0 after writing the certificates into the folder named, by default where the shipped ones lie.

    ``--reword`` keeps the shipped proofs and writes only the checker's present statement and the seal, without a
    solver.
    """
    if words == ["--reword"]:
        paths = reword_all()
    elif len(words) > 1 or (words and words[0].startswith("-")):
        print(USAGE, file=sys.stderr)
        return 2
    else:
        base = Path(words[0]) if words else None
        paths = regenerate(base / "certificates" if base else FOLDER)
        paths += rewrite_witnesses(base / "witnesses" if base else WITNESS_FOLDER)
    for path in paths:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
