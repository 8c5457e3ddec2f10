"""Say in one line what is wrong with a setting, and what was probably meant."""

import reprlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from midlevel.system import text


def explain(item: Mapping[str, Any], root: type[BaseModel]) -> str:
    """One line for one of pydantic's errors on the settings whose model is `root`."""
    loc = [part for part in item["loc"] if not str(part).startswith("<")]
    place = ".".join(map(str, loc))
    if item["type"] == "extra_forbidden":
        return f"{place}: no such setting.{_suggest(loc, root)}"
    why = item["msg"].removeprefix("Value error, ").rstrip(".")
    if not place:  # about several settings together
        return why
    return f"{place}: {why}. Received: {_shown(item['input'])}"


def _shown(value: object) -> str:
    """A value, shortened; YAML's aliases can make one that fills the memory."""
    return (value if isinstance(value, str) else reprlib.repr(value))[:80]


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
