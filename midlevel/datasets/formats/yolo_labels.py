"""YOLO's text files of boxes, one a photograph."""

from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem
from midlevel.datasets.formats import values
from midlevel.datasets.formats.draft import Draft, finish

BOX = 5  # words: a class, x and y of the centre, width, height
FARTHEST = 1.0  # a share may lie outside by as much; what is beyond counts pixels


def read(
    path: Path, source: Path | None, names: dict[int, str], is_pose: bool = False
) -> tuple[list[Annotation], list[Problem]]:
    """The annotation of a photograph, none where no line of its labels can be used.

    Args:
        source: the file of its labels; without, it shows background.
        is_pose: keypoints follow each box; they are passed over.
    """
    if source is None:
        return [Annotation(path)], []
    try:
        lines = paths.text(source).splitlines()
    except errors.DataError as error:
        text = str(error).removeprefix(f"{source}: ")
        return [], [Problem(source, "annotation", text, "left out")]
    draft = Draft(path, source, relative=True)
    for number, line in enumerate(lines, 1):
        words = line.split()[: BOX if is_pose else None]
        if not words:
            continue
        try:
            draft.add(*_object(words, names), number)
        except errors.DataError as error:
            draft.refuse("annotation", str(error), number)
        except KeyError as error:
            text = f"class {error.args[0]} has no name; there are {len(names)} classes"
            draft.refuse("class", text, number)
    return finish([draft])


def _object(
    words: list[str], names: dict[int, str]
) -> tuple[tuple[float, float, float, float], str]:
    """Box and name of a line.

    Raises:
        errors.DataError: it is no line of numbers.
        KeyError: its class has no name.
    """
    count = len(words)
    if count != BOX and (count < 7 or count % 2 == 0):
        raise errors.DataError(
            "expected a class and 4 numbers, or a class and the corners of a polygon. "
            f"Received: {count} words"
        )
    key, *shares = map(values.number, words)
    if key != int(key):
        raise errors.DataError(f"expected a class id. Received: {words[0]!r}")
    if min(shares) < -FARTHEST or max(shares) > 1 + FARTHEST:
        raise errors.DataError(
            "expected shares of the photograph's sides, from 0 to 1. Received: "
            + values.shown(" ".join(words[1:]))
        )
    name = names[int(key)]
    if count > BOX:
        across, down = shares[::2], shares[1::2]
        return (min(across), min(down), max(across), max(down)), name
    x, y, width, height = shares
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return box, name
