"""Damaged files by number, see scripts/fuzz.py, which does thousands of them."""

import dataclasses
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel import errors
from midlevel.images import decoding

pytest.importorskip("pillow_heif")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import fuzz
import fuzz_cases
import fuzz_sets

SEEDS = st.integers(0, 10**9)


@given(st.sampled_from(sorted(fuzz_cases.IMAGES)), SEEDS)
def test_a_damaged_image_is_read_or_refused(target, seed):
    assert fuzz_cases.case(target, seed) in ("read", "refused")


@pytest.mark.parametrize("target", fuzz.READERS)
@given(seed=SEEDS)
def test_a_damaged_annotation_is_read_or_named(target, seed):
    assert fuzz_cases.case(target, seed) in ("read", "refused")


@pytest.mark.parametrize("target", fuzz.READERS)
def test_what_is_not_damaged_is_read(target, tmp_path):
    files = fuzz_sets.write(target, tmp_path)
    for file in files:
        data = file.read_bytes()
        assert fuzz_sets.judge(target, tmp_path, file, data) == "read"


@pytest.mark.parametrize("target", fuzz.READERS)
def test_a_reader_that_drops_a_box_silently_is_found_out(target, tmp_path, monkeypatch):
    """The judge itself is judged."""
    (*_, file) = fuzz_sets.write(target, tmp_path)
    whole = fuzz_sets.datasets.read(tmp_path, form=target)
    (row,) = (row for row in whole.split("train") if row.path.stem == "d")
    less = [row.with_boxes(row.boxes, row.classes > 1)]
    rows = [kept for kept in whole.split("train") if kept is not row] + less
    changed = dataclasses.replace(whole, splits={"train": rows})
    monkeypatch.setattr(fuzz_sets.datasets, "read", lambda *_, **__: changed)
    with pytest.raises(AssertionError):
        fuzz_sets.judge(target, tmp_path, file, file.read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "what"),
    [("crash", "ended the process"), ("hang", "took too long"), ("raise", "as asked")],
)
def test_the_seed_of_a_case_that_breaks_is_named(target, what):
    counts, faults = fuzz.run(target, 2)
    assert counts.total() == 2 and len(faults) == 2
    assert f"--seed 1 {target}: " in faults[1] and what in faults[1]


# === What it found ===


def test_a_heic_that_holds_no_image_is_refused():
    data = fuzz_cases.IMAGES["colour.heic"].replace(b"iinf", b"junk")
    with pytest.raises(errors.ImageError, match="is HEIC and cannot be decoded|size"):
        decoding.decode(data, "a.heic")
