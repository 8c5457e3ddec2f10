"""What the machine lets a process use."""

import os

from midlevel.system import machine


def test_the_memory_of_the_machine_is_known_or_guessed(monkeypatch):
    assert machine.memory_of_machine() > 10**8

    def unknown(name):
        raise ValueError(name)

    monkeypatch.setattr(machine.os, "sysconf", unknown)
    assert machine.memory_of_machine() == machine.UNKNOWN_MEMORY


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 7}, raising=False)
    assert machine.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert machine.cores() == os.cpu_count()
