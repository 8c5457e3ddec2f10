"""Pages for people: HTML that needs no network, made from templates.

What a template is given is escaped: names of classes and files come from anybody.
"""

import functools
from importlib import metadata

import jinja2

from midlevel.system import text


@functools.cache
def _environment() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("midlevel.pages", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["percent"] = text.percent
    found.globals["version"] = metadata.version("midlevel")
    return found


def render(template: str, **content: object) -> str:
    """A page.

    Args:
        template: name of a file in templates/.
        content: what it names.
    """
    return _environment().get_template(template).render(**content)
