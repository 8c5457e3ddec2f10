"""docs/api.md: the public functions and classes, from their docstrings."""

import inspect
import re
import typing

import pydantic
import typing_extensions

import midlevel
from midlevel import api

HEAD = """# From Python

Everything that `import midlevel` gives; the functions do what the commands do, with the
same words. Importing is quick: TensorFlow is loaded by the first call that needs it.

```python
import midlevel

run = midlevel.train("photographs/", settings={"data.classes": ["cat", "dog"]})
model = midlevel.load(run)
for record in model.predict("holiday/"):
    print(record["file"], [label["name"] for label in record["labels"]])
```

Written by `python scripts/make_reference.py` from the docstrings.
"""
SECTION = re.compile(r"^(Args|Returns|Raises|Attributes):$")
ITEM = re.compile(r"^    (\S.*?): (.*)$")
CLASSES = {  # and what people use of them
    "Model": ("predict", "stream", "windows", "record", "with_thresholds"),
    "Run": ("record", "config", "metrics", "split_files"),
    "Record": (),
    "Records": ("to_pandas",),
    "Progress": ("silent", "say", "task"),
    "MidlevelError": (),
}


def page() -> str:
    """The whole page."""
    names = [name for name in vars(api) if name in midlevel.__all__]
    parts = [HEAD, "\n## Functions\n"]
    parts += [of_function(getattr(midlevel, name)) for name in names if name.islower()]
    parts.append("\n## Classes\n")
    parts += [of_class(name) for name in CLASSES]
    return "\n".join(parts)


def of_function(function, owner: str = "midlevel") -> str:
    """A function under its signature."""
    title = f"{owner}.{function.__name__}"
    return f"### {title}\n\n{signature(title, function)}\n\n{docstring(function)}\n"


def signature(title: str, function) -> str:
    """As Python has it, an argument a line where it is long."""
    found = inspect.signature(function)
    arguments, is_keyword_only = [], False
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not is_keyword_only:
            arguments.append("*")
            is_keyword_only = True
        arguments.append(written(parameter))
    result = (
        ""
        if found.return_annotation in (None, inspect.Signature.empty)
        else (f" -> {kind(found.return_annotation)}")
    )
    line = f"{title}({', '.join(arguments)}){result}"
    if len(line) > 80:
        inner = "".join(f"    {argument},\n" for argument in arguments)
        line = f"{title}(\n{inner}){result}"
    return f"```python\n{line}\n```"


def written(parameter: inspect.Parameter) -> str:
    """A parameter with its default."""
    if parameter.default is parameter.empty:
        return parameter.name
    return f"{parameter.name}={parameter.default!r}"


def kind(annotation) -> str:
    """A type by its last name."""
    if isinstance(annotation, str):
        return annotation
    return (
        getattr(annotation, "__name__", str(annotation)).rpartition(".")[2]
        if (not typing.get_args(annotation))
        else re.sub(r"\b[a-z_]+\.(?=[A-Za-z])", "", str(annotation))
    )


def docstring(thing) -> str:
    """A docstring as Markdown; its sections become lists."""
    lines, found = inspect.cleandoc(thing.__doc__ or "").splitlines(), []
    in_section = False
    for line in lines:
        if match := SECTION.match(line):
            in_section = True
            found += [f"**{match[1]}**", ""]
        elif in_section and (match := ITEM.match(line)):
            name = match[1] if " " in match[1] else f"`{match[1]}`"
            found.append(f"- {name}: {match[2]}")
        elif in_section and line.startswith("        "):
            found.append(f"  {line.strip()}")
        elif in_section and line.startswith("    "):
            found.append(line.strip())
        else:
            found.append(line)
    return "\n".join(found)


def of_class(name: str) -> str:
    """A class with its public methods."""
    found = getattr(midlevel, name)
    title = f"midlevel.{name}"
    parts = [f"### {title}\n\n{docstring(found)}\n"]
    if typing_extensions.is_typeddict(found):
        parts.append(fields(found))
    for member in CLASSES[name]:
        value = inspect.getattr_static(found, member)
        is_property = isinstance(value, property)
        called = "" if is_property else f"{signature(f'{name}.{member}', value)}\n\n"
        parts.append(f"#### {name}.{member}\n\n{called}{docstring(value)}\n")
    return "\n".join(parts)


def fields(record) -> str:
    """The keys of a record and what they mean."""
    schema = pydantic.TypeAdapter(record).json_schema()
    rows = ["| key | meaning |", "|---|---|"]
    for name, of_key in schema["properties"].items():
        rows.append(f"| `{name}` | {' '.join(of_key['description'].split())} |")
    for part in schema.get("$defs", {}).values():
        for name, of_key in part["properties"].items():
            key = f"{part['title'].lower()}: `{name}`"
            rows.append(f"| {key} | {' '.join(of_key['description'].split())} |")
    return "\n".join(rows) + "\n"
