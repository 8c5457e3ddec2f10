"""The page that puts runs side by side."""

import re
from dataclasses import replace

import pytest

from midlevel import errors
from midlevel.evaluation.comparison import Compared, Comparison, Difference
from midlevel.pages import outputs
from midlevel.pages.compare import compare_page
from midlevel.pages.scale import Scale

HOSTILE = "<b>a\x1b[2J"
FORMS = ("area", "eleven_point", "non_interpolated")


def run(name, value, away=None):
    """A run whose AP is `value` in every form."""
    every = dict.fromkeys(FORMS, value)
    difference = away and dict.fromkeys(FORMS, Difference(*away))
    interval = dict.fromkeys(FORMS, [value - 0.05, value + 0.05])
    ap = {"cat": every, "dog": dict.fromkeys(FORMS)}
    return Compared(name, f"/x/{name}", every, interval, difference, ap, 90, 24.1, None)


FOUND = Comparison(
    [
        run("plain", 0.8),
        run("better", 0.9, (0.1, [0.02, 0.18])),
        run(HOSTILE, 0.79, (-0.01, [-0.05, 0.03])),
    ],
    {"labels.level": ["box", "image", HOSTILE]},
    ["cat", "dog"],
    "photographs",
    "val",
    450,
    ["plain learned from 3 of them"],
    [],
)


@pytest.fixture
def text(tmp_path):
    compare_page.write(FOUND, tmp_path / "new" / "page.html")
    return (tmp_path / "new" / "page.html").read_text(encoding="utf-8")


def test_the_page_stands_alone_and_says_what_was_found(text):
    assert text.startswith("<!doctype html>") and "<script" not in text
    assert not re.search(r"(?:src|href|url)\s*[=(]", text)
    assert "3 runs side by side" in text and "450 photographs of split" in text
    assert "plain learned from 3 of them" in text
    assert "75.0 to 85.0" in text and "+2.0 to +18.0" in text
    assert '<td class="good"><b>+10.0</b></td>' in text  # 0 is not in the interval
    assert '<td class="">-1.0</td>' in text  # it is
    assert '<b class="best">90.0</b>' in text and "photographs/s" not in text


def test_names_from_anybody_do_nothing(text):
    assert "<b>a" not in text and "\x1b" not in text
    assert "&lt;b&gt;a" in text


def test_runs_of_the_same_settings_are_said_to_be(tmp_path):
    compare_page.write(replace(FOUND, settings={}), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "None: they learned the same way" in text


def test_photographs_a_second_have_a_column_where_they_were_measured(tmp_path):
    some = [replace(one, photographs_per_second=8.26) for one in FOUND.runs]
    compare_page.write(replace(FOUND, runs=some), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<th>photographs/s</th>" in text and "<td>8.3</td>" in text


def test_values_have_their_places_on_a_scale():
    scale = Scale.of([0.5, 0.7, 0.6])
    assert scale.at(0.6) == 50 and 0 < scale.at(0.5) < scale.at(0.7) < 100
    assert Scale.of([0.5]).at(0.5) == 50


def test_a_name_that_is_no_pages_is_refused():
    with pytest.raises(errors.MidlevelError, match="ends in .html"):
        outputs.file("page.txt")
