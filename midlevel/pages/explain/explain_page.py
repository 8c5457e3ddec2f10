"""`midlevel explain`: why photographs have their labels, as a page and pictures."""

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from midlevel import errors
from midlevel.features.batch import Failure
from midlevel.images import sources
from midlevel.pages import outputs, rendering
from midlevel.pages.explain import explain_pictures, reasons, truth
from midlevel.pages.explain.explain_pictures import ExplainedPhotograph
from midlevel.prediction.model import Model
from midlevel.system import threads
from midlevel.system.progress import Progress

FOLDER = Path("runs/explain")
MOST = 40  # photographs on a page; some hundred kilobytes each


@dataclass
class Explanation:
    """What was explained.

    Attributes:
        page: the path of the page.
        done: photographs explained.
        failures: a line on each that could not be read.
        verdicts: for each class how often it was right, wrong, missed and so on.
    """

    page: Path
    done: int = 0
    failures: list[str] = field(default_factory=list)
    verdicts: dict[str, Counter] = field(default_factory=dict)


def make(
    model: Model,
    paths: Sequence[Path],
    names: Sequence[str] = (),
    data: str | Path | None = None,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Explain photographs: a PNG for each and each class, and one page.

    The page shows `MOST` photographs at most, those with wrong or missed labels first;
    the PNGs are of all, and are written as they come.

    Args:
        paths: photographs, such as `sources.find` gives.
        names: the classes to explain; by default see `reasons.chosen`.
        data: a data set that says what photographs really show; by default the one the
            model was trained on, where it holds some of them.
        output: an empty folder; by default a new one in runs/explain.

    Raises:
        errors.DataError: no photograph can be read.
        errors.MidlevelError: an unknown class, `data` cannot be used, or the output
            cannot be written.
        errors.Interrupted: Ctrl-C; the page shows what there was.
    """
    progress = progress or Progress()
    _check(model, names)
    known = truth.find(model.run, paths, data, progress)
    if known.folder:
        count = sum(path in known for path in paths)
        progress.say(f"{count} of {len(paths)} photographs are in {known.folder}")
    place = outputs.folder(output, FOLDER)
    work = _Work(place, sources.root(paths), model.classes)
    explain = functools.partial(
        explain_pictures.explain_photograph, model, known, names
    )
    try:
        with progress.task("explain", len(paths)) as advance:
            workers = model.extractor.backbone.engine.workers
            for explained in threads.in_order(paths, explain, workers):
                advance()
                _take(explained, work, progress)
    except KeyboardInterrupt as error:
        _write(model, work, len(paths))
        raise errors.Interrupted(
            f"Interrupted; what was explained is in {work.summary.page}."
        ) from error
    summary = work.summary
    if not summary.done:
        raise errors.DataError(
            f"None of the photographs could be read; the first: {summary.failures[0]}"
        )
    _write(model, work, len(paths))
    return work.summary


class _Work:
    """An explanation as it goes: what was counted, and what the page will show."""

    def __init__(self, place: Path, root: Path, classes: Sequence[str]):
        self.place, self.root = place, root
        self.summary = Explanation(place / outputs.PAGE)
        self.summary.verdicts = {name: Counter() for name in classes}
        self.slugs = outputs.slugs(classes)
        self.shown: list[tuple[dict, bool]] = []  # content, has a mistake


def _check(model: Model, names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in model.classes]
    if unknown:
        raise errors.MidlevelError(
            f"The model has no class {unknown[0]!r}; it has: "
            f"{', '.join(model.classes)}. Name one of these with --class."
        )


def _take(
    explained: ExplainedPhotograph | Failure, work: _Work, progress: Progress
) -> None:
    """Write the pictures of a photograph; keep what the page may need."""
    summary = work.summary
    if isinstance(explained, Failure):
        summary.failures.append(explained.reason)
        progress.say(f"failed  {explained.reason}")
        return
    summary.done += 1
    for name, verdict in explained.verdicts.items():
        summary.verdicts[name][verdict] += 1
    number = f"{summary.done + len(summary.failures):04}"
    stem = f"{number}-{outputs.slug(explained.path.stem)}"
    files = {name: f"{stem}-{work.slugs[name]}.png" for name in explained.pictures}
    for name, picture in explained.pictures.items():
        outputs.write_picture(work.place / files[name], picture)
    name = sources.name(explained.path, work.root)
    content = {**explained.content, "name": name, "files": files}
    work.shown.append((content, explained.has_mistake))
    if len(work.shown) > MOST:
        right = [i for i, (_, is_mistaken) in enumerate(work.shown) if not is_mistaken]
        del work.shown[right[-1] if right else -1]


def _write(model: Model, work: _Work, total: int) -> None:
    photographs = [content for content, _ in work.shown]
    rows = [row for content in photographs for row in content["explained"]]
    text = rendering.render(
        "explain.html",
        run=str(model.run.folder),
        photographs=photographs,
        has_parts=any(row["parts"] for row in rows),
        summary=work.summary,
        total=total,
        verdicts=_table(work.summary),
    )
    outputs.write_page(work.place, text)


def _table(summary: Explanation) -> list[tuple]:
    """For each class how often it was right, wrong and missed; empty without truth."""
    kinds = ("right", *reasons.MISTAKES)
    rows = [(n, [c[kind] for kind in kinds]) for n, c in summary.verdicts.items()]
    has_truth = any(set(c) - {""} for c in summary.verdicts.values())
    return rows if has_truth else []
