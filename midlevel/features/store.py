"""The feature store: features on disk, found by what they are features of.

One folder for each way of making features (`Extractor.stored_as`); in it chunks, see
`chunks.py`. What is there is never computed again. Several processes may write at once:
each holds the folder's lock while it does. Who only reads writes nothing.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import platformdirs

from midlevel import errors
from midlevel.features import chunks
from midlevel.system import files, text

CHUNK_BYTES = 48_000_000  # about 45 images; the most that an interruption costs
LOCK = ".lock"
FLOAT16_MAX = 65504.0
ADVICE = "Set features.store or MIDLEVEL_CACHE_DIR to another folder."


@dataclass(frozen=True)
class Entry:
    """Where the features of one view of one image lie.

    Attributes:
        size_wh: the decoded image, in pixels.
        chunk: the `.npy` file.
        start: its first row.
        count: number of rows: one per window, then one per level of the whole.
    """

    size_wh: tuple[int, int]
    chunk: Path
    start: int
    count: int


class FeatureStore:
    """Features of one kind. Two processes may write at once, two threads not.

    Attributes:
        entries: where the features of each key lie, if their chunk is sound: see `in`.
        notes: lines on chunks that cannot be used.
    """

    def __init__(self, folder: Path, fingerprint: str):
        self.folder = folder / fingerprint[:16]
        self._waiting: list[tuple[str, tuple[int, int], np.ndarray]] = []
        self._unproved: dict[Path, chunks.Chunk] = {}  # by .npy, until it is read
        self.entries: dict[str, Entry] = {}
        self.notes: list[str] = []
        self._is_swept = False
        with files.explained(self.folder, ADVICE):
            self.folder.mkdir(parents=True, exist_ok=True)
            others = [
                index
                for index in sorted(self.folder.glob("[!.]*.json"))
                if not self._take(index)
            ]
        self._note_others(others)

    def __contains__(self, key: str) -> bool:
        """Whether the features of `key` are there and as they were written.

        A chunk is read whole when one of its keys is first asked for.
        """
        while entry := self.entries.get(key):
            chunk = self._unproved.get(entry.chunk)
            if chunk is None or self._is_proved(entry.chunk, chunk):
                return True
        return False

    def load(self, key: str) -> np.ndarray:
        """All rows of `key`, float16 `(count, channels)`, read from disk when touched.

        The windows come first, see `extractor.Pooled`.
        """
        entry = self.entries[key]
        return _open(entry.chunk)[entry.start : entry.start + entry.count]

    def add(self, key: str, size_wh: tuple[int, int], rows: np.ndarray) -> None:
        """Take the rows of `key`; they are safe on disk after `flush`."""
        limited = np.clip(rows, -FLOAT16_MAX, FLOAT16_MAX).astype(np.float16)
        self._waiting.append((key, size_wh, limited))
        if sum(rows.nbytes for _, _, rows in self._waiting) >= CHUNK_BYTES:
            self.flush()

    def flush(self):
        """Write what waits as one chunk.

        Raises:
            errors.MidlevelError: the folder cannot be written, or the disk is full.
        """
        if not self._waiting:
            return
        keys = [key for key, _, _ in self._waiting]
        # Another version's chunks are other files.
        name = text.digest("\n".join([str(chunks.VERSION), *keys]))[:16]
        index = self.folder / f"{name}.json"
        rows = np.vstack([rows for _, _, rows in self._waiting])
        views = [(key, tuple(size), len(rows)) for key, size, rows in self._waiting]
        with files.explained(self.folder, ADVICE), self._alone():
            chunk = chunks.sound(index)  # if another process was faster
            if not chunk:
                chunk = chunks.write(index, views, rows)
                _open.cache_clear()
        self._enter(index, chunk)
        self._waiting = []

    @contextlib.contextmanager
    def _alone(self):
        """While no other process writes here; what killed ones left is taken away."""
        with files.locked(self.folder / LOCK, wait=True) as is_held:
            if not self._is_swept:
                files.sweep(self.folder, age=0 if is_held else files.LEFT_OVER)
                for data in self.folder.glob("[!.]*.npy") if is_held else ():
                    if not data.with_suffix(".json").exists():
                        data.unlink()
                self._is_swept = True
            yield

    def _take(self, index: Path) -> bool:
        """Take a chunk in as far as it can be used; false if of another version."""
        try:
            chunk = chunks.read(index)
        except chunks.Damaged as damage:
            self._mend(index, damage)
        except chunks.OtherVersion:
            return False
        except OSError as error:
            self.notes.append(f"{index}: {error.strerror or error}; is not used")
        else:
            self._enter(index, chunk)
            self._unproved[chunks.data_of(index)] = chunk
        return True

    def _enter(self, index: Path, chunk: chunks.Chunk):
        data, start = chunks.data_of(index), 0
        for key, size_wh, count in chunk.views:
            self.entries[key] = Entry(size_wh, data, start, count)
            start += count

    def _is_proved(self, data: Path, chunk: chunks.Chunk) -> bool:
        """Whether a chunk is as it was written; if not, it is mended."""
        index = data.with_suffix(".json")
        del self._unproved[data]
        try:
            chunks.verify(index, chunk)
            return True
        except (chunks.Damaged, OSError) as damage:
            self.entries = {k: e for k, e in self.entries.items() if e.chunk != data}
            _open.cache_clear()
            self._mend(index, damage)
            return False

    def _mend(self, index: Path, damage: Exception):
        """Delete a damaged chunk, unless another process has just made it anew."""
        what = "is computed again"
        with contextlib.suppress(OSError), self._alone():  # else nothing can be written
            if chunk := chunks.sound(index):
                return self._enter(index, chunk)
            if isinstance(damage, chunks.Damaged):
                chunks.delete(index)
                what = "is deleted and computed again"
        self.notes.append(f"{chunks.data_of(index)}: is damaged ({damage}); {what}")

    def _note_others(self, others: list[Path]):
        if others:
            paths = [p for i in others for p in (i, chunks.data_of(i)) if p.exists()]
            size = sum(path.stat().st_size for path in paths)
            names = ", ".join(f"{index.stem}.*" for index in others[:3])
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            self.notes.append(
                f"{self.folder}: {names}{more} of another version of midlevel; "
                f"computed again where needed; delete to free {size / 1e6:.0f} MB"
            )


def default_folder() -> Path:
    """Where features go: $MIDLEVEL_CACHE_DIR, or the user's cache.

    Raises:
        errors.MidlevelError: the user has no home folder, as in some containers.
    """
    place = os.environ.get("MIDLEVEL_CACHE_DIR")
    try:
        place = place or platformdirs.user_cache_dir("midlevel")
    except RuntimeError as error:
        raise errors.MidlevelError(
            "There is no home folder to keep features in. Set MIDLEVEL_CACHE_DIR to a "
            "folder, or features.store."
        ) from error
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
        errors.MidlevelError: fewer than `size` bytes are free where `folder` is, or
            nothing can be written there.
    """
    place = folder
    while not place.exists():
        place = place.parent
    with files.explained(folder, ADVICE), tempfile.TemporaryFile(dir=place):
        pass
    free = shutil.disk_usage(place).free
    if free < size * 1.05:
        raise errors.MidlevelError(
            f"{folder}: the features need {size / 1e9:.1f} GB, {free / 1e9:.1f} GB are "
            "free. Set features.store or MIDLEVEL_CACHE_DIR to a larger disk, or take "
            "fewer views (features.views) or windows (windows.pyramid)."
        )


@lru_cache(maxsize=256)  # each holds a file open
def _open(chunk: Path) -> np.ndarray:
    return np.load(chunk, mmap_mode="r", allow_pickle=False)
