"""``python -m proofs_check.certified``: make every shipped certificate anew (needs the extra ``certify``)."""

import sys
from pathlib import Path

from proofs_check.certified.catalogue import FOLDER, regenerated
from proofs_check.certified.witnesses import WITNESS_FOLDER, rewritten


def main(words: list[str]) -> int:
    """Return 0 after writing the certificates into the folder named, by default where the shipped ones lie."""
    if len(words) > 1 or (words and words[0].startswith("-")):
        print("usage: python -m proofs_check.certified [FOLDER]", file=sys.stderr)
        return 2
    folders = (Path(words[0]) / "certificates", Path(words[0]) / "witnesses") if words else (FOLDER, WITNESS_FOLDER)
    for path in [*regenerated(folders[0]), *rewritten(folders[1])]:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
