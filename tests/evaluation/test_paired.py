"""Ways measured on the same photographs, each against the first."""

import numpy as np
import pytest

from midlevel.evaluation import paired

TARGETS = np.array([[1], [0], [1], [0]])
GOOD, FAIR, BAD = [4, 2, 3, 1], [4, 3, 2, 1], [1, 3, 2, 4]  # area AP 1, 5/6, 1/2


def way(*by_seed):
    return [(np.array([scores], float).T, TARGETS) for scores in by_seed]


def test_differences_are_of_the_same_seed_and_from_the_first_way():
    first, second = paired.rows([way(FAIR, GOOD), way(GOOD, BAD)])
    assert first.values == pytest.approx([5 / 6, 1])
    assert first.differences == [0, 0] and first.difference_interval == [0, 0]
    assert second.differences == pytest.approx([1 / 6, -1 / 2])


def test_what_is_the_same_on_all_resamples_has_an_interval_of_no_width():
    good, same, better = paired.rows([way(BAD), way(BAD), way(GOOD)])
    assert same.interval == good.interval and same.difference_interval == [0, 0]
    low, high = better.difference_interval
    assert better.interval == [1, 1] and 0 <= low <= 1 / 2 <= high <= 1
    assert low == pytest.approx(1 - good.interval[1])


def test_the_form_of_average_precision_can_be_chosen():
    (row,) = paired.rows([way(FAIR)], "eleven_point")
    assert row.values == pytest.approx([(6 * 1 + 5 * 2 / 3) / 11])
