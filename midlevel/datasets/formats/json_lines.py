"""Lines of a JSON file, which Python's reader of JSON does not tell."""

import json
import re

GAP = re.compile(r"[\s,:]*")  # between values; the text is known to be JSON
DECODER = json.JSONDecoder()


def of_items(text: str) -> dict[str, list[int]]:
    """The line, from 1, on which each item of the outermost object's lists begins.

    Args:
        text: JSON that can be read, an object outermost.

    >>> of_items('{"images": [\\n {"id": 1},\\n {"id": 2}],\\n "info": {}}')
    {'images': [2, 3]}
    """
    lines: dict[str, list[int]] = {}
    line, counted = 1, 0
    place = _after_gap(text, text.index("{") + 1)
    while text[place] != "}":
        key, place = DECODER.raw_decode(text, place)
        place = _after_gap(text, place)
        if text[place] != "[":
            place = _after_value(text, place)
            continue
        lines[key] = []
        place = _after_gap(text, place + 1)
        while text[place] != "]":
            line, counted = line + text.count("\n", counted, place), place
            lines[key].append(line)
            place = _after_value(text, place)
        place = _after_gap(text, place + 1)
    return lines


def _after_value(text: str, place: int) -> int:
    return _after_gap(text, DECODER.raw_decode(text, place)[1])


def _after_gap(text: str, place: int) -> int:
    found = GAP.match(text, place)  # of nothing, if need be
    return found.end() if found else place
