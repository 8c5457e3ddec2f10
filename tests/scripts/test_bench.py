"""The benchmark's arithmetic, tables and arguments; what it measures is not tested."""

import doctest
import importlib
import json
import sys
from pathlib import Path

import click.testing
import numpy as np
import pytest
import stub

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from bench import (  # noqa: E402  (found by the line above)
    child,
    cli,
    frontier,
    limits,
    machine,
    predict,
    recipe,
    runners,
    scale,
    stopwatch,
    tables,
    train,
    ways,
    work,
)

from midlevel import errors  # noqa: E402
from midlevel.images import pixels  # noqa: E402
from midlevel.method import windows  # noqa: E402
from midlevel.system import runtime  # noqa: E402

NAIVE = ways.Way("naive", "paper", "keras")
SINGLE = ways.Way("maps", "single", "tensorflow")
MACHINE = {"cpu": "A CPU", "cores": 2, "bf16": False, "gpu": "", "load": [0.0, 1.0]}


@pytest.fixture(scope="module")
def run(stub_backbone, tmp_path_factory):
    return runners.prepare(tmp_path_factory.mktemp("bench") / "run", "stub", 3)


@pytest.fixture
def small(monkeypatch):
    """Matrices and the paper's pyramid are small."""
    monkeypatch.setattr(limits, "SIDE", 32)
    monkeypatch.setitem(windows.PYRAMIDS, "paper", (windows.Level(1.3, (7,)),))


@pytest.mark.parametrize("name", ["ways", "tables", "machine", "frontier"])
def test_the_examples_hold(name):
    assert not doctest.testmod(importlib.import_module(f"bench.{name}")).failed


# === Ways ===


def test_what_the_machine_lacks_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr(ways.gpu, "usable", lambda: False)
    monkeypatch.setattr(ways.precisions, "has_bf16", lambda: False)
    known, left_out = ways.at_hand()
    names = [way.name for way in known]
    assert names[:2] == ["naive", "crops"] and "paper-openvino-f32" in names
    assert left_out == {"*-openvino-bf16": ways.NO_BF16}
    assert not any("bf16" in name for name in names)
    monkeypatch.setattr(ways.precisions, "has_bf16", lambda: True)
    known, left_out = ways.at_hand()
    assert ways.chosen(known, "single-openvino-bf16") and not left_out


def test_with_a_gpu_tensorflow_has_every_precision(monkeypatch):
    monkeypatch.setattr(ways.gpu, "usable", lambda: True)
    known, _ = ways.at_hand()
    found = {(w.precision, w.device) for w in ways.chosen(known, "*-tensorflow-*")}
    assert found == {("f32", "GPU"), ("bf16", "GPU"), ("f16", "GPU")}
    assert ways.chosen(known, "single-openvino-f32")[0].device == "CPU"


def test_rows_are_chosen_by_patterns_in_the_order_of_the_table():
    known = [NAIVE, SINGLE]
    assert ways.chosen(known, "single-*, naive") == known
    with pytest.raises(errors.MidlevelError, match="no row is called fine-.*naive"):
        ways.chosen(known, "naive,fine-*")


# === Arithmetic ===


@pytest.mark.tf
def test_multiply_adds_are_counted_as_by_hand():
    keras = runtime.load_keras()
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(5, 3, strides=2, padding="same")(inputs)
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.Dense(7)(x)
    model = keras.Model(inputs, x)
    cells = 4 * 6  # of 12 x 8 pixels
    by_hand = cells * (3 * 3 * 3 * 5 + 3 * 3 * 5 + 5 * 7)
    assert work.multiply_adds(model, (12, 8)) == by_hand


def test_a_photograph_costs_its_levels_or_its_crops_and_its_windows(run):
    counter, size = work.Counter(run), (500, 375)
    head = 6 * 2048 + 2048 * 4
    single = windows.plan(size, windows.Geometry(windows.PYRAMIDS["single"]))
    (columns, rows), count = single.grids[0], len(single)
    assert counter(SINGLE, size) == columns * rows * 18 + count * head
    count = len(windows.plan(size, windows.Geometry(windows.PYRAMIDS["paper"])))
    assert counter(NAIVE, size) == count * (7 * 7 * 18 + head)


def row_of(way, **figures):
    stages = {"crops": 8.0, "other": 2.0}
    fixed = {"seconds": [10.0, 20.0], "stages": [stages, stages]}
    return predict.Row(way, 2, 1000, 1000, 4e9, **{**fixed, **figures})


def test_ratios_are_of_one_turn_and_of_five_hundred_windows():
    naive = row_of(NAIVE)  # 10 and 20 ms a window
    maps = row_of(SINGLE, seconds=[0.1, 0.4])  # 50 and 200 ms an image
    found = predict.times_naive(maps, naive)
    np.testing.assert_allclose(found["times_naive_500"], [100, 50])
    np.testing.assert_allclose(found["times_naive"], [100, 50])
    own = predict.times_naive(naive, naive)
    np.testing.assert_allclose(own["times_naive_500"], 1)
    slower = predict.Row(NAIVE, 1, 250, 250, 1e9, 0, [5.0, 10.0])
    for of_turns in predict.times_naive(slower, naive).values():
        np.testing.assert_allclose(of_turns, 0.5)


def test_figures_are_medians_over_turns():
    naive = row_of(NAIVE)
    rates = [{("CPU", "f32"): {"a": 1e9, "b": 2e9}}, {("CPU", "f32"): {"a": 4e9}}]
    found = predict.conclude([naive], rates)
    assert found["limits"][0]["flops"] == 3e9
    (row,) = found["rows"]
    assert row["seconds_per_image"] == 7.5
    assert row["images_per_s"] == pytest.approx((0.2 + 0.1) / 2)
    assert row["share_of_limit"] == pytest.approx((0.2 + 0.05) / 2)
    assert row["network_share_of_limit"] == pytest.approx((0.25 + 0.125) / 2)
    assert row["not_network"] == pytest.approx(0.2)
    assert row["ms_by_stage"]["crops"] == 4000
    assert json.loads(json.dumps(found)) == found


def test_without_the_naive_row_there_are_no_ratios():
    rates = [{("CPU", "f32"): {"a": 1e9}}] * 2
    (row,) = predict.conclude([row_of(SINGLE)], rates)["rows"]
    assert "times_naive" not in row


def accuracy_of(*names):
    area = {"mean": 0.9, "std": 0.01}
    return {"ways": [{"way": name, "mAP": {"area": area}} for name in names]}


def test_accuracies_find_their_rows():
    rates = [{("CPU", kind): {"a": 1e9} for kind in ("f32", "bf16")}] * 2
    bf16 = ways.Way("maps", "single", "openvino", "bf16")
    rows = predict.conclude([row_of(w) for w in (NAIVE, SINGLE, bf16)], rates)["rows"]
    predict.accuracy(rows, accuracy_of("paper-crops", "single"))
    assert ["mAP" in row for row in rows] == [True, True, False]


# === Measuring ===


def test_a_stage_within_another_counts_as_the_outer(monkeypatch):
    watch = stopwatch.Stopwatch()
    clock = iter(range(100))
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: next(clock))
    inner = watch.of("pooling", lambda: None)
    outer = watch.of("backbone", inner)
    with watch.watching():
        outer()
        inner()
    assert dict(watch.seconds) == {"backbone": 1, "pooling": 1, "other": 3}
    assert (watch.network, watch.whole) == (1, 5)


@pytest.mark.slow
def test_all_rows_are_measured_and_shown(run, toy_voc, small):
    paths = sorted((toy_voc / "JPEGImages").iterdir())[:2]
    known, left_out = ways.at_hand()
    chosen = ways.chosen(known, "naive,crops,single-*-f32")
    found = predict.measure(chosen, run, paths, 1, 1, stub.QUIET)
    rows = {row["name"]: row for row in found["rows"]}
    assert rows["naive"]["images"] == 1 and rows["single-openvino-f32"]["images"] == 2
    assert all(row["ms_by_stage"]["decode"] > 0 for row in rows.values())
    assert rows["crops"]["ms_by_stage"]["cuts"] > 0
    assert rows["single-openvino-f32"]["ms_by_stage"]["head"] > 0
    predict.accuracy(found["rows"], accuracy_of("single"))
    text = tables.of_predict({**found, "machine": MACHINE, "left_out": left_out}, True)
    assert "single-openvino-f32" in text and " 90.0\n" in text
    assert max(map(len, text.splitlines())) <= tables.WIDTH


def test_naive_and_crops_score_alike(run, toy_voc, small):
    path = toy_voc / "JPEGImages" / "val_04.jpg"
    crops = ways.Way("crops", "paper", "tensorflow")
    (naive,), (other,) = (runners.build(way, run)([path]) for way in (NAIVE, crops))
    np.testing.assert_allclose(naive, other, rtol=1e-4)


def test_two_labels_are_found_in_every_photograph(run, toy_voc):
    paths = sorted((toy_voc / "JPEGImages").iterdir())[:3]
    for record in runners.build(SINGLE, run)(paths):
        assert len(record["labels"]) == runners.LABELS


def test_alone_there_is_one_worker_and_the_same_records(run, toy_voc, monkeypatch):
    monkeypatch.setattr("midlevel.system.machine.cores", lambda: 16)
    many = runners.load(run, "single", "openvino")
    one = runners.alone(many, stopwatch.Stopwatch())
    engine = one.extractor.backbone.engine
    assert many.extractor.backbone.engine.workers > 1
    assert (engine.workers, engine.streams) == (1, 1)
    path = toy_voc / "JPEGImages" / "val_04.jpg"
    assert one.predict(path) == many.predict(path)


def test_the_memory_of_a_block_is_sampled():
    with machine.Sampler() as sampler:
        held = np.ones(10_000_000)  # 80 MB
        sampler._over.wait(2 * machine.EVERY)
    assert sampler.series and machine.peak_mb() >= held.nbytes / 1e6
    assert sampler.end <= machine.peak_mb() + 1


def test_a_child_that_fails_says_why():
    with pytest.raises(errors.MidlevelError, match="many failed: .*nowhere"):
        child.call("many", run="nowhere", pyramid="single", folder=".", count=1)


def test_photographs_are_predicted_again_and_again(run, toy_voc):
    found = child.many(str(run.folder), "single", str(toy_voc), 20)
    assert (found["images"], found["failed"]) == (20, 0)
    rows = [{"what": "photographs", "value": 20, **found}]
    assert "photographs  20" in scale.as_text({"machine": MACHINE, "rows": rows})


def test_a_photograph_is_resized_to_its_megapixels(toy_voc, tmp_path):
    folder = scale.resized(toy_voc, 0.5, tmp_path / "half")
    image = pixels.read(folder / "photograph.jpg")
    assert image.shape[0] * image.shape[1] == pytest.approx(5e5, rel=0.01)


def test_each_number_and_size_is_a_case(toy_voc, tmp_path):
    found = scale.cases(toy_voc, tmp_path, "5,9", "0.01", "", 3, 4)
    assert [(case.what, case.value, case.count) for case in found] == [
        ("photographs", 5, 5),
        ("photographs", 9, 9),
        ("megapixels", 0.01, 3),
    ]
    assert found[2].folder != toy_voc


@pytest.mark.parametrize("text", ["1,x", "0", "-1"])
def test_numbers_that_are_none_are_refused(text):
    with pytest.raises(errors.MidlevelError, match="--counts: expected positive"):
        scale.numbers("--counts", text, int)


@pytest.mark.slow
def test_training_is_compared_with_the_usual_recipe(
    stub_backbone, toy_voc, monkeypatch
):
    monkeypatch.setattr(recipe, "WARM", 1)
    settings = {**stub.SETTINGS, "data.classes": ["square", "disc", "wedge"]}
    found = train.compare(toy_voc, settings, 6, 2, stub.QUIET)
    assert found["photographs"] == {"train": 6, "val": 3}
    (epochs,) = found["epochs"].values()  # of two steps: six photographs, four a step
    assert 1 <= epochs <= 20 and found["windows"] == 2 * epochs * (4 * 50 + 64)
    of_window = found["recipe"]["seconds_per_window"]
    expected = of_window * found["windows"]
    assert found["recipe"]["seconds"] == pytest.approx(expected)
    ratio = found["recipe"]["seconds"] / found["midlevel"]["seconds"]
    assert found["times_recipe"] == pytest.approx(ratio)
    assert "times as fast" in train.as_text({**found, "machine": MACHINE})


# === The command line ===


def invoke(*arguments):
    return click.testing.CliRunner().invoke(cli.main, [str(a) for a in arguments])


@pytest.mark.parametrize("command", ["predict", "train", "scale", "frontier"])
def test_every_command_explains_itself(command):
    result = invoke(command, "--help")
    assert result.exit_code == 0, result.output
    assert command in invoke("--help").output and "child" not in invoke("--help").output


def test_an_error_is_one_line(toy_voc):
    result = invoke("predict", toy_voc, "--rows", "nonsense")
    assert result.exit_code == 1
    assert result.output.startswith("Error: --rows: no row is called nonsense.")


@pytest.fixture
def measured(tmp_path):
    rates = [{("CPU", "f32"): {"a": 1e9}}] * 2
    found = predict.conclude([row_of(NAIVE), row_of(SINGLE, seconds=[1, 1])], rates)
    found["machine"] = MACHINE
    path = tmp_path / "predict.json"
    path.write_text(json.dumps(found))
    return path


def test_a_picture_is_drawn(measured, tmp_path):
    pytest.importorskip("matplotlib")
    accuracy, picture = tmp_path / "accuracy.json", tmp_path / "frontier.png"
    accuracy.write_text(json.dumps(accuracy_of("paper-crops", "single")))
    result = invoke("frontier", accuracy, measured, picture)
    assert result.exit_code == 0, result.output
    assert pixels.read(picture).std() > 0


def test_without_matplotlib_the_error_says_what_to_do(measured, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(errors.MissingDependency, match="pip install matplotlib"):
        frontier.draw(accuracy_of("single"), json.loads(measured.read_text()), None)


def test_rows_without_an_accuracy_are_refused(measured):
    rows = json.loads(measured.read_text())["rows"]
    with pytest.raises(errors.MidlevelError, match="received: octaves"):
        frontier.points(accuracy_of("octaves"), rows)
