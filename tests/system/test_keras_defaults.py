import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from midlevel.networks import heads
from midlevel.system import runtime
from midlevel.system.keras_defaults import Settings, keras_defaults

TESTS = Path(__file__).parent.parent
ODD = {"floatx": "float16", "epsilon": 0.01, "image_data_format": "channels_first"}

# Trains, predicts by TensorFlow and exports; writes the scores.
WHOLE_WAY = """
import json, pathlib, sys
{before}
import midlevel, pytest, stub
from midlevel.networks import backbones
from midlevel.system import runtime
runtime.load_keras()
data, here = sys.argv[1], pathlib.Path(sys.argv[2])
with pytest.MonkeyPatch.context() as patch:
    stub.register(patch)
    patch.setattr("midlevel.exports.VERIFIED_ON", 1)
    run = stub.train(data, here / "run")
    model = midlevel.load(run.folder, engine="tensorflow")
    (here / "records.json").write_text(json.dumps(model.predict(data)))
    assert midlevel.export(model, here / "exported", progress=stub.QUIET)
network = backbones.keras_model(backbones.DEFAULT)
assert backbones.fingerprint_of(network, backbones.DEFAULT) == (
    backbones.find(backbones.DEFAULT).packaged.fingerprint
)
assert network.output_shape == (None, None, None, 1280)
import keras
config = keras.config
assert config.image_data_format() == "channels_first", "it was not put back"
assert (config.floatx(), config.epsilon()) == ("float16", 0.01)
{after}
"""
CALLS = """
import keras
keras.config.set_floatx("float16")
keras.config.set_epsilon(0.01)
keras.config.set_image_data_format("channels_first")
keras.config.set_dtype_policy("mixed_float16")
"""
POLICY_IS_BACK = "assert config.dtype_policy().name == 'mixed_float16'"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "backend"),
    [("", "", "torch"), (CALLS, POLICY_IS_BACK, "tensorflow")],
    ids=["keras.json and KERAS_BACKEND", "calls"],
)
def test_what_is_set_in_keras_changes_nothing(
    trained, toy_voc, tmp_path, before, after, backend
):
    home = tmp_path / "keras"
    home.mkdir()
    odd = {**ODD, "backend": "torch"} if not before else {}
    (home / "keras.json").write_text(json.dumps(odd))
    env = {"KERAS_HOME": str(home), "KERAS_BACKEND": backend}
    env |= {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    code = WHOLE_WAY.format(before=before, after=after)
    done = subprocess.run(
        [sys.executable, "-c", code, str(toy_voc), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, **env, "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr
    here, there = (
        heads.load(folder / "head.keras").get_weights()
        for folder in (trained.folder, tmp_path / "run")
    )
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_was_set_is_put_back_also_after_an_error():
    config = runtime.load_keras().config
    before = Settings.now(), config.dtype_policy()
    odd = Settings(**ODD)
    try:
        odd.set()
        config.set_dtype_policy("mixed_float16")
        with pytest.raises(ValueError), keras_defaults():
            assert Settings.now() == Settings()
            assert config.dtype_policy().name == "float32"
            raise ValueError
        assert Settings.now() == odd
        assert config.dtype_policy().name == "mixed_float16"
    finally:
        before[0].set()
        config.set_dtype_policy(before[1])


def test_of_several_threads_inside_the_last_puts_back():
    before, odd = Settings.now(), Settings(**ODD)
    inside, may_go = threading.Event(), threading.Event()

    def stay():
        with keras_defaults():
            inside.set()
            may_go.wait(10)

    try:
        odd.set()
        other = threading.Thread(target=stay)
        with keras_defaults():
            other.start()
            assert inside.wait(10)
        assert Settings.now() == Settings(), "the other is still inside"
        may_go.set()
        other.join()
        assert Settings.now() == odd
    finally:
        may_go.set()
        before.set()
