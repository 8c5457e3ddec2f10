"""`midlevel` and `python -m midlevel`."""

from midlevel.cli import cli


def main():
    """Run the command line."""
    cli(prog_name="midlevel")


if __name__ == "__main__":
    main()
