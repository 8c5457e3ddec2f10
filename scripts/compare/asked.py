"""Settings by name, from the command line or a file."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from midlevel import errors
from midlevel.settings import config, yaml_text

Settings = dict[str, Any]  # dotted keys and values

PROTOCOL: Settings = {"select": "heldout"}  # split val only measures


def named(
    texts: Sequence[str],
    file: Path | None,
    common: Settings,
    experiments: Sequence[Path] = (),
) -> dict[str, Settings]:
    """Settings by name, those of files first; the defaults where none are named.

    Args:
        texts: each `name: key=value key=value`.
        file: YAML of a name, and under it dotted keys and their values, each.
        experiments: files as `midlevel train --config` takes; their names are theirs.
        common: settings of all, with which they have to go together.

    Raises:
        errors.MidlevelError: they cannot be read, or a name comes twice.
    """
    found = _of_file(file) if file else {}
    others = [(checked(path.stem), experiment(path)) for path in experiments]
    for name, settings in [*others, *map(one, texts)]:
        if name in found:
            raise errors.MidlevelError(
                f"Expected each name once. Received: {name!r} twice."
            )
        found[name] = settings
    found = found or {"midlevel": {}}
    for settings in found.values():
        # Wrong ones are said before any work.
        config.load(None, {**PROTOCOL, **common, **settings})
    return found


def one(text: str) -> tuple[str, Settings]:
    """
    >>> one("no mirror: features.views=[original] training.epochs=3")
    ('no mirror', {'features.views': ['original'], 'training.epochs': 3})
    >>> one("defaults:")
    ('defaults', {})
    """
    name, colon, rest = text.partition(":")
    if not colon:
        raise errors.MidlevelError(
            f"--setting expects `name: key=value key=value`. Received: {text}."
        )
    return checked(name.strip()), settings(shlex.split(rest))


def settings(texts: Sequence[str]) -> Settings:
    """Of texts `key=value`."""
    return dict(config.parse_setting(text) for text in texts)


def _of_file(file: Path) -> dict[str, Settings]:
    found = {}
    for name, keys in yaml_text.read(file).items():
        if not isinstance(keys, dict | None):
            raise errors.MidlevelError(
                f"{file}: expected dotted keys and their values under {name}. "
                f"Received: {keys}."
            )
        found[checked(str(name))] = dict(keys or {})
    return found


def experiment(path: Path) -> Settings:
    """A file of settings, as dotted keys and their values.

    Raises:
        errors.MidlevelError: it cannot be read.
    """
    found: Settings = {}
    for section, value in yaml_text.read(path).items():
        keys = value if isinstance(value, dict) else {"": value}
        found |= {f"{section}.{key}".rstrip("."): keys[key] for key in keys}
    return found


def checked(name: str) -> str:
    """A name that a folder can have."""
    if not name or set(name) & set('/\\:*?"<>|') or name.startswith("."):
        raise errors.MidlevelError(
            f"A name of settings is a folder's too. Received: {name!r}."
        )
    return name
