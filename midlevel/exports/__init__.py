"""`midlevel export`: the model as files for other programs, each verified."""

import functools
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from midlevel import errors
from midlevel.exports import (
    card,
    class_names,
    contents,
    formats,
    models,
    verification,
)
from midlevel.exports.formats import Format
from midlevel.exports.verification import Comparison
from midlevel.prediction.model import Model, load
from midlevel.system import files, text
from midlevel.system.progress import Progress

check = formats.check  # what a command calls before it loads the model
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
    scores float32 `(n, 1 + classes)`, that of `Model.columns`. `image` takes RGB uint8
    `(n, height, width, 3)` and gives calibrated scores `(n, classes)`; a run on crops
    has none, as its windows are cut out before the network sees them. Beside them:
    `labels.json`, `labels.txt`, `exports.json` (see `contents`) and a model card.

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
    progress, chosen = progress or Progress(), formats.check(names, verify)
    _check_backbone(model)
    model = _as_exported(model, progress)
    folder = Path(folder) if folder else model.run.folder / "exports"
    shown = verification.photographs(model, VERIFIED_ON) if verify else {}
    if any(name.startswith(verification.NOISE) for name in shown):
        progress.warn("photographs of the run are gone: noise verifies in their place")
    compared = functools.cache(functools.partial(_comparison, model, shown))
    network = functools.cache(functools.partial(_network, model))
    content, written = class_names.of(model), []
    with _staged(folder) as stage:
        contents.check_own(folder, model)
        for form, kind in _wanted(chosen, model, progress):
            size_wh = _size(form, kind, model, image_wh, progress)
            name, made = f"{kind}{form.ending}", network(kind, size_wh, form.is_counted)
            _write(stage / name, form, made, content)
            score = form.room.load(stage / name) if verify else None
            worst = _verify(name, form, compared(kind, size_wh), score, folder)
            cost = None
            if score and size_wh:
                cost = verification.costs(model, shown, size_wh, score)
            _put(stage, folder)
            verified = contents.Verified(worst, cost, list(shown))
            progress.say(f"{folder / name}: {_said(verified)}")
            contents.add(folder, model, form, name, made, verified)
            written.append(folder / name)
        return [*written, *_explained(folder, model, content)]


def _check_backbone(model: Model) -> None:
    """Refuse a network of the user's own: files are made from Keras models."""
    if model.config.backbone.facts():
        raise errors.MidlevelError(
            f"{model.run.folder}: the backbone is a file of your own, "
            f"{model.config.backbone.weights}, and no Keras model: there is nothing to "
            "export from. Its backbone.xml and head.xml are files of OpenVINO; see "
            "docs/backbones.md."
        )


def _as_exported(model: Model, progress: Progress) -> Model:
    """The run as the files compute it: in f32, each photograph once."""
    if model.extractor.backbone.engine.precision != "f32":
        model = load(model.run.folder, precision="f32")
    if model.extractor.mirror:
        progress.say("the files see a photograph as it is, not mirrored too")
    return model.with_mirror(False)


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


def _size(
    form: Format,
    kind: str,
    model: Model,
    image_wh: tuple[int, int] | None,
    progress: Progress,
) -> tuple[int, int] | None:
    """The one size of image that a file takes; None for any."""
    if kind == "window":
        return None
    has_fixed_size = form.has_fixed_size or (
        form.is_counted and not models.is_countable(model)
    )
    size_wh = image_wh or (IMAGE_WH if has_fixed_size else None)
    if size_wh:
        width, height = size_wh
        progress.say(
            f"image{form.ending} takes images of {width}x{height} (--image-size): put "
            f"photographs into it in their shape, as {card.FILE} shows"
        )
    return size_wh


def _network(
    model: Model, kind: str, size_wh: tuple[int, int] | None, is_counted: bool
) -> Any:
    return models.MAKERS[kind](model, size_wh, is_counted)


def _comparison(
    model: Model,
    shown: dict[str, np.ndarray],
    kind: str,
    size_wh: tuple[int, int] | None,
) -> Comparison | None:
    return verification.COMPARISONS[kind](model, shown, size_wh) if shown else None


def _write(path: Path, form: Format, network: Any, content: dict[str, Any]) -> None:
    """Write a file; what goes wrong in somebody's converter is said in one line."""
    try:
        with files.explained(path.name, contents.ADVICE):
            form.write(network, path, content)
    except errors.MidlevelError:
        raise
    except Exception as error:  # a converter meets an operation that it does not know
        why = " ".join(str(error).split())[:300]
        raise errors.MidlevelError(
            f"{path.name}: the converter to {form.name} failed: "
            f"{type(error).__name__}: {why}. Choose another --format."
        ) from error


def _verify(
    name: str,
    form: Format,
    compared: Comparison | None,
    score: verification.Score | None,
    folder: Path,
) -> float | None:
    """The largest difference of a score from the run's; None if nobody asked."""
    if compared is None or score is None:
        return None
    worst = compared.worst(score)
    if not worst <= form.tolerance:
        raise errors.MidlevelError(
            f"{folder / name}: was not kept: its scores differ from the run's by "
            f"{worst:.1e}, expected at most {form.tolerance:.0e}. Please report this."
        )
    return worst


def _said(verified: contents.Verified) -> str:
    if verified.worst is None:
        return "not verified"
    said = f"differs from the run by at most {verified.worst:.1e}"
    if verified.cost:
        largest = verified.cost["largest"]
        said += f"; with photographs put into its size, by {largest:.3f}"
    return said


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """A folder in `folder` for what is not verified yet, while no other export runs.

    Raises:
        errors.MidlevelError: another process exports there, or it cannot be written.
    """
    with ExitStack() as stack:
        with files.explained(folder, contents.ADVICE):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(files.locked(folder / LOCK))
            stage = folder / STAGE
            shutil.rmtree(stage, ignore_errors=True)  # of a process that was killed
            stage.mkdir()
        stack.callback(shutil.rmtree, stage, ignore_errors=True)
        yield stage


def _put(stage: Path, folder: Path) -> None:
    """Move what is in `stage` into `folder`, in place of what had its name."""
    for path in sorted(stage.iterdir()):  # an .xml, which is looked for, after its .bin
        place = folder / path.name
        with files.explained(place, contents.ADVICE):
            if place.is_dir():
                shutil.rmtree(place)
            path.replace(place)


def _explained(folder: Path, model: Model, content: dict[str, Any]) -> list[Path]:
    """Write what a person reads beside the models."""
    texts = {
        class_names.FILE: text.as_json(content),
        class_names.PLAIN_FILE: class_names.as_lines(content),
        card.FILE: card.of(model, contents.read(folder, model)),
    }
    for name, written in texts.items():
        with files.explained(folder / name, contents.ADVICE):
            files.write_text(folder / name, written)
    names = (class_names.FILE, class_names.PLAIN_FILE, contents.FILE, card.FILE)
    return [folder / name for name in names]
