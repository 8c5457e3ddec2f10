"""`midlevel export`: the model as files for other programs, each verified."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from midlevel import backbones, errors, files, heads, images, runtime
from midlevel.model import Model, load
from midlevel.progress import Progress

ADVICE = "Name another --output."
TOLERANCE = 1e-4  # largest difference of a score between an export and the run
VERIFIED_ON = 6  # photographs
WINDOWS_EACH = 8  # windows of each photograph that `window.keras` is verified on


def export(
    model: Model, folder: str | Path | None = None, progress: Progress | None = None
) -> list[Path]:
    """Write `window.keras`, `image.keras` and `labels.json`; compare them with the run.

    `window.keras` takes RGB uint8 `(n, s, s, 3)`, s the backbone's input size, and
    gives scores float32 `(n, 1 + classes)`, background first. `image.keras` takes RGB
    uint8 `(n, height, width, 3)` of any size and gives their scores `(n, classes)`; a
    run on crops has none, as its windows are cut out before the network sees them.

    Args:
        folder: by default `exports` in the run.

    Returns:
        The files written.

    Raises:
        errors.MidlevelError: the folder cannot be written, or an export differs from
            the run by more than `TOLERANCE`; then it is not kept.
    """
    progress = progress or Progress()
    if model.extractor.backbone.engine.precision != "f32":  # what the files compute in
        model = load(model.run.folder, precision="f32")
    folder = Path(folder) if folder else model.run.folder / "exports"
    with files.explained(folder, ADVICE):
        folder.mkdir(parents=True, exist_ok=True)
    photographs = list(_photographs(model))
    jobs = [("window.keras", window_model, window_difference)]
    if model.extractor.method == "dense":
        jobs.append(("image.keras", image_model, image_difference))
        progress.say(
            "image.keras gives this run's own scores; window.keras sees a window cut "
            "out and alone, while the run sees it in its surroundings"
        )
    else:
        progress.say("this run scores windows cut out and alone: no image.keras")
    written = []
    for name, make, difference in jobs:
        path = folder / name
        worst = _write_verified(path, make(model), difference, model, photographs)
        progress.say(f"{path}: differs from the run by at most {worst:.1e}")
        written.append(path)
    return [*written, _write_labels(folder / "labels.json", model)]


def window_model(model: Model):
    """A Keras model from windows to scores of background and classes."""
    keras, (backbone, head) = runtime.load_keras(), _networks(model)
    side = model.extractor.backbone.spec.input_size
    inputs = keras.Input((side, side, 3), dtype="uint8", name="windows")
    means = keras.layers.GlobalAveragePooling2D(name="features")
    return keras.Model(inputs, head(means(backbone(inputs))), name="window")


def image_model(model: Model):
    """A Keras model from whole images to image scores."""
    keras, (backbone, head) = runtime.load_keras(), _networks(model)
    from midlevel import layers

    geometry, spec = model.extractor.geometry, model.extractor.backbone.spec
    inputs = keras.Input((None, None, 3), dtype="uint8", name="images")
    vectors = []
    for level in geometry.levels:
        resized = layers.PyramidLevel(
            level.scale, geometry.stride, geometry.input_size, geometry.min_cells
        )(inputs)
        means = layers.WindowMeans(level.sizes, geometry.overlap, spec.lost_cells)
        vectors.append(means(backbone(resized)))
    if len(vectors) > 1:
        vectors = [keras.layers.Concatenate(axis=1, name="features")(vectors)]
    window_scores = _over_windows(head)(vectors[0])
    raw = layers.ImageScores(model.k, name="image_scores")(window_scores)
    calibration = model.calibration
    outputs = layers.Calibrated(
        list(calibration.slopes), list(calibration.intercepts), name="scores"
    )(raw)
    return keras.Model(inputs, outputs, name="image")


def window_difference(network, model: Model, image: np.ndarray) -> float:
    """Largest difference of scores over some windows of an image, cut out and alone."""
    backbone = model.extractor.backbone
    boxes = model.extractor.plan(images.size_wh(image)).boxes
    chosen = np.linspace(0, len(boxes) - 1, WINDOWS_EACH).astype(int)
    cuts = [images.cut(image, boxes[i], backbone.spec.input_size) for i in chosen]
    cuts = np.stack(cuts)
    vectors = backbone.network(cuts).mean(axis=(1, 2))
    expected = heads.score(model.head, vectors)
    return float(np.abs(network.predict_on_batch(cuts) - expected).max())


def image_difference(network, model: Model, image: np.ndarray) -> float:
    """Largest difference of image scores of an image."""
    expected = model.probabilities(model.windows(image))
    return float(np.abs(network.predict_on_batch(image[None])[0] - expected).max())


def _networks(model: Model) -> tuple:
    """The run's backbone and head as Keras models."""
    settings, run = model.config.backbone, model.run
    kept = run.weights_file if run.weights_file.exists() else settings.weights
    return backbones.keras_model(settings.name, kept), heads.load(run.head_file)


def _over_windows(head):
    """The head on `(n, windows, channels)`: the same layers, one more axis."""
    keras = runtime.load_keras()
    inputs = keras.Input((None, head.input_shape[-1]), name="windows")
    copy = keras.models.clone_model(head, input_tensors=inputs)
    copy.set_weights(head.get_weights())
    return copy


def _write_verified(path: Path, network, difference, model, photographs) -> float:
    """Save, load as a stranger would, compare; returns the largest difference."""
    keras = runtime.load_keras()
    with files.explained(path, ADVICE), files.whole(path) as unverified:
        network.save(unverified)
        loaded = keras.saving.load_model(unverified)
        worst = max(difference(loaded, model, image) for image in photographs)
        if not worst <= TOLERANCE:
            raise errors.MidlevelError(
                f"{path}: was not kept: its scores differ from the run's by "
                f"{worst:.1e}, expected at most {TOLERANCE:.0e}. Please report this."
            )
    return worst


def _run_photographs(model: Model) -> Iterator[Path]:
    folder = Path(model.run.record["folder"])
    for names in model.run.split_files.values():
        yield from (folder / name for name in names)


def _photographs(model: Model) -> Iterator[np.ndarray]:
    """Some of the run's photographs if they are still there, else noise."""
    found = 0
    for path in _run_photographs(model):
        try:
            yield images.read(path)
        except errors.ImageError:
            continue
        found += 1
        if found == VERIFIED_ON:
            return
    rng = np.random.default_rng(0)
    for height, width in ((240, 320), (375, 500), (90, 61))[: VERIFIED_ON - found]:
        yield rng.integers(0, 256, (height, width, 3), np.uint8)


def _write_labels(path: Path, model: Model) -> Path:
    content = {
        "classes": model.classes,
        "thresholds": model.thresholds,
        "k": model.k,
        "window_scores": ["background", *model.classes],
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    with files.explained(path, ADVICE):
        files.write_text(path, text)
    return path
