"""What boxes buy, as rows for JSON and as a table to read."""

from collections.abc import Mapping, Sequence
from typing import Any

from compare import tables
from compare.tables import Row
from compare.trials import Result
from midlevel.system import terminal, text

PLACES = {  # measures of where things are, and their titles
    "pointing": "pointing %",
    "point_AP": "point AP %",
    "corloc": "CorLoc %",
    "AP50": "AP50 %",
}
MEASURES = {"mAP": "area mAP %", **PLACES}
NOTE = (
    "std: standard deviation over seeds; pointing: the mean share of hits over the "
    "classes; point AP, CorLoc and AP50 as `midlevel evaluate` says them; learning: "
    "seconds without features, the median."
)


def rows(results: Mapping[str, Sequence[Result]]) -> list[Row]:
    """Those of `tables.rows`, each with `PLACES` over seeds."""
    found = tables.rows(results)
    for row, of_way in zip(found, results.values(), strict=True):
        for measure in PLACES:
            known = [one.facts[measure] for one in of_way]
            missing = {"mean": None, "std": None, "by_seed": known}
            row[measure] = missing if None in known else tables.over_seeds(known)
    return found


def as_text(found: Mapping[str, Any]) -> str:
    """A table of all shares of photographs with boxes, for each way of learning.

    Args:
        found: what `effort` writes as JSON.
    """
    ways: dict[str, list[list[str]]] = {}
    for task in found["tasks"].values():
        for row in task["rows"]:
            cells = [row["way"], f"{task['share']}", f"{task['boxed']}", *_cells(row)]
            ways.setdefault(row["way"], []).append(cells)
    titles = [part for title in MEASURES.values() for part in (title, "std")]
    titles = ["", "boxes on %", "photographs", *titles, "learning s"]
    counts = next(iter(found["tasks"].values()))["photographs"]
    return terminal.shown(
        f"{found['data']}, midlevel {tables.codes(found['tasks'])}",
        f"labels on {counts['train']} photographs to learn from, {counts['val']} to "
        f"measure on; {found['seeds']} seeds",
        terminal.table(
            "~" + ">" * (len(titles) - 1),
            [cells for of_way in ways.values() for cells in of_way],
            titles,
        ),
        NOTE,
    )


def _cells(row: Row) -> list[str]:
    values = [row["mAP"]["area"], *(row[measure] for measure in PLACES)]
    shown = [text.percent(value[key]) for value in values for key in ("mean", "std")]
    return [*shown, "-" if row["learning_s"] is None else f"{row['learning_s']:.0f}"]
