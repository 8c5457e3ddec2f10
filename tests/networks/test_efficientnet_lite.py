"""The EfficientNet-Lite family: its own top, its scaling, its way through midlevel."""

from pathlib import Path

import numpy as np
import pytest
import stub
from real_backbones import noise

import midlevel
from midlevel import datasets
from midlevel.images import pixels
from midlevel.networks import backbones
from midlevel.networks.backbones import efficientnet_lite, table

DATA = Path(__file__).parents[1] / "data"


def probabilities(classifier, file):
    """ImageNet probabilities (1000,) of a photograph of tests/data."""
    side = table.find(classifier.name).input_size
    photograph = pixels.resize(pixels.read(DATA / file), (side, side))
    return classifier(photograph[None]).numpy()[0]


# === Its own top ===

# Expected values: the PyTorch networks with their own float32 weights, on the same
# pixels. The tolerance is what float16 weights cost.
CAT_AND_ESPRESSO = {
    "efficientnet_lite0": (0.8127, 0.8909),
    "efficientnet_lite1": (0.7677, 0.7034),
    "efficientnet_lite2": (0.7518, 0.8723),
}
FAMILY = [
    "efficientnet_lite0",
    *[pytest.param(f"efficientnet_lite{n}", marks=pytest.mark.slow) for n in (1, 2)],
]


@pytest.mark.parametrize("name", FAMILY)
def test_photographs_of_a_cat_and_of_coffee_are_told_by_its_own_top(name):
    of_cat, of_coffee = CAT_AND_ESPRESSO[name]
    classifier = efficientnet_lite.efficientnet_lite(name, include_top=True)
    scores = probabilities(classifier, "cat.jpg")
    assert scores.argmax() == 285  # Egyptian cat; 281 to 285 are the cats
    assert scores[285] == pytest.approx(of_cat, abs=0.004)
    assert scores[281:286].sum() > 0.85
    scores = probabilities(classifier, "coffee.jpg")
    assert scores.argmax() == 967  # espresso
    assert scores[967] == pytest.approx(of_coffee, abs=0.004)


# Classes of ImageNet 2012 that VOC has one name for.
OF_IMAGENET = {
    "cat": range(281, 286),
    "dog": range(151, 269),
    "horse": (339,),
    "sheep": (348, 349, 350),
    "cow": (345, 346, 347),
}


def alone(folder):
    """Validation photographs of one of these animals and no other, with its name."""
    dataset = datasets.read(folder)
    return [
        (example.path, name)
        for example in dataset.splits["val"]
        for name in [dataset.classes[example.classes[0] - 1]]
        if len(set(example.classes)) == 1 and name in OF_IMAGENET
    ]


@pytest.mark.data
@pytest.mark.parametrize("name", list(efficientnet_lite.SCALINGS))
def test_animals_of_real_photographs_are_told_by_its_own_top(name, voc_animals):
    """Half, of a thousand classes: VOC's photographs show more than their animal."""
    classifier = efficientnet_lite.efficientnet_lite(name, include_top=True)
    known = alone(voc_animals)[::5]
    right = [
        probabilities(classifier, path).argmax() in OF_IMAGENET[word]
        for path, word in known
    ]
    assert len(right) > 50 and sum(right) > 0.5 * len(right)


@pytest.mark.parametrize("name", FAMILY)
def test_the_map_is_what_the_classifier_sees(name):
    classifier = efficientnet_lite.efficientnet_lite(name, include_top=True)
    image = noise(7, 7)
    features = backbones.keras_model(name)(image).numpy().mean((1, 2))
    received = classifier.get_layer("predictions")(features)
    np.testing.assert_allclose(received, classifier(image), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", FAMILY)
def test_packaged_weights_are_small_and_known_by_their_fingerprint(name):
    packaged = table.find(name).packaged
    model = backbones.keras_model(name)
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert packaged.file.stat().st_size < 12e6
    assert backbones.fingerprint_of(model, name) == packaged.fingerprint


@pytest.mark.parametrize(
    ("name", "blocks", "channels"),
    [
        ("efficientnet_lite0", 16, [16, 24, 40, 80, 112, 192, 320]),
        ("efficientnet_lite1", 21, [16, 24, 40, 80, 112, 192, 320]),
        ("efficientnet_lite2", 21, [16, 24, 48, 88, 120, 208, 352]),
    ],
)
def test_the_family_is_scaled_as_its_authors_scale_it(name, blocks, channels):
    stages = efficientnet_lite.stages(efficientnet_lite.SCALINGS[name])
    assert sum(stage.repeats for stage in stages) == blocks
    assert [stage.channels for stage in stages] == channels


# === The way through midlevel ===


@pytest.fixture(scope="module", params=["efficientnet_lite1", "efficientnet_lite2"])
def run(request, toy_voc, tmp_path_factory):
    """A run on one of the two, the windows of two levels."""
    return midlevel.train(
        toy_voc,
        run=tmp_path_factory.mktemp(request.param) / "run",
        settings={
            "backbone.name": request.param,
            "windows.pyramid": [
                {"scale": 0.6, "sizes": [4, 3]},
                {"scale": 1.0, "sizes": [5]},
            ],
            "head.hidden": [16],
            "image_loss.epochs": 2,
            "report": False,
        },
        progress=stub.QUIET,
    )


@pytest.mark.slow
def test_a_run_has_its_levels_and_needs_no_weights_of_its_own(run):
    model = midlevel.load(run.folder)
    spec = table.find(model.config.backbone.name)
    assert model.extractor.backbone.fingerprint == spec.packaged.fingerprint
    assert not run.weights_file.exists() and run.stored_backbone.exists()
    plan = model.extractor.plan((320, 320))
    # 240 pixels are 7.5 cells, 260 are 8.1; 0.6 of them 4.5 and 4.9
    assert plan.grids == ((5, 5), (8, 8))


@pytest.mark.slow
def test_both_engines_say_the_same_of_it(run, toy_voc):
    (photograph,) = sorted((toy_voc / "JPEGImages").iterdir())[:1]
    first, second = (
        midlevel.load(run.folder, engine=engine).predict(photograph)[0]["scores"]
        for engine in ("openvino", "tensorflow")
    )
    assert first == pytest.approx(second, abs=1e-3)


@pytest.mark.slow
def test_it_is_exported_and_found_right(run, tmp_path):
    """What differs from the run by more than its format may is not kept."""
    written = midlevel.export(
        midlevel.load(run.folder),
        tmp_path,
        formats=["keras", "openvino", "onnx"],
        progress=stub.QUIET,
    )
    assert {"window.keras", "image.keras", "image.xml", "image.onnx"} <= {
        path.name for path in written
    }
