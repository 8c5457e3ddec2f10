"""Small pieces of text that many messages have."""

import difflib
import hashlib
import json
from collections.abc import Iterable


def did_you_mean(received: object, known: Iterable[str]) -> str:
    """A sentence, after a space, with the nearest of `known`; nothing if none is near.

    >>> did_you_mean("onx", ["keras", "onnx"]), did_you_mean("x", ["keras"])
    (' Did you mean onnx?', '')
    """
    near = nearest(received, known)
    return f" Did you mean {near[0]}?" if near else ""


def nearest(received: object, known: Iterable[str], alike: float = 0.6) -> list[str]:
    """The one of `known` that was probably meant, or none; case is passed over.

    Args:
        alike: how much they must be, from 0 to 1, as `difflib` measures.

    >>> nearest("Wndows", ["windows", "k"])
    ['windows']
    """
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(received).lower(), by_lower, n=1, cutoff=alike)
    return [by_lower[name] for name in near]


def digest(content: str) -> str:
    """SHA-256 (hexadecimal) of a text; names of files may hold bytes that are none."""
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()


def as_json(content: object) -> str:
    """JSON as people read it: indented, the last line ended too."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def percent(share: float | None) -> str:
    """A share in percent, as tables and pages have it.

    >>> percent(0.8432), percent(None)
    ('84.3', '-')
    """
    return "-" if share is None else f"{100 * share:.1f}"
