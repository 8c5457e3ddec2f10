"""How near photographs are to what a backbone knows."""

import numpy as np

from midlevel.advising import similarity


def test_vectors_that_say_the_class_are_judged_well_and_others_by_chance():
    rng = np.random.default_rng(0)
    targets = (rng.random((200, 2)) < 0.3).astype(np.int8)
    noise = rng.normal(size=(200, 20))
    said = noise.copy()
    said[:, :2] += 6 * targets
    assert similarity.judged(said, targets, 100.0) > 0.98
    assert similarity.judged(noise, targets, 100.0) < 0.5


def test_no_photograph_is_judged_by_itself():
    # As many numbers as photographs: fitted to itself, anything is told apart.
    rng = np.random.default_rng(1)
    targets = (rng.random((60, 1)) < 0.5).astype(np.int8)
    assert similarity.judged(rng.normal(size=(60, 300)), targets, 1e-3) < 0.75


def test_what_is_not_said_counts_neither_way():
    rng = np.random.default_rng(2)
    targets = (rng.random((100, 1)) < 0.5).astype(np.int8)
    vectors = rng.normal(size=(100, 3)) + 4 * targets
    targets[:10] = -1
    assert similarity.judged(vectors, targets, 10.0) > 0.95
