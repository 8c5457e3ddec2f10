"""`python scripts/compare`: makes the folder the package `compare`, runs it."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parent.parent)

from compare import cli  # noqa: E402  (found by the line above)

cli.main(prog_name="python scripts/compare")
