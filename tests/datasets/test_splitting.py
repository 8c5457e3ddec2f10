from pathlib import Path

import helpers
import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from midlevel import datasets, errors
from midlevel.datasets import splitting
from midlevel.datasets.dataset import Dataset, Example

FOLDER = Path("set")
NONE = np.array([], int)


def made(shown, files=None):
    """A data set of which photograph i shows the class ids `shown[i]`, all labels."""
    count = max((key for keys in shown for key in keys), default=1)
    files = files or [f"{i:03}.jpg" for i in range(len(shown))]
    rows = [
        Example(
            FOLDER / file,
            None,
            np.zeros((0, 4), np.float32),
            NONE,
            NONE.astype(bool),
            np.array(sorted(keys), np.int16),
            NONE,
            FOLDER / file,
        )
        for file, keys in zip(files, shown, strict=True)
    ]
    names = tuple(f"class {i}" for i in range(1, count + 1))
    return Dataset(FOLDER, "csv", names, {"train": rows})


def split(dataset, fraction=0.2, seed=0, group_by=None):
    """Files that stay and files that are held out."""
    found = splitting.hold_out(dataset, "train", "val", fraction, seed, group_by)
    return [[found.file(e) for e in found.split(name)] for name in ("train", "val")]


def counted(dataset, files):
    """How many of the files show each class."""
    count = len(dataset.classes)
    rows = [e for e in dataset.split("train") if dataset.file(e) in set(files)]
    return np.sum([e.targets(count) for e in rows], axis=0)


@pytest.mark.parametrize(
    ("fraction", "held"), [(0.2, 2), (0.5, 6), (0.01, 1), (0.99, 10)]
)
def test_holding_out_is_seeded_and_disjoint(toy_voc, fraction, held):
    before = datasets.read(toy_voc)
    train, val = split(before, fraction)
    assert abs(len(val) - held) <= 1 and not set(train) & set(val)
    assert {*train, *val} == {before.file(e) for e in before.split("train")}
    assert train == sorted(train) and val == sorted(val)
    assert split(before, fraction) == [train, val]
    others = {tuple(split(before, fraction, seed)[1]) for seed in range(1, 8)}
    assert held == 1 or len(others) > 1  # the one without objects is easiest to spare
    assert len(before.split("train")) == 11 and "val" in before.splits


def test_two_photographs_can_be_held_out_from_and_one_not():
    assert [len(files) for files in split(made([{1}, {1}]), 0.8)] == [1, 1]
    with pytest.raises(errors.DataError, match="set: 1 photographs .* Expected at le"):
        split(made([{1}]))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5])
def test_each_of_exclusive_classes_is_split_in_its_share(seed, fraction):
    sizes = {1: 10, 2: 37, 3: 100, 4: 5}
    dataset = made([{key} for key, size in sizes.items() for _ in range(size)])
    _, val = split(dataset, fraction, seed)
    wanted = fraction * np.array(list(sizes.values()))
    assert (abs(counted(dataset, val) - wanted) <= 1).all()


@hypothesis.given(
    st.lists(st.integers(1, 4), min_size=2, max_size=60),
    st.floats(0.05, 0.95),
    st.integers(0, 99),
)
def test_a_class_is_within_a_photograph_of_its_share(keys, fraction, seed):
    dataset = made([{key} for key in keys])
    train, val = split(dataset, fraction, seed)
    assert train and val
    wanted = fraction * counted(dataset, train + val)
    assert (abs(counted(dataset, val) - wanted) <= 1 + 1e-9).all()


@hypothesis.given(
    st.lists(st.sets(st.integers(1, 4), max_size=3), min_size=2, max_size=40),
    st.floats(0.05, 0.95),
    st.integers(0, 99),
)
def test_whatever_photographs_show_both_splits_have_some(shown, fraction, seed):
    dataset = made(shown)
    train, val = split(dataset, fraction, seed)
    assert train and val and len(train) + len(val) == len(shown)


def test_several_classes_a_photograph_are_split_alike():
    rng = np.random.default_rng(0)
    chances = [0.5, 0.2, 0.05, 0.02]
    shown = [
        {key for key, chance in enumerate(chances, 1) if rng.random() < chance}
        for _ in range(400)
    ]
    dataset = made(shown)
    _, val = split(dataset)
    total = counted(dataset, [dataset.file(e) for e in dataset.split("train")])
    assert abs(counted(dataset, val) - 0.2 * total).max() <= 3
    assert abs(len(val) - 80) <= 3


def test_a_rare_class_is_in_both_splits():
    dataset = made([{1}] * 50 + [{1, 2}] * 2)
    for seed in range(10):
        train, val = split(dataset, 0.5, seed)
        assert counted(dataset, train)[1] == counted(dataset, val)[1] == 1


@pytest.mark.parametrize("fraction", [0.001, 0.03, 0.97, 0.999])
def test_a_tiny_share_is_not_of_background_alone(fraction):
    dataset = made([set()] * 30 + [{1}] * 10 + [{2}] + [{1, 2}])
    for seed in range(5):
        sides = split(dataset, fraction, seed)
        assert all(counted(dataset, files).any() for files in sides)
        assert min(map(len, sides)) <= 2


def test_a_single_photograph_that_shows_a_class_is_learned_from_or_not():
    train, val = split(made([set(), {1}]), 0.1)
    assert len(train) == len(val) == 1


# === Groups ===

FILES = [
    f"{place}/{name}_{i}.jpg" for place in "abcde" for name in "xy" for i in (1, 2)
]


@pytest.mark.parametrize(
    ("group_by", "group_of"),
    [
        ("folder", lambda file: file[0]),
        (r"(.*)_\d", lambda file: file[:3]),
        (r"/\w_", lambda file: file[1:4]),
        (r"(a)|(q)", lambda file: "a" if file[0] == "a" else file),
        ("no such thing", lambda file: file),
    ],
)
def test_groups_are_never_torn(group_by, group_of):
    shown = [{1 + i % 3} for i in range(len(FILES))]
    for seed in range(5):
        train, val = split(made(shown, FILES), 0.3, seed, group_by)
        assert train and val
        assert not set(map(group_of, train)) & set(map(group_of, val))


def test_groups_of_many_sizes_come_near_the_share():
    sizes = (40, 1, 20, 2, 10, 3, 5, 1, 8, 10)
    files = [f"{k}/{i}.jpg" for k, size in enumerate(sizes) for i in range(size)]
    for seed in range(10):
        _, val = split(made([{1}] * 100, files), 0.2, seed, "folder")
        assert 15 <= len(val) <= 25
    unequal = [f"a/{i}.jpg" for i in range(10)] + ["b/0.jpg"]
    for seed in range(10):
        _, val = split(made([{1, 2}] * 11, unequal), 0.1, seed, "folder")
        assert val == ["b/0.jpg"]


def test_a_group_that_does_not_take_part_in_the_match_is_the_files_own():
    """`(q)?` matches everywhere without its group."""
    train, val = split(made([{1}] * 20, FILES), 0.2, 0, "(q)?")
    assert len(val) == 4


def test_one_group_cannot_be_split():
    files = ["a/1.jpg", "a/2.jpg"]
    message = r"2 photographs in 1 groups \(data.group_by\) are too few"
    with pytest.raises(errors.DataError, match=message):
        split(made([{1}, {1}], files), group_by="folder")


# === Splits that were drawn before ===


def test_picked_files_make_the_splits_in_their_order(toy_voc):
    before = datasets.read(toy_voc)
    train, val = split(before)
    found = splitting.pick(before, {"train": train, "new": [*val[::-1], "gone.jpg"]})
    assert [found.file(e) for e in found.split("new")] == val[::-1]
    assert [found.file(e) for e in found.split("train")] == train
    assert found.splits["val"] == before.splits["val"]


def test_images_of_one_folder_stay_together_in_real_folders(tmp_path):
    image = helpers.noise((20, 16))
    for place in "abc":
        for name in ("x", "y"):
            helpers.write_photograph(tmp_path / place / f"{name}.jpg", image)
            text = helpers.annotation(f"{name}.jpg", [("cat", (0, 0, 4, 4), False)])
            (tmp_path / place / f"{name}.xml").write_text(text)
    train, val = split(datasets.read(tmp_path), 0.3, group_by="folder")
    assert {f[0] for f in train}.isdisjoint(f[0] for f in val) and len(val) == 2


def folds(dataset, count=5, group_by=None):
    """Of each fold the files that stay and those held out."""
    found = splitting.folds(dataset, "train", "out", count, 0, group_by)
    return [
        [[one.file(e) for e in one.split(name)] for name in ("train", "out")]
        for one in found
    ]


def test_folds_hold_each_photograph_out_once_and_share_classes_out():
    dataset = made([{1}] * 30 + [{2}] * 10 + [{1, 2}] * 5 + [set()] * 5)
    every = [dataset.file(e) for e in dataset.split("train")]
    found = folds(dataset)
    assert sorted(name for _, out in found for name in out) == sorted(every)
    for stay, out in found:
        assert [name for name in every if name not in set(out)] == stay
        assert 8 <= len(out) <= 12
        assert counted(dataset, out).tolist() == pytest.approx([7, 3], abs=1)


def test_folds_keep_groups_together_and_are_fewer_where_groups_are():
    files = [f"{group}/{i}.jpg" for group in "abc" for i in range(4)]
    found = folds(made([{1}] * 12, files), group_by="folder")
    groups = [{name[0] for name in out} for _, out in found]
    assert sorted(map(sorted, groups)) == [["a"], ["b"], ["c"]]
    with pytest.raises(errors.DataError, match="too few to keep some"):
        folds(made([{1}]))
