"""``python -m pisa_lab.cli``: the same as ``pisa-lab``."""

import sys

from pisa_lab.cli import main

sys.exit(main())
