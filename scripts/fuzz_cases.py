"""Damaged images and annotation files, made by number, and what must hold of each.

An image is read or refused with a `MidlevelError`, whole or reduced alike. What holds
of data sets is in fuzz_sets.py.
"""

import re
import tempfile
import zlib
from pathlib import Path

import fuzz_sets
import numpy as np
import odd_images

from midlevel import errors
from midlevel.images import decoding, headers, limits, pixels, png

PIECES = (
    *(b"\0", b"\xff\xfe", b'"', b"'", b"\n", b"\r", b",", b";", b"[", b"{", b"}", b"<"),
    *(b"-1", b"1e400", b"NaN", b"Infinity", b"null", b"9" * 5000, b"0x" + b"f" * 5000),
    *(b"../", b"/etc/passwd", b"[" * 3000, b"&a [*a]", b"<!-- ", b"&amp;", b"&#0;"),
    *(b"\xed\xa0\x80", b"2020-99-99", b"true", b"[]", b"{}", b"0", b"a" * 300, b":"),
    *(b"\xff" * 2, b"\xff" * 4, b"\x7f\xff\xff\xff", bytes(4), b"\x80\0\0\0"),
)
IMAGES = {name.replace(" ", "_"): data for name, data in odd_images.readable().items()}


def mutated(data: bytes, rng: np.random.Generator, words: float = 0.0) -> bytes:
    """`data` with one kind of damage, or with some.

    Args:
        words: how often a word is exchanged, which leaves JSON and XML readable.
    """
    for _ in range(min(4, rng.geometric(0.6))):
        start, end = sorted(rng.integers(0, len(data) + 1, 2).tolist())
        end = min(end, start + int(2 ** rng.uniform(0, 10)))
        part, to = data[start:end], int(rng.integers(0, len(data) + 1))
        damage = 1 if rng.random() < words else rng.integers(7)
        if damage == 0:
            data = _flipped(data, rng)
        elif damage == 1:
            data = _with_another_word(data, rng)
        elif damage == 2:
            data = _with_piece(data, to, rng)
        elif damage == 3:
            data = data[:start]
        elif damage == 4:
            data = data[:start] + data[end:]
        else:  # spliced over something, or doubled
            data = data[:to] + part + data[to + len(part) * (damage == 5) :]
    return data


def _with_another_word(data: bytes, rng) -> bytes:
    """One word or number in the place of another; values of text files survive that."""
    words = [match.span() for match in re.finditer(rb"[\w.-]+", data)]
    if not words:
        return data
    (start, end), (first, last) = (words[i] for i in rng.integers(len(words), size=2))
    return data[:start] + data[first:last] + data[end:]


def _flipped(data: bytes, rng) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.integers(1, 9) if data else 0):
        changed[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _with_piece(data: bytes, place: int, rng) -> bytes:
    piece = PIECES[rng.integers(len(PIECES))]
    over = int(rng.integers(2)) * len(piece)
    return data[:place] + piece + data[place + over :]


def case(target: str, seed: int) -> str:
    """Do one case; `read` or `refused`, and an error for all else."""
    rng = np.random.default_rng([zlib.crc32(target.encode()), seed])
    if target in IMAGES:
        data = mutated(IMAGES[target], rng)
        return image(_with_checks(data) if rng.integers(2) else data)
    with tempfile.TemporaryDirectory() as folder:
        files = fuzz_sets.write(target, Path(folder))
        file = files[rng.integers(len(files))]
        data = mutated(file.read_bytes(), rng, words=0.5)
        return fuzz_sets.judge(target, Path(folder), file, data)


# === Images ===


def _with_checks(data: bytes) -> bytes:
    """A damaged PNG whose checksums are right, so that the decoder meets the damage."""
    changed, place = bytearray(data), len(png.SIGNATURE)
    while data.startswith(png.SIGNATURE) and place + 12 <= len(data):
        end = place + 8 + int.from_bytes(data[place : place + 4])
        if end + 4 > len(data):
            break
        changed[end : end + 4] = zlib.crc32(data[place + 4 : end]).to_bytes(4)
        place = end + 4
    return bytes(changed)


def image(data: bytes) -> str:
    """Decode what may be damaged, whole and reduced."""
    whole, enough = _or_refused(decoding.decode, data), _or_refused(_enough, data)
    if whole is None:
        assert enough is None, "refused whole, read reduced"
        return "refused"
    assert whole.dtype == np.uint8 and whole.ndim == 3 and whole.shape[2] == 3
    assert 0 < whole[..., 0].size <= limits.MAX_PIXELS and whole.flags.c_contiguous
    assert enough is not None, "read whole, refused reduced"
    assert enough.size_wh == pixels.size_wh(whole), (enough.size_wh, whole.shape)
    least = [min(side, 5) for side in sorted(enough.size_wh)]
    found = sorted(pixels.size_wh(enough.pixels))
    assert all(side >= few for side, few in zip(found, least, strict=True)), found
    return "read"


def _enough(data: bytes, name: str) -> pixels.Photograph:
    return pixels.of_bytes(data, name, lambda _: (5, 5))


def _or_refused(read, data: bytes):
    try:
        return read(data, "a.jpg")
    except errors.ImageError as error:
        fuzz_sets.assert_one_line(error)
        assert headers.kind(data) != "HEIC" or "pip" not in str(error)
