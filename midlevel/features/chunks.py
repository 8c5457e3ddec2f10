"""One chunk of the feature store: a `.npy` file, and a `.json` that says what it holds.

The `.npy` has the float16 features of some tens of views, one after the other. The
`.json` names the views, and has a checksum of them and of the `.npy`; it comes last.
"""

import contextlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midlevel.system import files

VERSION = 3  # since it: behind a view's windows, the whole photograph
BLOCK = 1 << 20  # bytes read at a time for a checksum


class Damaged(Exception):
    """A chunk that is not as it was written."""


class OtherVersion(Exception):
    """A chunk that another version of midlevel wrote."""


@dataclass(frozen=True)
class Chunk:
    """What the `.json` says.

    Attributes:
        views: of each one its key, `(width, height)` in pixels and number of rows.
        size: of the `.npy`, in bytes.
        checksum: CRC-32 of `views` and the `.npy`. It finds every flip of up to 32
            bits in a row, at a gigabyte a second; no guard against a forger.
    """

    views: list[tuple[str, tuple[int, int], int]]
    size: int
    checksum: int


def data_of(index: Path) -> Path:
    """The `.npy` that belongs to a `.json`."""
    return index.with_suffix(".npy")


def write(index: Path, views: Sequence, rows: np.ndarray) -> Chunk:
    """Write both files of a chunk, each whole or not at all.

    Raises:
        OSError: they cannot be written.
    """
    with files.whole(data_of(index)) as path:
        np.save(path, rows)
        chunk = Chunk(list(views), path.stat().st_size, _checksum(views, path))
    content = {"version": VERSION, "size": chunk.size, "checksum": chunk.checksum}
    files.write_text(index, json.dumps({**content, "images": chunk.views}))
    return chunk


def read(index: Path) -> Chunk:
    """What a chunk holds; its features are not read, only that they are all there.

    Raises:
        Damaged: a file is missing, cut off or no chunk's.
        OtherVersion: another version wrote it.
        OSError: a file cannot be read.
    """
    try:
        content = json.loads(index.read_bytes())
        if (version := content["version"]) != VERSION:
            raise OtherVersion(f"{index}: version {version}, expected {VERSION}")
        rows = content["images"]
        views = [(str(key), (int(w), int(h)), int(n)) for key, (w, h), n in rows]
        chunk = Chunk(views, int(content["size"]), int(content["checksum"]))
        size = data_of(index).stat().st_size
    except FileNotFoundError as error:
        raise Damaged(f"{Path(error.filename).name} is missing") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{index.name} is no index") from error
    if size != chunk.size:
        raise Damaged(f"{data_of(index).name} has {size} bytes of {chunk.size}")
    return chunk


def verify(index: Path, chunk: Chunk):
    """Read all of a chunk once, to see that it is as it was written.

    Raises:
        Damaged: it is not.
        OSError: it cannot be read.
    """
    try:
        found = _checksum(chunk.views, data_of(index))
    except FileNotFoundError as error:
        raise Damaged(f"{data_of(index).name} is missing") from error
    if found != chunk.checksum:
        raise Damaged("its checksum is another")


def sound(index: Path) -> Chunk | None:
    """A chunk that is there, whole and as it was written; else None."""
    with contextlib.suppress(Damaged, OtherVersion, OSError):
        chunk = read(index)
        verify(index, chunk)
        return chunk
    return None


def delete(index: Path):
    """Take a chunk away, the `.json` first."""
    for path in (index, data_of(index)):
        path.unlink(missing_ok=True)


def _checksum(views: Sequence, data: Path) -> int:
    value = zlib.crc32(json.dumps(views).encode())
    with data.open("rb") as file:
        while block := file.read(BLOCK):
            value = zlib.crc32(block, value)
    return value
