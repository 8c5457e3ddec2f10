import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import stub

from midlevel import errors
from midlevel.features.extractor import build_extractor
from midlevel.networks import backbones, engines
from midlevel.networks.engines import gpu, openvino, precisions, tensorflow
from midlevel.settings import config

BOTH = ("openvino", "tensorflow")
SIZES = ((64, 96), (160, 96), (32, 32))  # of whole cells


@pytest.fixture(scope="module")
def model(stub_backbone):
    return backbones.keras_model("stub")


@pytest.fixture
def with_gpu(monkeypatch):
    monkeypatch.setattr(gpu, "usable", lambda: True)


@pytest.fixture
def without_gpu(monkeypatch):
    monkeypatch.setattr(gpu, "usable", lambda: False)


@pytest.fixture
def with_bf16(monkeypatch):
    monkeypatch.setattr(precisions, "has_bf16", lambda: True)


@pytest.fixture
def without_bf16(monkeypatch):
    monkeypatch.setattr(precisions, "has_bf16", lambda: False)


def colours(size_wh, seed=0):
    """Noise of a colour of its own."""
    rng = np.random.default_rng(seed)
    most = rng.integers(1, 256, 3)
    return rng.integers(0, most, (size_wh[1], size_wh[0], 3), dtype=np.uint8)


def batch(size_wh=(160, 96), count=2, seed=0):
    return np.stack([colours(size_wh, seed + i) for i in range(count)])


def compiled(model, precision="f32"):
    return openvino.OpenVINONetwork(openvino.convert(model, "uint8"), precision)


# === The choice ===


def test_without_a_gpu_openvino_is_taken(without_gpu):
    engine = engines.choose()
    assert (engine.name, engine.device, engine.precision) == ("openvino", "CPU", "f32")
    assert str(engine) == "OpenVINO on the CPU, f32 (no GPU was found)"


def test_with_a_gpu_tensorflow_is_taken(with_gpu):
    engine = engines.choose()
    assert (engine.name, engine.device) == ("tensorflow", "GPU")
    assert str(engine) == "TensorFlow on the GPU, f32 (a GPU was found)"


def test_what_is_asked_for_is_taken(with_gpu):
    engine = engines.choose("openvino")
    assert (engine.name, engine.device) == ("openvino", "CPU")
    assert engines.choose("tensorflow", "f16").precision == "f16"
    assert engines.choose("auto", "bf16").name == "tensorflow"


def test_openvino_is_chosen_without_looking_for_a_gpu(monkeypatch, with_bf16):
    monkeypatch.setattr(gpu, "usable", lambda: pytest.fail("looked for a GPU"))
    assert engines.choose("openvino", "bf16").precision == "bf16"


@pytest.mark.parametrize(
    "name, precision",
    [
        ("tensorflow", "bf16"),
        ("tensorflow", "f16"),
        ("openvino", "f16"),
        ("auto", "f16"),
    ],
)
def test_a_precision_that_does_not_run_or_only_slowly_is_refused(
    without_gpu, name, precision
):
    message = f"on the CPU computes in f32.* Received: precision {precision}"
    with pytest.raises(errors.MidlevelError, match=message):
        engines.choose(name, precision)


def test_a_gpu_does_not_help_openvino(with_gpu, with_bf16):
    with pytest.raises(errors.MidlevelError, match="CPU computes in f32 or bf16"):
        engines.choose("openvino", "f16")


def test_settings_choose_the_engine(stub_backbone):
    for name in BOTH:
        settings = {**stub.SETTINGS, "engine": name}
        extractor = build_extractor(config.load(settings=settings))
        assert extractor.backbone.engine.name == name
    with pytest.raises(errors.MidlevelError, match="engine: .*openvino"):
        config.load(settings={"engine": "onnx"})


# === What the machine computes in ===


@pytest.mark.parametrize(
    "name, precision",
    [("openvino", "bf16"), ("tensorflow", "bf16"), ("tensorflow", "f16")],
)
@pytest.mark.parametrize("device", ["CPU", "GPU"])
def test_no_engine_makes_a_network_that_this_machine_would_run_wrongly(
    model, without_gpu, without_bf16, name, precision, device
):
    """However the engine was made, and whatever it says of its device."""
    engine = engines.Engine(name, precision, device)
    message = (
        f"The engine {name} on the CPU computes in f32 here. Received: precision "
        f"{precision}. Choose --precision f32, or to train --set precision=f32."
    )
    with pytest.raises(errors.MidlevelError) as caught:
        engine.network(lambda: model, "uint8")
    assert str(caught.value) == message


def test_bf16_is_refused_before_anything_is_computed(without_gpu, without_bf16):
    for name in engines.NAMES:
        with pytest.raises(errors.MidlevelError, match="computes in f32 here"):
            engines.choose(name, "bf16")
        assert engines.choose(name).precision == "f32"


def test_where_the_cpu_has_bf16_openvino_takes_it(without_gpu, with_bf16):
    assert engines.choose("auto", "bf16").name == "openvino"
    assert precisions.precisions("openvino", "CPU") == ("f32", "bf16")
    assert precisions.precisions("tensorflow", "CPU") == ("f32",)
    assert precisions.precisions("tensorflow", "GPU") == engines.PRECISIONS


@pytest.mark.parametrize(
    "capabilities, cap, found",
    [
        (["FP32", "BF16"], {}, True),
        (["FP32", "INT8"], {}, False),
        (["FP16", "FP32"], {"ONEDNN_MAX_CPU_ISA": "DEFAULT"}, False),
        (["FP32", "BF16"], {"ONEDNN_MAX_CPU_ISA": "AVX2"}, False),
        (["FP32", "BF16"], {"DNNL_MAX_CPU_ISA": "avx512_core"}, False),
        (["FP32", "BF16"], {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"}, True),
    ],
)
def test_a_cpu_has_bf16_as_far_as_openvino_knows_and_the_process_may(
    monkeypatch, capabilities, cap, found
):
    class Core:
        def get_property(self, device, name):
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return capabilities

    openvino_ = types.SimpleNamespace(Core=Core)
    monkeypatch.setattr(precisions.runtime, "load_openvino", lambda: openvino_)
    for name in precisions.CAPS:
        monkeypatch.delenv(name, raising=False)
    for name, value in cap.items():
        monkeypatch.setenv(name, value)
    assert precisions.has_bf16() is found


# === The GPU ===


def test_no_driver_is_no_gpu(monkeypatch):
    def fails(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(gpu.ctypes, "CDLL", fails)
    assert not gpu.driver_has_one()


@pytest.mark.parametrize(
    "started, counted, count, found",
    [(0, 0, 2, True), (0, 0, 0, False), (100, 0, 1, False), (0, 3, 1, False)],
)
def test_a_driver_is_asked_how_many_gpus_it_shows(
    monkeypatch, started, counted, count, found
):
    class Driver:
        def cuInit(self, flags):
            return started

        def cuDeviceGetCount(self, place):
            place._obj.value = count
            return counted

    monkeypatch.setattr(gpu.ctypes, "CDLL", lambda name: Driver())
    assert gpu.driver_has_one() is found


def test_where_the_driver_has_no_gpu_tensorflow_is_not_imported():
    code = (
        "import sys\n"
        "from midlevel.networks import engines\n"
        "from midlevel.networks.engines import gpu\n"
        "gpu.driver_has_one = lambda: False\n"
        "assert engines.choose().name == 'openvino'\n"
        "assert engines.choose('tensorflow').device == 'CPU'\n"
        "sys.exit('tensorflow' in sys.modules or 'openvino' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# === What an engine is given to do ===


@pytest.mark.parametrize("count, streams", [(1, 1), (2, 2), (8, 8), (64, 8)])
def test_a_cpu_runs_a_network_for_every_core_up_to_eight(monkeypatch, count, streams):
    monkeypatch.setattr(engines.machine, "cores", lambda: count)
    engine = engines.Engine("openvino")
    assert (engine.streams, engine.workers) == (streams, streams + 1)
    on_gpu = engines.Engine("tensorflow", device="GPU")
    assert on_gpu.streams == 1 and 1 <= on_gpu.workers <= 8
    assert on_gpu.together > engine.together and on_gpu.pixels > engine.pixels


# === Networks ===


@pytest.mark.parametrize("name", ["stub", "stub_context"])
def test_engines_agree(stub_backbone, name):
    first, second = (backbones.build(name, engine=engines.Engine(e)) for e in BOTH)
    assert first.fingerprint == second.fingerprint
    pixels = [
        colours((32 * columns, 32 * rows)) for columns, rows in [(7, 7), (9, 8), (7, 7)]
    ]
    for one, other in zip(first.maps(pixels), second.maps(pixels), strict=True):
        assert one.dtype == other.dtype == np.float32
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.slow
def test_engines_agree_on_the_default_backbone():
    first, second = (
        backbones.build(backbones.DEFAULT, engine=engines.Engine(e)) for e in BOTH
    )
    pixels = [
        colours((32 * columns, 32 * rows)) for columns, rows in [(7, 7), (9, 8), (7, 7)]
    ]
    for one, other in zip(first.maps(pixels), second.maps(pixels), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(other).max())


@pytest.mark.parametrize("name", BOTH)
def test_several_threads_get_their_own_answers(model, name):
    network = engines.Engine(name).network(lambda: model, "uint8")
    batches = [batch(SIZES[i % 3], 1 + i % 2, seed=i) for i in range(24)]
    expected = [network(one) for one in batches]
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(network, batches * 3))
    for one, other in zip(found, expected * 3, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert len({one.mean() for one in expected}) == 24


@pytest.mark.parametrize("name", BOTH)
def test_an_answer_stays_when_the_network_is_called_again(model, name):
    network = engines.Engine(name).network(lambda: model, "uint8")
    first = network(batch())
    kept = first.copy()
    network(255 - batch())
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("name", BOTH)
def test_pixels_may_lie_in_any_order(model, name):
    network = engines.Engine(name).network(lambda: model, "uint8")
    mirrored = batch()[:, :, ::-1]
    np.testing.assert_array_equal(network(mirrored), network(mirrored.copy()))


def test_float32_is_never_left_to_the_cpu(model):
    network = compiled(model)
    hint = network._compiled.get_property("INFERENCE_PRECISION_HINT")
    assert hint.to_dtype() == np.float32


def test_bf16_in_openvino_is_near_f32(model, needs_bf16):
    difference = np.abs(compiled(model, "bf16")(batch()) - compiled(model)(batch()))
    assert 1e-5 < difference.max() < 0.02


def test_bf16_in_tensorflow_is_near_f32_and_gives_float32(model, needs_bf16):
    """The graph alone: midlevel takes TensorFlow in bf16 on a GPU only."""
    plain = tensorflow.TensorFlowNetwork(model, "uint8")(batch())
    graph = tensorflow.freeze(tensorflow.in_precision(model, "bf16"), "uint8")
    short = graph(tensorflow.tf.convert_to_tensor(batch()))[0].numpy()
    assert short.dtype == np.float32
    assert 1e-5 < np.abs(short - plain).max() < 0.02


def test_bf16_in_tensorflow_multiplies_so_and_prepares_in_float32(model):
    copy = tensorflow.in_precision(model, "bf16")
    policies = {layer.name: layer.dtype_policy.name for layer in copy.layers}
    assert policies["preprocessing"] == "float32"  # 0 to 255 has more steps than bf16
    assert policies["differences"] == "mixed_bfloat16"
    for one, other in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# === Forked processes ===


def test_openvino_is_compiled_anew_after_a_fork(model):
    network = compiled(model)
    before = network(batch())
    network.after_fork()  # as a child does; tests of the model fork indeed
    np.testing.assert_array_equal(network(batch()), before)


def test_tensorflow_says_that_it_cannot_compute_in_a_forked_process(model, monkeypatch):
    network = tensorflow.TensorFlowNetwork(model, "uint8")
    monkeypatch.setattr(tensorflow.os, "getpid", lambda: -1)
    with pytest.raises(errors.MidlevelError, match="before this process was forked"):
        network(batch())


# === Networks on disk ===


@pytest.fixture(scope="module")
def stored(stub_backbone, model, tmp_path_factory):
    """The stub as a run keeps it; not to be changed."""
    path = tmp_path_factory.mktemp("stored") / "backbone.xml"
    backbones.store(path, "stub", model)
    return path


@pytest.fixture
def copied(stored, tmp_path):
    """A copy to damage."""
    for suffix in (".xml", ".bin"):
        file = stored.with_suffix(suffix)
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / stored.name


def test_a_stored_network_gives_the_same_maps_bit_for_bit(stored, model):
    first, again = compiled(model), openvino.OpenVINONetwork(openvino.read(stored))
    for size_wh in SIZES:
        np.testing.assert_array_equal(again(batch(size_wh)), first(batch(size_wh)))


def test_a_stored_network_tells_the_fingerprint_of_its_weights(stored):
    engine = engines.Engine("openvino")
    kept = backbones.build("stub", "weights that are not there", engine, stored)
    assert kept.fingerprint == backbones.build("stub").fingerprint
    assert len(kept.fingerprint) == 64


def test_what_is_stored_is_two_files_and_nothing_else(stored):
    assert sorted(path.name for path in stored.parent.iterdir()) == [
        "backbone.bin",
        "backbone.xml",
    ]


def test_tensorflow_is_made_from_the_weights_whatever_is_stored(copied):
    copied.write_text("no network")
    backbone = backbones.build(
        "stub", engine=engines.Engine("tensorflow"), stored=copied
    )
    assert backbone.fingerprint == backbones.build("stub").fingerprint


def test_where_nothing_is_stored_the_network_is_converted(stub_backbone, tmp_path):
    engine = engines.Engine("openvino")
    backbone = backbones.build("stub", "imagenet", engine, tmp_path / "gone.xml")
    assert backbone.fingerprint == backbones.build("stub").fingerprint


def test_damaged_weights_are_refused_by_their_checksum(copied):
    weights = copied.with_suffix(".bin")
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    message = "backbone.bin: is damaged: .* Restore both files"
    with pytest.raises(errors.MidlevelError, match=message):
        openvino.read(copied)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda xml: xml.with_suffix(".bin").unlink(), id="no weights"),
        pytest.param(lambda xml: xml.write_text("<net"), id="no XML"),
        pytest.param(lambda xml: xml.write_text(""), id="empty"),
        pytest.param(lambda xml: xml.unlink(), id="no graph"),
    ],
)
def test_a_network_that_cannot_be_read_is_named(copied, damage):
    damage(copied)
    with pytest.raises(
        errors.MidlevelError, match="backbone.*(cannot be read|is missing|damaged)"
    ):
        openvino.read(copied)


def test_a_network_of_somebody_else_is_refused(copied, model):
    openvino.ov.save_model(openvino.convert(model, "uint8"), copied)
    with pytest.raises(errors.MidlevelError, match="checksum is not the one in"):
        openvino.read(copied)


def test_where_writing_stops_half_way_there_is_no_network(
    stub_backbone, model, tmp_path, monkeypatch
):
    """The graph is written last: without its weights it would be taken as there."""
    path = tmp_path / "backbone.xml"
    replace = type(path).replace

    def stops(waiting, target):
        if target.suffix == ".bin":
            raise KeyboardInterrupt
        return replace(waiting, target)

    monkeypatch.setattr(type(path), "replace", stops)
    with pytest.raises(KeyboardInterrupt):
        backbones.store(path, "stub", model)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_of_the_operating_system(model, tmp_path, monkeypatch):
    def fails(*arguments):
        raise RuntimeError("basic_ios::clear: iostream error")

    graph = openvino.convert(model, "uint8")
    monkeypatch.setattr(openvino.ov, "serialize", fails)
    with pytest.raises(OSError, match="cannot be written") as caught:
        openvino.save(graph, tmp_path / "a.xml")
    assert caught.value.filename == str(tmp_path / "a.xml")
    assert not list(tmp_path.iterdir())
