"""Where the demo set is."""

from pathlib import Path

from midlevel import errors

PACKAGE = Path(__file__).parent.parent
FOLDERS = (PACKAGE / "demo", PACKAGE.parent / "data" / "demo")  # installed, source


def folder() -> Path:
    """The demo set.

    Raises:
        errors.DataError: it was not installed.
    """
    for place in FOLDERS:
        if place.is_dir():
            return place
    raise errors.DataError(
        "The demo set is not installed. Name a folder with boxed photographs: "
        "midlevel train DATA."
    )
