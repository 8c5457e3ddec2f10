"""YAML from anybody: plain values, and one kind of error whatever is in it."""

from pathlib import Path

import yaml

from midlevel import errors


def load(text: str) -> object:
    """What stands in `text`; no tag makes anything but plain values.

    Raises:
        ValueError: it cannot be read; the message is one line.
    """
    try:
        return yaml.safe_load(text)
    # PyYAML's own errors, and what its makers of numbers and dates let through
    except (yaml.YAMLError, ValueError, LookupError, AttributeError) as error:
        raise ValueError(_in_one_line(error)) from error
    except (ArithmeticError, TypeError) as error:
        raise ValueError(_in_one_line(error)) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def read(file: Path) -> dict:
    """The sections of a file of settings.

    Raises:
        errors.MidlevelError: it cannot be read, or holds something else.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.MidlevelError(f"{file}: cannot be read: {error}.") from error
    try:
        tree = load(text) or {}
    except ValueError as error:
        raise errors.MidlevelError(f"{file}: is not YAML: {error}.") from error
    if not isinstance(tree, dict):
        raise errors.MidlevelError(f"{file}: expected sections such as `training:`.")
    return tree


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
