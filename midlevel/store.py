"""The feature store: features on disk, found by what they are features of.

One folder for each way of making features (`Extractor.stored_as`); in it shards. A
shard is a float16 `.npy` file with the windows of some tens of images, and a `.json`
that says which. The `.json` is written last and both by rename, so a shard is there
whole or not at all, and what is there is never computed again.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import platformdirs

from midlevel import errors, files

SHARD_BYTES = 48_000_000  # about 45 images; the most that an interruption costs
VERSION = 1
FLOAT16_MAX = 65504.0
ADVICE = "Set features.store or MIDLEVEL_CACHE_DIR to another folder."


@dataclass(frozen=True)
class Entry:
    """Where the features of one view of one image lie.

    Attributes:
        size_wh: the decoded image, in pixels.
        shard: the `.npy` file.
        start: its first row.
        count: number of rows, one per window.
    """

    size_wh: tuple[int, int]
    shard: Path
    start: int
    count: int


class FeatureStore:
    """Features of one kind. Two processes may write at once, two threads not."""

    def __init__(self, folder: Path, fingerprint: str):
        self.folder = folder / fingerprint[:16]
        self._waiting: list[tuple[str, tuple[int, int], np.ndarray]] = []
        self.entries: dict[str, Entry] = {}
        with files.explained(self.folder, ADVICE):
            self.folder.mkdir(parents=True, exist_ok=True)
            for index in sorted(self.folder.glob("[!.]*.json")):
                self._read(index)

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def load(self, key: str) -> np.ndarray:
        """Features of `key`, float16 `(n, channels)`, read from disk when touched."""
        entry = self.entries[key]
        return _open(entry.shard)[entry.start : entry.start + entry.count]

    def add(self, key: str, size_wh: tuple[int, int], features: np.ndarray):
        """Take the features of `key`; they are safe on disk after `flush`."""
        limited = np.clip(features, -FLOAT16_MAX, FLOAT16_MAX).astype(np.float16)
        self._waiting.append((key, size_wh, limited))
        if sum(rows.nbytes for _, _, rows in self._waiting) >= SHARD_BYTES:
            self.flush()

    def flush(self):
        """Write what waits as one shard.

        Raises:
            errors.MidlevelError: the folder cannot be written, or the disk is full.
        """
        if not self._waiting:
            return
        keys = [key for key, _, _ in self._waiting]
        name = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]
        rows = np.vstack([rows for _, _, rows in self._waiting])
        index = {
            "version": VERSION,
            "images": [[key, size, len(rows)] for key, size, rows in self._waiting],
        }
        with files.explained(self.folder, ADVICE):
            with files.whole(self.folder / f"{name}.npy") as path:
                np.save(path, rows)
            files.write_text(self.folder / f"{name}.json", json.dumps(index))
        self._read(self.folder / f"{name}.json")
        self._waiting = []

    def _read(self, index: Path):
        """Take a shard in; one that is damaged, or of another version, is not there."""
        shard, start = index.with_suffix(".npy"), 0
        try:
            content = json.loads(index.read_bytes())
            if content["version"] != VERSION:
                return
            counts = [count for _, _, count in content["images"]]
            if len(np.load(shard, mmap_mode="r", allow_pickle=False)) != sum(counts):
                return
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            return
        for key, size_wh, count in content["images"]:
            self.entries[key] = Entry(tuple(size_wh), shard, start, count)
            start += count


def default_folder() -> Path:
    """Where features go: $MIDLEVEL_CACHE_DIR, or the user's cache."""
    place = os.environ.get("MIDLEVEL_CACHE_DIR") or platformdirs.user_cache_dir(
        "midlevel"
    )
    return Path(place) / "features"


def content_key(data: bytes, view: str) -> str:
    """Identifies a view of a photograph by the photograph's bytes."""
    return f"{hashlib.sha256(data).hexdigest()[:32]}:{view}"


def content_of(key: str) -> str:
    """The part of a `content_key` that all views of a photograph share."""
    return key.partition(":")[0]


def check_space(folder: Path, size: int):
    """Refuse before the work what could not be written after it.

    Raises:
        errors.MidlevelError: fewer than `size` bytes are free where `folder` is.
    """
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < size * 1.05:
        raise errors.MidlevelError(
            f"{folder}: the features need {size / 1e9:.1f} GB, {free / 1e9:.1f} GB are "
            "free. Set features.store or MIDLEVEL_CACHE_DIR to a larger disk, or take "
            "fewer views (features.views) or windows (windows.pyramid)."
        )


@lru_cache(maxsize=256)  # each holds a file open
def _open(shard: Path) -> np.ndarray:
    return np.load(shard, mmap_mode="r", allow_pickle=False)
