"""Print how much of each room the tests run, the least covered first.

Reads the data that `pytest --cov` has written, with the settings of pyproject.toml:

    python -m pytest -q --cov && python scripts/coverage_of_rooms.py

A share is of lines and branches, as coverage counts them.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path


def measured() -> dict[str, dict[str, int]]:
    """Coverage's numbers, by file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "coverage", "json", "-q", "-o", str(path)]
        subprocess.run(command, check=True)
        found = json.loads(path.read_text(encoding="utf-8"))["files"]
    return {name: file["summary"] for name, file in found.items()}


def by_room(files: dict[str, dict[str, int]]) -> dict[str, float]:
    """The share of each room in percent, and of all as `midlevel`, ascending.

    >>> half = {"covered_lines": 4, "num_statements": 6}
    >>> half |= {"covered_branches": 0, "num_branches": 2}
    >>> by_room({"midlevel/method/boxes.py": half})
    {'midlevel': 50.0, 'method': 50.0}
    """
    covered: dict[str, int] = defaultdict(int)
    there: dict[str, int] = defaultdict(int)
    for name, file in files.items():
        for room in ("midlevel", Path(name).parts[1].removesuffix(".py")):
            covered[room] += file["covered_lines"] + file.get("covered_branches", 0)
            there[room] += file["num_statements"] + file.get("num_branches", 0)
    shares = {room: 100 * covered[room] / there[room] for room in there if there[room]}
    return dict(sorted(shares.items(), key=lambda pair: pair[1]))


if __name__ == "__main__":
    for room, share in by_room(measured()).items():
        print(f"{share:5.1f} %  {room}")
