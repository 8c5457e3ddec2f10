"""`midlevel export`: the model as files for other programs, each verified."""

import functools
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from midlevel import errors
from midlevel.exports import card, contents, formats, labels, models, verification
from midlevel.exports.formats import Format
from midlevel.exports.verification import Trial
from midlevel.prediction.model import Model, load
from midlevel.system import files
from midlevel.system.progress import Progress

ADVICE = "Name another --output."
VERIFIED_ON = 6  # photographs
IMAGE_WH = (640, 480)  # of a format that takes one size: cameras' 4 to 3
STAGE = ".unverified"  # where a file is until it is found right
LOCK = ".lock"


def export(
    model: Model,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    names: Sequence[str] = ("keras",),
    image_wh: tuple[int, int] | None = None,
    verify: bool = True,
) -> list[Path]:
    """Write a model in some formats, two files each; compare each file with the run.

    `window` takes RGB uint8 `(n, s, s, 3)`, s the backbone's input size, and gives
    scores float32 `(n, 1 + classes)`, background first. `image` takes RGB uint8
    `(n, height, width, 3)` and gives calibrated scores `(n, classes)`; a run on crops
    has none, as its windows are cut out before the network sees them. Beside them:
    `labels.json`, `exports.json` (see `contents`) and a model card.

    Args:
        folder: by default `exports` in the run.
        names: of formats in `formats.TABLE`, or `all`.
        image_wh: the one size of image that `image` takes, in pixels; by default any,
            and `IMAGE_WH` in a format that takes one size only.
        verify: load each file with the format's own runtime, run it on photographs of
            the run's validation split, and keep none that differs.

    Returns:
        The files written; a SavedModel is a folder.

    Raises:
        errors.MissingDependency: a format needs a package that is not installed.
        errors.MidlevelError: there is no such format, a file cannot be written, or it
            differs from the run by more than its format's tolerance; then it is not
            kept.
    """
    progress, chosen = progress or Progress(), formats.find(names)
    formats.require(chosen, verify)
    if model.extractor.backbone.engine.precision != "f32":  # what the files compute in
        model = load(model.run.folder, precision="f32")
    folder = Path(folder) if folder else model.run.folder / "exports"
    shown = verification.photographs(model, VERIFIED_ON) if verify else {}
    if any(name.startswith(verification.NOISE) for name in shown):
        progress.warn("photographs of the run are gone: noise verifies in their place")
    trial = functools.cache(functools.partial(_trial, model, shown))
    network = functools.cache(functools.partial(_network, model))
    content, written = labels.of(model), []
    with _staged(folder) as stage:
        contents.check_own(folder, model)
        for form, kind in _wanted(chosen, model, progress):
            size_wh = _size(form, kind, image_wh, progress)
            name, made = f"{kind}{form.ending}", network(kind, size_wh)
            _write(stage / name, form, made, content)
            worst = _verify(stage / name, form, trial(kind, size_wh), folder)
            _put(stage, folder)
            progress.say(f"{folder / name}: {_said(worst)}")
            contents.add(folder, model, form, name, made, worst, list(shown))
            written.append(folder / name)
        return [*written, *_explained(folder, model, content)]


def _wanted(
    chosen: Sequence[Format], model: Model, progress: Progress
) -> list[tuple[Format, str]]:
    """Formats and kinds of model; says what a person must know of the kinds."""
    kinds = ["window", "image"]
    if model.extractor.method == "dense":
        progress.say(
            "an image model gives this run's own scores; a window model sees a window "
            "cut out and alone, while the run sees it in its surroundings"
        )
    else:
        kinds.remove("image")
        progress.say("this run scores windows cut out and alone: no image models")
    return [(form, kind) for form in chosen for kind in kinds]


def _size(form: Format, kind: str, image_wh, progress: Progress):
    """The one size of image that a file takes; None for any."""
    if kind == "window":
        return None
    size_wh = image_wh or (IMAGE_WH if form.has_fixed_size else None)
    if size_wh:
        width, height = size_wh
        progress.say(
            f"image{form.ending} takes images of {width}x{height}: resize photographs "
            "to it, by the mean of areas where they shrink (--image-size)"
        )
    return size_wh


def _network(model: Model, kind: str, size_wh):
    return models.MAKERS[kind](model, size_wh)


def _trial(model: Model, shown: dict, kind: str, size_wh) -> Trial | None:
    return verification.TRIALS[kind](model, shown, size_wh) if shown else None


def _write(path: Path, form: Format, network, content: dict):
    """Write a file; what goes wrong in somebody's converter is said in one line."""
    try:
        with files.explained(path.name, ADVICE):
            form.room.write(network, path, content)
    except errors.MidlevelError:
        raise
    except Exception as error:  # a converter meets an operation that it does not know
        why = " ".join(str(error).split())[:300]
        raise errors.MidlevelError(
            f"{path.name}: the converter to {form.name} failed: "
            f"{type(error).__name__}: {why}. Choose another --format."
        ) from error


def _verify(path: Path, form: Format, trial: Trial | None, folder: Path):
    """The largest difference of a score from the run's; None if nobody asked."""
    if trial is None:
        return None
    worst = trial.worst(form.room.load(path))
    if not worst <= form.tolerance:
        raise errors.MidlevelError(
            f"{folder / path.name}: was not kept: its scores differ from the run's by "
            f"{worst:.1e}, expected at most {form.tolerance:.0e}. Please report this."
        )
    return worst


def _said(worst: float | None) -> str:
    if worst is None:
        return "not verified"
    return f"differs from the run by at most {worst:.1e}"


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """A folder in `folder` for what is not verified yet, while no other export runs.

    Raises:
        errors.MidlevelError: another process exports there, or it cannot be written.
    """
    with ExitStack() as stack:
        with files.explained(folder, ADVICE):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(files.locked(folder / LOCK))
            stage = folder / STAGE
            shutil.rmtree(stage, ignore_errors=True)  # of a process that was killed
            stage.mkdir()
        stack.callback(shutil.rmtree, stage, ignore_errors=True)
        yield stage


def _put(stage: Path, folder: Path):
    """Move what is in `stage` into `folder`, in place of what had its name."""
    for path in sorted(stage.iterdir()):  # an .xml, which is looked for, after its .bin
        place = folder / path.name
        with files.explained(place, ADVICE):
            if place.is_dir():
                shutil.rmtree(place)
            path.replace(place)


def _explained(folder: Path, model: Model, content: dict) -> list[Path]:
    """Write what a person reads beside the models."""
    texts = {
        labels.FILE: labels.as_json(content),
        card.FILE: card.of(model, contents.read(folder, model)),
    }
    for name, text in texts.items():
        with files.explained(folder / name, ADVICE):
            files.write_text(folder / name, text)
    return [folder / labels.FILE, folder / contents.FILE, folder / card.FILE]
