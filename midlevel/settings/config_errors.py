"""Say in our own words what is wrong with a setting, and what was probably meant."""

import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from midlevel.settings import expected
from midlevel.system import text


class NotOneOf(ValueError):
    """A name that is none of those known; for validators of settings."""

    def __init__(self, received: str, known: Iterable[str], others: str = "") -> None:
        known = list(known)
        super().__init__(f"expected one of {', '.join(known)}{others}")
        self.hint = text.did_you_mean(received, known)


def explain(item: Mapping[str, Any], root: type[BaseModel]) -> str:
    """What one of pydantic's errors on the settings whose model is `root` comes to.

    One line of whole sentences.
    """
    loc = [part for part in item["loc"] if not str(part).startswith("<")]
    place = ".".join(str(part) for part in loc if part != "[key]")
    if item["type"] in ("extra_forbidden", "invalid_key"):
        return f"{place}: no such setting.{_suggest(loc, root)}"
    if item["type"] == "missing":
        return f"{place}: is missing. Expected {expected.words(loc, root)}."
    why, hint = _why(item, loc, root)
    if not place:  # about several settings together
        return f"{why}."
    return f"{place}: {why}. Received: {_shown(item['input'])}.{hint}"


def _why(
    item: Mapping[str, Any], loc: expected.Place, root: type[BaseModel]
) -> tuple[str, str]:
    """What is wrong with a value, and a sentence with what was probably meant."""
    if item["type"] == "value_error":  # of a validator of ours
        error = item["ctx"]["error"]
        return str(error).rstrip("."), getattr(error, "hint", "")
    received = item["input"]
    known = expected.choices(loc, root) if isinstance(received, str) else []
    hint = text.did_you_mean(received, known) if known else ""
    return f"expected {expected.words(loc, root)}", hint


def _shown(value: object) -> str:
    """A value in one line, shortened; YAML's aliases can make one that fills the
    memory."""
    if value is None:
        return "nothing"
    shown = value[:80] if isinstance(value, str) else reprlib.repr(value)[:80]
    return " ".join(shown.split())


def _suggest(place: list, root: type[BaseModel]) -> str:
    """The setting that was probably meant, from the same section or from any."""
    section = root
    for name in place[:-1]:
        if name not in (sections := _sections(section)):
            return ""  # inside a list or another value
        section = sections[name]
    last, siblings = str(place[-1]), list(section.model_fields)
    parents = [str(part) for part in place[:-1]]
    likely = [".".join([*parents, name]) for name in text.nearest(last, siblings)]
    likely += [key for key in _keys(root) if key.rpartition(".")[2] == last]
    if likely:
        return f" Did you mean {likely[0]}?"
    return f" There are: {', '.join(siblings)}."


def _sections(root: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The settings that hold others."""
    types = {name: field.annotation for name, field in root.model_fields.items()}
    return {
        name: annotation
        for name, annotation in types.items()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel)
    }


def _keys(root: type[BaseModel]) -> list[str]:
    """Every dotted key."""
    return [
        f"{name}.{key}"
        for name, section in _sections(root).items()
        for key in section.model_fields
    ]
