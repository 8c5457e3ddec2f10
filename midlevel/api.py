"""The public functions: what the commands do, from Python, once.

Each loads what it needs when it is called, so that `import midlevel` is quick and
photographs are scored without TensorFlow.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from midlevel.networks.engines import EngineName, Precision
from midlevel.settings import arguments
from midlevel.settings.choices import DataFormat, RecordFormat

if TYPE_CHECKING:
    import keras

    from midlevel.datasets.checking import CheckResult
    from midlevel.evaluation.advice import Advice
    from midlevel.evaluation.comparison import Comparison
    from midlevel.evaluation.evaluate import Evaluation
    from midlevel.pages.explain.explain_page import Explanation
    from midlevel.prediction.model import Model
    from midlevel.prediction.predict import Summary as Predicted
    from midlevel.runs import Run
    from midlevel.settings.config import Config
    from midlevel.system.progress import Progress

    Place = str | Path
    AnyModel = Model | Run | Place | None
    Settings = Mapping[str, object] | None

MEGABYTE = 1_000_000


@arguments.checked
def train(
    data: "Place | None" = None,
    *,
    config: "Config | Place | None" = None,
    settings: "Settings" = None,
    seed: int | None = None,
    run: "Place | None" = None,
    from_run: "Place | Run | None" = None,
    resume: bool = False,
    progress: "Progress | None" = None,
) -> "Run":
    """Learn new classes from labelled photographs, and write the page on the run.

    Args:
        data: a folder with labelled photographs; by default the demo set.
        config: settings, or a YAML file with them.
        settings: dotted keys over `config`, such as `{"data.classes": ["cat"]}`.
        seed: the same seed gives the same weights on a CPU; over `settings`.
        run: the folder to write; by default a new one in `runs/train`. Where it holds
            an unfinished run of the same data and settings, that is gone on with.
        from_run: a finished run. The new one learns the classes of `data` that this one
            does not know, and knows all; nothing of this one changes.
        resume: go on with an interrupted run, the newest if `run` is not given, with
            its own settings.
        progress: where to say how it goes; by default on stderr.

    Raises:
        errors.MidlevelError: what was given cannot be used; the message says why.
        errors.Interrupted: Ctrl-C; what was finished is saved.
    """
    from midlevel.pages.report import after_training
    from midlevel.training import train as training

    of_seed = {} if seed is None else {"seed": seed}
    return training.train(
        data,
        config=config,
        settings={**(settings or {}), **of_seed},
        run=run,
        from_run=from_run,
        resume=resume,
        progress=progress,
        then=after_training.report,
    )


@arguments.checked
def load(
    model: "AnyModel" = None,
    engine: EngineName | None = None,
    precision: Precision | None = None,
    mirror: bool | None = None,
) -> "Model":
    """A trained model, ready to look at photographs.

    Args:
        model: a run or its folder; by default the newest finished run in runs/train. A
            model is given back as it is, unless one of the others is named.
        engine: by default as the run's settings.
        precision: of the networks' arithmetic; by default as the run's settings.
        mirror: see each photograph mirrored too, for twice the network's time; by
            default as the run's settings.

    Raises:
        errors.MidlevelError: there is no such run, it is not finished, or its backbone
            is not the one its head was trained with.
    """
    from midlevel.prediction import model as models

    if isinstance(model, models.Model):
        if not engine and not precision:
            return model if mirror is None else model.with_mirror(mirror)
        mirror = model.extractor.mirror if mirror is None else mirror
        model = model.run
    return models.load(model, engine, precision, mirror)


@arguments.checked
def predict(
    source: "Place | Iterable[Place]",
    *,
    model: "AnyModel" = None,
    output: "Place | None" = None,
    format: RecordFormat | None = None,
    shard: tuple[int, int] = (0, 1),
    resume: bool = True,
    overwrite: bool = False,
    thresholds: Mapping[str | None, float] | float | None = None,
    mirror: bool | None = None,
    engine: EngineName | None = None,
    precision: Precision | None = None,
    progress: "Progress | None" = None,
) -> "Predicted":
    """Write a record of each photograph to a file, as they come.

    For a few photographs, `load().predict(source)` gives the records themselves.

    Args:
        source: photographs, folders (searched with their subfolders) or globs.
        output: the file; by default a new one in runs/predict.
        format: by default as the file's name ends, else `jsonl`.
        shard: `(i, n)`: the i-th, from 0, of n even parts of the photographs.
        resume: go on with the records of the same model that are there, also of an
            interrupted prediction; else score all photographs again.
        overwrite: replace an output of another model, thresholds or photographs, or of
            another program; else it is refused.
        thresholds: the probability from which a class is a label: one for all, or some
            by class, where None is every other; by default the run's own.
        mirror: see each photograph mirrored too, for twice the network's time; by
            default as the run's settings.

    Raises:
        errors.DataError: there is no photograph, or none that can be read.
        errors.MidlevelError: the output cannot be written, or may not be replaced.
        errors.Interrupted: Ctrl-C; the records so far are kept.
    """
    from midlevel.images import sources
    from midlevel.prediction import journal
    from midlevel.prediction import predict as prediction

    found = sources.search(source)
    root = sources.root(found.paths)
    some = prediction.shard(found.paths, *shard)
    loaded = load(model, engine, precision, mirror)
    if thresholds not in (None, {}):
        loaded = loaded.with_thresholds(thresholds)
    progress = _progress(progress)
    for line in found.passed_over:
        progress.say(line)
    allowed = journal.Allowed(resume, overwrite)
    return prediction.predict(loaded, some, output, format, progress, allowed, root)


@arguments.checked
def check(
    data: "Place",
    *,
    config: "Config | Place | None" = None,
    settings: "Settings" = None,
    progress: "Progress | None" = None,
) -> "CheckResult":
    """All that is in a data set and wrong with it, photographs decoded.

    Args:
        config: settings, or a YAML file with them.
        settings: dotted keys over `config`.

    Raises:
        errors.DataError: there is no data set at all, or a setting does not fit it.
    """
    from midlevel.datasets import checking
    from midlevel.settings import config as config_

    chosen = config_.load(config, dict(settings or {}))
    return checking.check(data, chosen, _progress(progress))


@arguments.checked
def evaluate(
    model: "AnyModel" = None,
    data: "Place | None" = None,
    *,
    split: str | None = None,
    format: DataFormat | None = None,
    engine: EngineName | None = None,
    precision: Precision | None = None,
    mirror: bool | None = None,
    progress: "Progress | None" = None,
) -> "Evaluation":
    """How good a model is on a labelled split.

    Args:
        data: by default what the model was trained on.
        split: by default the validation split.
        format: of `data`; by default it is found.
        mirror: see each photograph mirrored too, as `predict` can; by default as the
            run's settings.

    Raises:
        errors.MidlevelError: the data or the split cannot be used.
    """
    from midlevel.evaluation import evaluate as evaluation

    loaded = load(model, engine, precision, mirror)
    return evaluation.evaluate(loaded, data, split, progress, format)


@arguments.checked
def compare(
    runs: "Iterable[Model | Run | Place]",
    data: "Place | None" = None,
    *,
    split: str | None = None,
    format: DataFormat | None = None,
    output: "Place | None" = None,
    speed: bool = False,
    engine: EngineName | None = None,
    precision: Precision | None = None,
    progress: "Progress | None" = None,
) -> "Comparison":
    """Trained runs side by side, measured on the same photographs.

    They are compared on the classes that all share. What the photographs show is what
    the first run's settings make of the data.

    Args:
        runs: two or more; differences are from the first.
        data: by default what the first run was trained on.
        split: by default the first run's validation split.
        format: of `data`; by default it is found.
        output: a page to write, too, whose name ends in .html.
        speed: measure photographs a second, too, with all runs in memory.

    Raises:
        errors.MidlevelError: fewer than two runs, one twice, one that is not finished,
            or none of their classes is shared; the data or the split cannot be used, or
            the page cannot be written.
    """
    from midlevel.evaluation import comparing
    from midlevel.pages import outputs
    from midlevel.pages.compare import compare_page
    from midlevel.prediction import inputs
    from midlevel.prediction.model import Model

    some = [one.run if isinstance(one, Model) else inputs.run(one) for one in runs]
    page = outputs.file(output) if output else None
    found = comparing.compare(
        some,
        lambda run: load(run, engine, precision),
        data,
        split,
        progress,
        format,
        speed,
    )
    if page:
        compare_page.write(found, page)
        _progress(progress).say(f"page: {page}")
    return found


@arguments.checked
def advise(
    data: "Place | None" = None,
    *,
    config: "Config | Place | None" = None,
    settings: "Settings" = None,
    strategies: Iterable[str] = (),
    backbones: Iterable[str] = (),
    minutes: float = 30.0,
    seeds: int = 3,
    photographs: int = 400,
    output: "Place | None" = None,
    save: "Place | None" = None,
    progress: "Progress | None" = None,
) -> "Advice":
    """Which strategy and which backbone to train with, by trying them.

    They are tried on training photographs held out; the validation split is not
    looked at.

    Args:
        data: a folder with labelled photographs; by default the demo set.
        config: settings that all have in common, or a YAML file with them.
        settings: dotted keys and their values, over `config`.
        strategies: by default linear, head and tail; and early, where the photographs
            are far from ImageNet's.
        backbones: names; by default those whose weights travel with midlevel.
        minutes: to try in; what would take longer is timed alone.
        seeds: of each trial, with another part of the photographs held out.
        photographs: to try on, at most.
        output: a page to write, too, whose name ends in .html.
        save: a YAML file to write, which `train` takes as `config`.

    Raises:
        errors.MidlevelError: the data cannot be read, or are too few; a strategy or a
            backbone is unknown; a file cannot be written.
    """
    from midlevel.advising import advise as advising
    from midlevel.datasets import demo
    from midlevel.pages import outputs
    from midlevel.pages.advise import advise_page
    from midlevel.settings import config as config_

    page = outputs.file(output) if output else None
    found = advising.advise(
        data or demo.folder(),
        config_.load(config, dict(settings or {})),
        _progress(progress),
        advising.Limits(minutes, seeds, photographs),
        tuple(strategies),
        tuple(backbones),
    )
    if page:
        advise_page.write(found, page)
        _progress(progress).say(f"page: {page}")
    if save:
        advising.save(found, Path(save))
        _progress(progress).say(f"settings: {save}")
    return found


@arguments.checked
def report(
    model: "AnyModel" = None,
    output: "Place | None" = None,
    *,
    engine: EngineName | None = None,
    precision: Precision | None = None,
    progress: "Progress | None" = None,
) -> Path:
    """Write the page on a run, and beside it the files with its numbers.

    Args:
        output: the page; by default report.html in the run.

    Returns:
        The page.

    Raises:
        errors.MidlevelError: the run's data or files cannot be read, or the page cannot
            be written.
    """
    from midlevel.pages.report import report_page

    loaded = load(model, engine, precision, mirror=False)
    return report_page.report(loaded, output, progress)


@arguments.checked
def explain(
    source: "Place | Iterable[Place]",
    *,
    model: "AnyModel" = None,
    classes: Sequence[str] = (),
    data: "Place | None" = None,
    output: "Place | None" = None,
    engine: EngineName | None = None,
    precision: Precision | None = None,
    progress: "Progress | None" = None,
) -> "Explanation":
    """Show why a model says what it says of photographs, as pictures and a page.

    Args:
        source: photographs, folders or globs.
        classes: those to explain; by default labels, missed ones too.
        data: a data set that says what the photographs show; by default the run's own.
        output: an empty folder; by default a new one in runs/explain.

    Raises:
        errors.DataError: no photograph can be read.
        errors.MidlevelError: an unknown class, `data` cannot be used, or the output
            cannot be written.
        errors.Interrupted: Ctrl-C; the page shows what there was.
    """
    from midlevel.images import sources
    from midlevel.pages.explain import explain_page

    paths = sources.find(source)
    return explain_page.make(
        load(model, engine, precision), paths, classes, data, output, progress
    )


@arguments.checked
def windows(
    source: "Place",
    *,
    config: "Config | Place | None" = None,
    settings: "Settings" = None,
    data: "Place | None" = None,
    split: str | None = None,
    count: int = 6,
    output: "Place | None" = None,
    progress: "Progress | None" = None,
) -> Path:
    """Draw what training will make of the windows of photographs, and why.

    Args:
        source: a photograph, or a data set.
        config: settings, or a YAML file with them.
        settings: dotted keys over `config`.
        data: the data set with a photograph's boxes; by default looked for above it.
        split: of a data set; by default the one to learn from.
        count: photographs drawn; all of the split are counted.
        output: an empty folder; by default a new one in runs/windows.

    Returns:
        The page.

    Raises:
        errors.MidlevelError: the source cannot be used, or nothing can be written.
    """
    from midlevel.pages.windows import windows_page
    from midlevel.settings import config as config_

    chosen = config_.load(config, dict(settings or {}))
    return windows_page.make(source, chosen, data, split, count, output, progress)


@arguments.checked
def units(
    model: "AnyModel" = None,
    data: "Place | None" = None,
    *,
    of: Literal["head", "backbone"] = "head",
    numbers: Sequence[int] = (),
    count: int = 16,
    split: str | None = None,
    output: "Place | None" = None,
    engine: EngineName | None = None,
    precision: Precision | None = None,
    progress: "Progress | None" = None,
) -> Path:
    """Show single units by the windows that excite them most.

    Args:
        data: by default what the model was trained on.
        of: `head`: units of its last hidden layer; `backbone`: its channels.
        numbers: of units; by default those that say most.
        count: windows of each.
        split: by default the validation split.
        output: an empty folder; by default a new one in runs/units.

    Returns:
        The page.

    Raises:
        errors.MidlevelError: the data or the split cannot be used, the head has no
            hidden layer, a unit does not exist, or the output cannot be written.
    """
    from midlevel.pages.units import units_page

    asked = units_page.Asked(of, numbers, count, split, Path(data) if data else None)
    loaded = load(model, engine, precision, mirror=False)
    return units_page.make(loaded, asked, output, progress)


@arguments.checked
def export(
    model: "AnyModel" = None,
    output: "Place | None" = None,
    *,
    formats: Sequence[str] = ("keras",),
    image_size: tuple[int, int] | None = None,
    verify: bool = True,
    progress: "Progress | None" = None,
) -> list[Path]:
    """Write a model as files for other programs, and compare each with the run.

    Args:
        output: a folder; by default `exports` in the run.
        formats: some of `keras`, `savedmodel`, `onnx`, `openvino`, `litert`; or `all`.
        image_size: `(width, height)` in pixels, the one size of image that the files
            take; by default any where the format can.
        verify: keep no file whose scores differ from the run's.

    Returns:
        The files written; a SavedModel is a folder.

    Raises:
        errors.MissingDependency: a format needs a package that is not installed.
        errors.MidlevelError: there is no such format, a file cannot be written, or it
            differs from the run.
    """
    from midlevel import exports

    return exports.export(load(model), output, progress, formats, image_size, verify)


@arguments.checked
def load_keras(path: "Place") -> "keras.Model":
    """The Keras model in a `.keras` file that `export` wrote.

    `keras.saving.load_model` reads it too, after `import
    midlevel.networks.export_layers`, the layers of whole images.

    Raises:
        errors.MidlevelError: there is no such file, or Keras cannot read it.
        errors.MissingDependency: TensorFlow is not installed.
    """
    from midlevel.exports import keras_file

    return keras_file.network(path)


@arguments.checked
def serve(
    model: "AnyModel" = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    max_upload: int = 25,
    allow_hosts: Sequence[str] = (),
    access_log: bool = False,
    engine: EngineName | None = None,
    precision: Precision | None = None,
    progress: "Progress | None" = None,
) -> None:
    """Serve a page and a JSON API until Ctrl-C or SIGTERM.

    Args:
        host: the address to serve at; 0.0.0.0 is every one of this machine.
        port: 0 takes a free one.
        max_upload: megabytes of one request, whose files are held in memory.
        allow_hosts: names that this machine has, such as its proxy's.
        access_log: a line on stderr for each request.

    Raises:
        errors.MissingDependency: a package that serving needs is not installed.
        errors.MidlevelError: the address cannot be had.
        errors.Interrupted: it was ended.
    """
    from midlevel import serving

    server = serving.load()
    limits = server.uploads.Limits(max_upload * MEGABYTE)
    loaded = load(model, engine, precision)
    server.serve(loaded, host, port, limits, allow_hosts, access_log, progress)


def _progress(given: "Progress | None") -> "Progress":
    from midlevel.system.progress import Progress

    return given or Progress()
