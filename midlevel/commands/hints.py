"""What was probably meant by an option or a command that is not there."""

import click

from midlevel.system import text

ALIKE = 0.75  # of a name and what it is taken for, as `text.nearest` measures


def meant(
    error: click.NoSuchOption | click.NoSuchCommand, group: click.Group
) -> click.UsageError:
    """The same error with what was probably meant: a setting, or a command."""
    if isinstance(error, click.NoSuchCommand):
        name, known = error.command_name, list(group.commands)
        near = [one for one in known if one.startswith(name)]
        near += text.nearest(name, known, ALIKE)
        hint = (
            f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
        )
        return click.UsageError(f"No such command {name!r}. {hint}", error.ctx)
    name = error.option_name.lstrip("-")
    params = error.ctx.command.params if error.ctx else []
    takes_settings = {one.name for one in params} & {"settings"}
    keys = _settings_named(name.replace("-", "_")) if takes_settings else []
    if not keys:
        return error
    return click.UsageError(
        f"No such option {error.option_name!r}. Did you mean --set {keys[0]}=VALUE?",
        error.ctx,
    )


def _settings_named(name: str) -> list[str]:
    """Dotted keys whose last part is `name`."""
    from midlevel.settings import config

    return [key for key in config.flat(config.Config()) if key.split(".")[-1] == name]
