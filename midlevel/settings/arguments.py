"""What the public functions are given, checked before any work."""

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from typing import ParamSpec, TypeVar

from midlevel import errors
from midlevel.settings import choices

P = ParamSpec("P")
R = TypeVar("R")

Rule = tuple[Callable[[object], bool], str]  # what is accepted, and in words


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, which refuses arguments that mean nothing by what `RULES` say.

    Defaults are accepted as they are. What needs a model or data to be judged is judged
    where those are.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            own = RULES.get(f"{function.__name__}.{name}")
            rule = own or RULES.get(name)
            if rule and value is not signature.parameters[name].default:
                _check(name, value, rule)
        return function(*args, **kwargs)

    return call


def _check(name: str, value: object, rule: Rule) -> None:
    is_good, expected = rule
    if not is_good(value):
        shown = repr(value)
        shown = shown if len(shown) < 80 else type(value).__name__
        raise errors.MidlevelError(f"{name}: expected {expected}. Received: {shown}.")


def _is_place(value: object) -> bool:
    return isinstance(value, str | os.PathLike)


def _is_source(value: object) -> bool:
    is_one = isinstance(value, bytes | bytearray | Mapping)
    return _is_place(value) or (isinstance(value, Iterable) and not is_one)


def _is_list(value: object) -> bool:
    """Whether it has parts; a text's are its letters, which nobody means."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _is_config(value: object) -> bool:
    return _is_place(value) or hasattr(value, "model_copy")


def _are_numbers(value: object) -> bool:
    return isinstance(value, list | tuple | range) and all(map(_is_number, value))


def _is_number(value: object) -> bool:
    return isinstance(value, Integral)


def _is_count(value: object) -> bool:
    return isinstance(value, Integral) and int(value) >= 1


def _is_size(value: object) -> bool:
    if not isinstance(value, list | tuple):
        return False
    return len(value) == 2 and all(map(_is_count, value))


def _is_part(value: object) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return False
    return all(map(_is_number, value)) and 0 <= value[0] < value[1]


def _is_port(value: object) -> bool:
    return isinstance(value, Integral) and 0 <= int(value) < 1 << 16


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _one_of(names: tuple[str, ...]) -> Rule:
    return names.__contains__, f"one of {', '.join(names)}"


def _is_progress(value: object) -> bool:
    return all(hasattr(value, name) for name in ("say", "warn", "task"))


PLACE: Rule = _is_place, "the path of a file or folder"
LIST: Rule = _is_list, "a list of names"
COUNT: Rule = _is_count, "a whole number from 1"
RULES: dict[str, Rule] = {  # by argument, or by function and argument
    **dict.fromkeys(("data", "run", "output", "path", "windows.source"), PLACE),
    **dict.fromkeys(("classes", "formats", "allow_hosts"), LIST),
    **dict.fromkeys(("count", "max_upload"), COUNT),
    **dict.fromkeys(("split", "host"), (_is_text, "a text")),
    "runs": (_is_list, "a list of runs or their folders"),
    "source": (_is_source, "a path (a file, a folder or a glob), or a list of these"),
    "config": (_is_config, "a Config, or the path of a YAML file"),
    "settings": (
        lambda value: isinstance(value, Mapping),
        "a dict of dotted keys, such as {'data.classes': ['cat']}",
    ),
    "shard": (_is_part, "(i, n) with i from 0 to n - 1"),
    "predict.format": _one_of(choices.RECORD_FORMATS),
    "of": _one_of(("head", "backbone")),
    "numbers": (_are_numbers, "a list of whole numbers"),
    "image_size": (_is_size, "(width, height) in pixels"),
    "port": (_is_port, "a whole number from 0 to 65535"),
    "progress": (_is_progress, "a Progress"),
}
