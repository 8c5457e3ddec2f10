"""Write docs/commands.md, settings.md and api.md from the code.

python scripts/make_reference.py
python scripts/make_reference.py --check    # leaves with 1 if one is out of date
"""

import inspect
import sys
import types
import typing
from pathlib import Path

import click
import pydantic
import reference_api

from midlevel.commands.cli import cli
from midlevel.settings.config import Config

DOCS = Path(__file__).parent.parent / "docs"
WIDTH = 80  # characters of a line of help
SETTINGS = """# Every setting

A run's `config.yaml` has them all. `--config FILE` reads such a file, with any part of
them; `--set KEY=VALUE` sets one, and may be given again. The value is YAML:
`--set data.classes=cat,dog`. A key that is not here is refused.

Written by `python scripts/make_reference.py` from `midlevel/settings/`.
"""
COMMANDS = """# Every command

Written by `python scripts/make_reference.py`; `midlevel COMMAND --help` says the same.
"""


def settings() -> str:
    """docs/settings.md."""
    parts, alone = [SETTINGS], []
    for name, field in Config.model_fields.items():
        kind = field.annotation
        if inspect.isclass(kind) and issubclass(kind, pydantic.BaseModel):
            title = f"\n## {name}\n\n{inspect.cleandoc(kind.__doc__)}\n"
            rows = [row(f"{name}.{key}", f) for key, f in kind.model_fields.items()]
            parts += [title, table(rows)]
        else:
            alone.append(row(name, field))
    return "\n".join([*parts, "\n## Without a section\n", table(alone)])


def table(rows: list[str]) -> str:
    """Rows under their heading."""
    head = "| key | default | values | meaning |\n|---|---|---|---|"
    return "\n".join([head, *rows])


def row(key: str, field) -> str:
    """One setting."""
    default = written(field.get_default())
    cells = (f"`{key}`", f"`{default}`", values(field), field.description or "")
    return "| " + " | ".join(map(cell, cells)) + " |"


def cell(text: str) -> str:
    """Text of one line that does not end the cell."""
    return " ".join(text.split()).replace("|", "\\|")


def written(value) -> str:
    """A value as YAML has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def values(field) -> str:
    """What a setting may be."""
    return kind_in_words(field.annotation) + "".join(limits(field.metadata))


def kind_in_words(kind) -> str:
    """A type for people."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin is typing.Annotated:
        return kind_in_words(inner[0]) + "".join(limits(inner[1:]))
    if origin in (typing.Union, types.UnionType):
        found = [kind_in_words(k) for k in inner if k is not type(None)]
        return " or ".join(found)
    if origin is list:
        return f"list of {kind_in_words(inner[0])}"
    if origin is dict:
        return "names to lists of names"
    names = {int: "whole number", float: "number", str: "text", bool: "`true`, `false`"}
    return names.get(kind, "levels")


def limits(metadata) -> list[str]:
    """Bounds among what pydantic knows of a field."""
    signs = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    found = []
    for item in metadata:
        for one in (item, *getattr(item, "metadata", ())):
            for name, sign in signs.items():
                bound = getattr(one, name, None)
                if bound is not None:
                    found.append(f", {sign} {bound:g}")
    return found


def commands() -> str:
    """docs/commands.md."""
    parts = [COMMANDS, block(cli, "midlevel")]
    for name, command in sorted(cli.commands.items()):
        parts += [f"\n## {name}\n", block(command, f"midlevel {name}")]
    return "\n".join(parts)


def block(command: click.Command, name: str) -> str:
    """Its help."""
    context = click.Context(
        command, info_name=name, terminal_width=WIDTH, **cli.context_settings
    )
    return f"```text\n{command.get_help(context)}\n```"


PAGES = {"settings.md": settings, "commands.md": commands, "api.md": reference_api.page}


def main(check: bool):
    """Write the pages, or name those that are out of date and leave with 1."""
    stale = []
    for file, make in PAGES.items():
        path, text = DOCS / file, make() + "\n"
        if not check:
            path.write_text(text, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != text:
            stale.append(
                f"{path}: is out of date; run python scripts/make_reference.py"
            )
    sys.exit("\n".join(stale) or 0)


if __name__ == "__main__":
    main("--check" in sys.argv)
