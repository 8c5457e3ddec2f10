"""What a setting may be, in words; read from the JSON schema of the settings."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

Schema = Mapping[str, Any]
Place = Sequence[str | int]  # as pydantic's errors have it: names and list positions
KINDS = {  # one of them, several of them
    "integer": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "boolean": ("true or false", "true or false"),
    "string": ("text", "names"),
}


def words(place: Place, root: type[BaseModel]) -> str:
    """What is expected at `place` in the settings whose model is `root`.

    >>> from midlevel.settings.config import Config
    >>> words(["head", "hidden"], Config), words(["labels", "min_of_box"], Config)
    ('a list of whole numbers from 1', 'a number from 0 to 1')
    """
    known = _schema(root)["$defs"]
    return " or ".join(_said(arm, known) for arm in _at(_schema(root), place, known))


def choices(place: Place, root: type[BaseModel]) -> list[str]:
    """The words that may stand at `place`, where only some may.

    >>> from midlevel.settings.config import Config
    >>> choices(["scores", "k"], Config), choices(["data", "train"], Config)
    (['auto'], [])
    """
    arms = _at(_schema(root), place, _schema(root)["$defs"])
    return [name for arm in arms for name in _enumerated(arm)]


@functools.cache
def _schema(root: type[BaseModel]) -> Schema:
    return root.model_json_schema()


def _at(schema: Schema, place: Place, known: Schema) -> list[Schema]:
    """What may stand at a place, each kind of it; null, for a default, left out."""
    arms = _arms(schema, known)
    for part in place:
        below = [_below(arm, part) for arm in arms]
        arms = [arm for one in below if one for arm in _arms(one, known)]
    return arms


def _arms(schema: Schema, known: Schema) -> list[Schema]:
    if "$ref" in schema:
        return [known[schema["$ref"].rpartition("/")[2]]]
    several = schema.get("anyOf") or schema.get("oneOf") or [schema]
    found = [known[s["$ref"].rpartition("/")[2]] if "$ref" in s else s for s in several]
    return [arm for arm in found if arm.get("type") != "null"]


def _below(schema: Schema, part: str | int) -> Schema | None:
    """What a part of a list, a section or names with values may be."""
    if part == "[key]":
        return {"type": "string"}
    if schema["type"] == "array":
        return schema["items"] if isinstance(part, int) else None
    below = schema.get("properties", {}).get(part)
    return below or schema.get("additionalProperties") or None


def _said(schema: Schema, known: Schema, many: bool = False) -> str:
    names = _enumerated(schema)
    if names:
        return f"one of {', '.join(names)}" if len(names) > 1 else names[0]
    if schema["type"] == "array":
        least = ", at least one" if schema.get("minItems") else ""
        arms = _arms(schema["items"], known)
        items = " or ".join(_said(arm, known, True) for arm in arms)
        return f"{'lists' if many else 'a list'} of {items}{least}"
    if schema["type"] == "object":
        return _object(schema, known)
    return KINDS[schema["type"]][many] + _bounds(schema)


def _object(schema: Schema, known: Schema) -> str:
    if "properties" not in schema:
        return f"names with {_said(schema['additionalProperties'], known, True)}"
    if "required" in schema:
        return " and ".join(schema["required"])
    return f"settings such as {next(iter(schema['properties']))}"


def _enumerated(schema: Schema) -> list[str]:
    return [schema["const"]] if "const" in schema else schema.get("enum", [])


def _bounds(schema: Schema) -> str:
    """The limits of a number.

    >>> _bounds({"minimum": 1}), _bounds({"minimum": 0, "maximum": 1})
    (' from 1', ' from 0 to 1')
    >>> _bounds({"exclusiveMinimum": 0, "maximum": 16})
    ' above 0 and at most 16'
    """
    if {"minimum", "maximum"} <= schema.keys():
        return f" from {schema['minimum']} to {schema['maximum']}"
    said = {
        "minimum": "from",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    limits = [f"{word} {schema[key]}" for key, word in said.items() if key in schema]
    return f" {' and '.join(limits)}".rstrip()
