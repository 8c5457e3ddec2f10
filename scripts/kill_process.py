"""A command that is killed again and again, and begun again until it is done."""

import contextlib
import os
import random
import signal
import subprocess
import threading
import time

import click
from kill_trials import EPOCHS, Trial

STARTING = 0.25  # share of kills that fall before the work begins


class Process:
    """The command, running.

    Attributes:
        lines: what it has said so far.
        began: set when its work began.
    """

    def __init__(self, trial: Trial):
        self.started = time.monotonic()
        self.lines: list[str] = []
        self._code: int | None = None  # where its work ends before it does
        self.began, self._ended = threading.Event(), threading.Event()
        self._process = subprocess.Popen(
            trial.command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=[trial])
        self._reader.start()

    def _read(self, trial: Trial):
        with self._process.stderr as said:
            for line in said:
                self.lines.append(line.rstrip())
                if trial.begins in line:
                    self.began.set()
                if trial.ends in line:
                    os.killpg(self._process.pid, signal.SIGKILL)
                    self._code = 0
        self.began.set()
        self._ended.set()

    def has_ended(self, seconds: float | None = None) -> bool:
        """Whether its work came to its end in that time."""
        if not self._ended.wait(seconds):
            return False
        code = self._process.wait() if self._code is None else self._code
        if code:
            raise click.ClickException("\n".join(self.lines[-20:]))
        self.kill()
        return True

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()


def run(trial: Trial, kills: int, rng: random.Random):
    """Run uninterrupted, then killed again and again; notes what differs."""
    trial.clear()
    whole = Process(trial)
    whole.began.wait()
    start = time.monotonic() - whole.started
    whole.has_ended()
    work = time.monotonic() - whole.started - start
    expected = trial.made()
    begun = time.monotonic()
    trial.clear()
    while True:
        process = Process(trial)
        if trial.kills == kills:
            ended = process.has_ended()
        elif rng.random() < STARTING:
            ended = process.has_ended(rng.uniform(0, start))
        else:
            process.began.wait()
            ended = process.has_ended(rng.uniform(0, work))
        if ended:
            compare(trial, expected)
            if trial.kills == kills:
                break
            trial.clear()
        else:
            process.kill()
            trial.kills += 1
            where = stage(process)
            trial.fell[where] = trial.fell.get(where, 0) + 1
            click.echo(f"{trial.name}: kill {trial.kills} in {where}", err=True)
    trial.seconds = time.monotonic() - begun


def stage(process: Process) -> str:
    """Where a process was, by what it said last."""
    stages = {
        f"epoch {EPOCHS}:": "the end",
        "validation mAP": "the end",
        "epoch ": "an epoch",
        "windows to learn": "an epoch",
        "features of": "features",
        "run: ": "keeping the backbone",
        "engine: ": "scoring",
    }
    for line in reversed(process.lines):
        for begins, name in stages.items():
            if line.startswith(begins):
                return name
    return "starting"


def compare(trial: Trial, expected: dict):
    found = trial.made()
    trial.rounds += 1
    for name in expected.keys() | found.keys():
        if expected.get(name) != found.get(name):
            trial.differences.append(f"round {trial.rounds}: {name} differs")
