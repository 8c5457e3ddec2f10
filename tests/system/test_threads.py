import itertools
import threading
import time

import pytest

from midlevel.system import threads


class Source:
    """Numbers, counted as they are taken."""

    def __init__(self, count):
        self.count = count
        self.taken = 0

    def __iter__(self):
        for number in range(self.count):
            self.taken += 1
            yield number


def test_what_is_done_comes_in_the_order_of_the_jobs():
    def slowest_first(job):
        time.sleep(0.02 / (job + 1))
        return job * job

    found = list(threads.in_order(range(9), slowest_first, workers=3))
    assert found == [job * job for job in range(9)]


@pytest.mark.parametrize("workers", [1, 3])
def test_few_jobs_are_taken_before_they_are_needed(workers):
    source, most = Source(50), 0
    for given, _ in enumerate(threads.in_order(source, abs, workers)):
        most = max(most, source.taken - given)
    assert source.taken == 50
    assert most == 2 * workers


def test_as_many_jobs_run_at_once_as_there_are_workers():
    meeting = threading.Barrier(3, timeout=10)  # breaks unless three come

    def meet(job):
        meeting.wait()
        return threading.get_ident()

    assert len(set(threads.in_order(range(6), meet, workers=3))) == 3


def test_an_error_comes_out_where_its_turn_is():
    found = threads.in_order([1, 0, 2], lambda job: 1 / job, workers=2)
    assert next(found) == 1.0
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert list(found) == []


def test_an_interruption_in_a_thread_comes_out_too():
    def work(job):
        if job == 2:
            raise KeyboardInterrupt
        return job

    found = threads.in_order(range(9), work, workers=2)
    assert list(itertools.islice(found, 2)) == [0, 1]
    with pytest.raises(KeyboardInterrupt):
        next(found)


def test_closing_early_stops_the_work_and_waits_for_what_runs():
    source, running, used = Source(50), [], set()

    def work(job):
        used.add(threading.current_thread())
        running.append(job)
        time.sleep(0.01)
        running.remove(job)
        return job

    found = threads.in_order(source, work, workers=2)
    assert next(found) == 0
    found.close()
    assert running == [] and source.taken == 4
    assert used and not [thread for thread in used if thread.is_alive()]


def test_nothing_is_done_of_no_jobs():
    assert list(threads.in_order([], abs, workers=2)) == []


@pytest.mark.parametrize("size", [1, 2, 3, 6, 9])
def test_groups_hold_all_things_in_order(size):
    found = list(threads.groups(iter(range(6)), size))
    assert list(itertools.chain(*found)) == list(range(6))
    assert {len(group) for group in found[:-1]} <= {size}
    assert 1 <= len(found[-1]) <= size


def test_groups_take_no_more_than_the_group_that_is_asked_for():
    source = Source(9)
    found = threads.groups(source, 4)
    assert source.taken == 0
    assert next(found) == [0, 1, 2, 3] and source.taken == 4
    assert list(threads.groups([], 4)) == []
