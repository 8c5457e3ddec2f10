"""Each format in its own runtime, on a run on the stub with one level of windows."""

import dataclasses
import json
import zipfile

import helpers
import numpy as np
import pytest
import stub

import midlevel
from midlevel import errors, exports
from midlevel.commands import export as command
from midlevel.exports import contents, formats
from midlevel.images import pixels
from midlevel.method.aggregation import Aggregation
from midlevel.networks import counted_grids, heads
from midlevel.system import runtime

SIZES_WH = [(97, 64), (1, 1), (101, 333), (640, 427), (900, 33)]
SLOW = {"litert", "onnx", "savedmodel"}  # conversions of many seconds
IMAGE_WH = (165, 126)  # 5.5 columns of the level: float32 would round them otherwise
NAMES = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
    for name in formats.NAMES
]
every_format = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def model(trained, tmp_path_factory):
    """The run with the first of its levels alone, half the work; and with a model of
    the whole photograph.
    """
    place = tmp_path_factory.mktemp("with_whole") / "run"
    model = midlevel.load(stub.with_whole(trained, place).folder)
    geometry = model.extractor.geometry
    geometry = dataclasses.replace(geometry, levels=geometry.levels[:1])
    extractor = dataclasses.replace(model.extractor, geometry=geometry)
    channels = extractor.backbone.spec.channels
    whole = dataclasses.replace(model.whole, weights=model.whole.weights[:channels])
    return dataclasses.replace(model, extractor=extractor, whole=whole)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """The folder with the exports in a format; each is made once."""
    made, folder = set(), tmp_path_factory.mktemp("exported")

    def of(name):
        form, *_ = formats.find([name])
        for package in form.to_write + form.to_run:
            pytest.importorskip(package)
        if name not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(exports, "VERIFIED_ON", 1)
                patch.setattr(exports, "IMAGE_WH", IMAGE_WH)
                exports.export(model, folder, stub.QUIET, [name])
        made.add(name)
        return folder

    return of


def loaded(exported, name, kind):
    form, *_ = formats.find([name])
    return form.room.load(exported(name) / f"{kind}{form.ending}")


def shown(size_wh, seed=0):
    """Noise with a disc, as far as there is room."""
    image = helpers.noise(size_wh, seed)
    helpers.draw(image, "disc", (0, 0, (size_wh[0] + 1) // 2, size_wh[1]))
    return image


def scores_of(model, image):
    return model.probabilities(model.windows(image))


def assert_same(found, expected):
    assert found.dtype == np.float32 and found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.slow
@every_format
def test_whole_images_score_as_in_the_run(model, exported, name):
    score = loaded(exported, name, "image")
    has_fixed_size = formats.find([name])[0].has_fixed_size
    for size_wh in [IMAGE_WH] if has_fixed_size else SIZES_WH:
        image = shown(size_wh)
        assert_same(score(image[None]), scores_of(model, image)[None])


def test_the_whole_photograph_is_much_of_these_scores(model):
    """So that a file without it would be found wrong."""
    image = shown(IMAGE_WH)
    found = model.windows(image)
    without = dataclasses.replace(model.calibration, whole_slopes=())
    alone = without(model.aggregation(found.scores[:, 1:]))
    assert np.abs(scores_of(model, image) - alone).max() > 0.1


@pytest.mark.slow
@every_format
def test_several_images_of_one_size_are_taken_in_one_batch(model, exported, name):
    batch = np.stack([shown(IMAGE_WH, i) for i in range(3)])
    helpers.draw(batch[1], "wedge", (5, 5, 65, 65))
    found = loaded(exported, name, "image")(batch)
    assert_same(found, [scores_of(model, image) for image in batch])
    assert np.ptp(found, axis=0).max() > 0.05


@every_format
def test_windows_score_as_crops(model, exported, name, toy_voc):
    image = pixels.read(toy_voc / "JPEGImages" / "val_04.jpg")
    boxes = model.extractor.plan(pixels.size_wh(image)).boxes
    cuts = np.stack([pixels.cut(image, box, 224) for box in boxes[::9]])
    vectors = np.mean(model.extractor.backbone.maps(cuts), axis=(1, 2))
    found = loaded(exported, name, "window")(cuts)
    assert_same(found, heads.score(model.head, vectors))


@every_format
def test_exports_json_says_what_each_file_is(model, exported, name):
    folder, (form, *_) = exported(name), formats.find([name])
    content = json.loads((folder / "exports.json").read_text(encoding="utf-8"))
    assert content["schema"] == contents.SCHEMA
    rows = {row["file"]: row for row in content["files"]}
    window, image = (rows[f"{kind}{form.ending}"] for kind in ("window", "image"))
    assert window["takes"]["name"] == "windows" and image["takes"]["name"] == "images"
    assert window["takes"]["shape"] == [form.batch, 224, 224, 3]
    assert image["gives"]["shape"] == [form.batch, len(model.classes)]
    sides = IMAGE_WH[::-1] if form.has_fixed_size else (None, None)
    assert image["takes"]["shape"] == [form.batch, *sides, 3]
    assert bool(image["cost_of_size"]) == form.has_fixed_size
    for row in (window, image):
        assert row["format"] == name and row["bytes"] > 1000
        assert row["precision"] == "f32"
        assert 0 <= row["largest_difference"] <= row["tolerance"] == 1e-4
        assert row["verified_on"] == model.run.split_files["val"][:1]


def said_inside(path, name):
    """Classes, thresholds and k as the file itself has them."""
    if name in ("keras", "litert"):
        return json.loads(zipfile.ZipFile(path).read("labels.json"))
    if name == "savedmodel":
        return json.loads((path / "assets.extra" / "labels.json").read_text("utf-8"))
    if name == "onnx":
        onnxruntime = pytest.importorskip("onnxruntime")
        texts = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map
    else:
        graph = runtime.load_openvino().Core().read_model(path)
        parts = ("classes", "thresholds", "k", "aggregation", "window_scores")
        texts = {p: graph.get_rt_info(["midlevel", p]).astype(str) for p in parts}
    return {key: json.loads(text) for key, text in texts.items()}


@every_format
@pytest.mark.parametrize("kind", ["window", "image"])
def test_a_file_knows_its_classes(exported, name, kind):
    folder, (form, *_) = exported(name), formats.find([name])
    beside = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    assert said_inside(folder / f"{kind}{form.ending}", name) == beside


@pytest.mark.slow
def test_onnx_names_its_input_output_and_axes(exported):
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(exported("onnx") / "image.onnx").graph
    (taken,), (given,) = graph.input, graph.output
    shape = [d.dim_param or d.dim_value for d in taken.type.tensor_type.shape.dim]
    assert (taken.name, shape) == ("images", ["n", "height", "width", 3])
    assert taken.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    shape = [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim]
    assert (given.name, shape) == ("scores", ["n", 3])


def test_openvino_is_written_in_f32_alone(exported):
    core = runtime.load_openvino().Core()
    for kind in ("window", "image"):
        graph = core.read_model(exported("openvino") / f"{kind}.xml")
        types = {
            node.get_element_type().to_string()
            for node in graph.get_ordered_ops()
            if node.get_type_name() == "Constant"
        }
        assert "f32" in types and not types & {"f16", "bf16"}
        assert [port.any_name for port in graph.inputs] == [f"{kind}s"]
        assert [port.any_name for port in graph.outputs] == ["scores"]


@pytest.mark.slow
def test_openvino_takes_halves_as_the_run_does(model, exported):
    score = loaded(exported, "openvino", "image")
    scale = model.extractor.geometry.levels[0].scale
    low = counted_grids.low_halves(scale, 32, 224).tolist()
    sizes = [(other, short) for short, other in low if 60 < short <= other < 700]
    for size_wh in [*sizes[:: max(1, len(sizes) // 3)], IMAGE_WH, IMAGE_WH[::-1]]:
        image = shown(size_wh)
        assert_same(score(image[None]), scores_of(model, image)[None])


@pytest.mark.slow
def test_a_scale_that_cannot_be_counted_gives_openvino_one_size(model, tmp_path):
    geometry = model.extractor.geometry
    (level,) = geometry.levels
    level = dataclasses.replace(level, scale=level.scale + 0.00123)
    geometry = dataclasses.replace(geometry, levels=(level,))
    extractor = dataclasses.replace(model.extractor, geometry=geometry)
    other, notes = dataclasses.replace(model, extractor=extractor), stub.Notes()
    exports.export(other, tmp_path, notes, ["openvino"], verify=False)
    assert "image.xml takes images of 640x480" in notes.text


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["window", "image"])
def test_litert_refuses_two_at_a_time(exported, kind):
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    path = str(exported("litert") / f"{kind}.tflite")
    run = litert.Interpreter(path).get_signature_runner("serving_default")
    ((name, taken),) = run.get_input_details().items()
    assert taken["shape"].tolist()[0] == 1
    batch = np.zeros((2, *taken["shape"][1:]), np.uint8)
    with pytest.raises((RuntimeError, ValueError)):
        run(**{name: batch})


@pytest.mark.slow
def test_litert_comes_in_three_sizes_each_verified(model, exported):
    folder = exported("litert")
    content = json.loads((folder / "exports.json").read_text(encoding="utf-8"))
    rows = {row["file"]: row for row in content["files"]}
    for kind in ("window", "image"):
        whole, half, small = (
            rows[f"{kind}{form.ending}"] for form in formats.find(["litert"])
        )
        found = [row["precision"] for row in (whole, half, small)]
        assert found == ["f32", "f16", "int8"]
        for row in (whole, half, small):
            assert row["largest_difference"] <= row["tolerance"]


def test_labels_txt_has_a_class_a_line(model, exported):
    text = (exported("keras") / "labels.txt").read_text(encoding="utf-8")
    assert text.splitlines() == list(model.classes)


@pytest.mark.slow
def test_one_size_of_image_can_be_asked_of_any_format(model, tmp_path):
    notes = stub.Notes()
    exports.export(model, tmp_path, notes, ["savedmodel"], (90, 70))
    assert "image.savedmodel takes images of 90x70 (--image-size): put" in notes.text
    (row,) = [
        row
        for row in json.loads((tmp_path / "exports.json").read_text())["files"]
        if row["file"] == "image.savedmodel"
    ]
    assert row["takes"]["shape"] == [None, 70, 90, 3]


def test_files_of_another_model_are_not_listed(model, exported, tmp_path):
    other = dataclasses.replace(model, aggregation=Aggregation("power", 3.5))
    folder = exported("keras")
    assert contents.read(folder, model)["files"]
    assert contents.read(folder, other)["files"] == []
    assert contents.read(tmp_path, model)["files"] == []
    (tmp_path / "exports.json").write_text("[1]")
    assert contents.read(tmp_path, model)["files"] == []


def test_a_folder_of_another_model_is_refused_and_stays(model, exported):
    folder = exported("keras")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    other = dataclasses.replace(model, aggregation=Aggregation("power", 3.5))
    with pytest.raises(errors.MidlevelError, match="of another model. Name another"):
        exports.export(other, folder, stub.QUIET)
    after = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert before == after


def test_formats_exported_one_after_the_other_are_all_listed(model, exported):
    exported("keras"), exported("openvino")
    found = {row["file"] for row in contents.read(exported("keras"), model)["files"]}
    assert {"window.keras", "image.keras", "window.xml", "image.xml"} <= found


def test_the_command_knows_the_formats():
    assert command.FORMATS == formats.NAMES
