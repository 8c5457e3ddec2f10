"""`python scripts/bench`: makes the folder the package `bench`, runs its commands."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parent.parent)

from bench import cli  # noqa: E402  (found by the line above)

cli.main(prog_name="python scripts/bench")
