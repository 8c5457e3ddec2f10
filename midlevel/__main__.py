"""`midlevel` and `python -m midlevel`."""

import sys

from midlevel.commands.cli import cli


def main():
    """Run the command line."""
    # A file's name may hold bytes, or the terminal may lack characters.
    sys.stdout.reconfigure(errors="backslashreplace")
    cli(prog_name="midlevel")


if __name__ == "__main__":
    main()
