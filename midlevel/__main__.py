"""`midlevel` and `python -m midlevel`."""

from midlevel.system import streams

streams.mend()  # before anything opens a file

from midlevel.commands.cli import cli  # noqa: E402


def main() -> None:
    """Run the command line."""
    cli(prog_name="midlevel")


if __name__ == "__main__":
    main()
