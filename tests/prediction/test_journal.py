import json
import os
import resource
import signal
import sys
import textwrap
import time

import helpers
import pytest
import steps

from midlevel import errors
from midlevel.prediction import journal, journal_files

META = {"schema": "s/1", "fingerprint": "f", "root": "/photographs", "names": "n"}
OTHER = {**META, "fingerprint": "g"}
RUN = {"model": "runs/train/a", "thresholds": {"cat": 0.5}, "engine": "OpenVINO"}
NAMES = ["b.jpg", "é a.jpg", "\udcff.jpg", "c.jpg", "d.jpg"]


def record(name, failure=None, score=0.1):
    return {"file": name, "scores": {"cat": score}, "failure": failure}


@pytest.fixture
def output(tmp_path):
    return tmp_path / "new" / "out.jsonl"


def write(output, names=NAMES, order=None, meta=META, make=record, **allowed):
    """Go on with what is there; returns the names that were still to do."""
    order = names if order is None else order
    with journal.opened(output, meta, journal.Allowed(**allowed)) as kept:
        todo = [name for name in names if name not in kept.done]
        for name in todo:
            kept.write(make(name))
        kept.finish(order, "jsonl", ["cat"])
    return todo


class Killed(Exception):
    pass


def begin(output, names=NAMES[:3], meta=META, make=record, **allowed):
    """What a process leaves that was killed after these records."""
    with (
        pytest.raises(Killed),
        journal.opened(output, meta, journal.Allowed(**allowed)) as kept,
    ):
        for name in names:
            kept.write(make(name))
        raise Killed


def found(output):
    return [json.loads(line) for line in output.read_bytes().splitlines()]


def there(output):
    return sorted(path.name for path in output.parent.iterdir())


FINISHED = ["out.jsonl", "out.jsonl.meta.json"]
UNFINISHED = ["out.jsonl.part", "out.jsonl.part.json"]


@pytest.fixture
def whole(tmp_path):
    """The bytes of an output that nothing interrupted."""
    path = tmp_path / "whole" / "out.jsonl"
    write(path)
    return path.read_bytes()


def test_records_lie_in_order_under_the_name_asked_for(output):
    assert write(output) == NAMES
    assert found(output) == [record(name) for name in NAMES]
    assert there(output) == FINISHED
    about = json.loads((output.parent / "out.jsonl.meta.json").read_bytes())
    assert META.items() <= about.items()


def test_a_record_is_on_disk_as_soon_as_it_is_written(output):
    with journal.opened(output, META) as kept:
        kept.write(record("a.jpg"))
        assert found(kept.part) == [record("a.jpg")] and not output.exists()


# === Killed, and gone on with ===


def test_cut_off_at_any_byte_it_goes_on_with_all_whole_records(output, whole):
    begin(output, NAMES)
    part = journal_files.beside(output, "part")
    content = part.read_bytes()
    assert content == whole
    for end in range(len(content) + 1):
        part.write_bytes(content[:end])
        with journal.opened(output, META) as kept:
            count = content[:end].count(b"\n")
            assert kept.done == set(NAMES[:count])
            for name in NAMES[count:]:
                kept.write(record(name))
        assert part.read_bytes() == whole


@pytest.mark.parametrize("count", range(6))
def test_the_output_is_that_of_a_process_left_alone(output, whole, count):
    begin(output, NAMES[:count])
    assert there(output) == UNFINISHED
    assert write(output) == NAMES[count:]
    assert output.read_bytes() == whole and there(output) == FINISHED


@pytest.mark.parametrize(
    "before, make",
    [(0, None), (2, begin), (2, write), (0, "other")],
    ids=["new", "resumed", "more", "overwritten"],
)
def test_killed_at_any_step_it_goes_on(tmp_path, whole, before, make):
    expected = len(NAMES) - before
    is_other = make == "other"

    def begun(number):
        place = tmp_path / str(number) / "out.jsonl"
        if is_other:
            write(place, NAMES[:2], meta=OTHER)
        elif make:
            make(place, NAMES[:before])
        return place

    places = [begun(number) for number in range(40)]
    code = (
        "test_journal.write(test_journal.journal.Path(sys.argv[1]) / 'out.jsonl', "
        f"overwrite={is_other})"
    )
    count = steps.kill(
        f"import filelock, test_journal\n{code}", [p.parent for p in places]
    )
    assert 10 < count < 40
    written = set()
    for place in places[:count]:
        was_whole = place.exists() and place.read_bytes() == whole
        todo = write(place, overwrite=is_other)
        assert place.read_bytes() == whole and there(place) == FINISHED
        assert not (was_whole and todo), "finished records were made again"
        written.add(len(todo))
    assert written == {0, expected} or written == set(range(expected + 1))


def test_an_output_that_is_finished_is_gone_on_with_too(output):
    write(output, NAMES[:3])
    assert write(output, NAMES) == NAMES[3:]
    assert found(output) == [record(name) for name in NAMES]


def test_photographs_that_came_and_went_are_in_the_order_of_now(output):
    begin(output, NAMES[:3])
    now = ["a.jpg", NAMES[2], NAMES[0]]
    assert write(output, now) == ["a.jpg"]
    assert found(output) == [record(name) for name in now]


def test_failures_are_tried_again(output):
    begin(output, NAMES[:2], make=lambda name: record(name, failure="gone"))
    assert write(output) == NAMES
    assert [row["failure"] for row in found(output)] == [None] * 5


def test_the_newest_record_of_a_photograph_counts(output):
    begin(output, NAMES[:2])
    with journal.opened(output, META) as kept:
        kept.write(record(NAMES[0], score=0.9))
        kept.write(record(NAMES[1], failure="gone"))
        kept.finish(NAMES[:2], "jsonl", ["cat"])
    assert found(output) == [record(NAMES[0], None, 0.9), record(NAMES[1], "gone")]


def test_a_damaged_line_is_one_record_less(output):
    begin(output, NAMES)
    part = journal_files.beside(output, "part")
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(lines[0] + b"\xff" + lines[1] + b"[1]\n7\n" + b"".join(lines[2:]))
    assert write(output) == [NAMES[1]]
    assert found(output) == [record(name) for name in NAMES]


def test_a_table_is_made_of_the_records(output):
    begin(output, NAMES[:1])
    row = {"width": 1, "height": 1, "labels": []}
    with journal.opened(output, META, journal.Allowed(False)) as kept:
        for name in ("a.jpg", "b.jpg"):
            kept.write({**record(name), **row})
        kept.finish(["a.jpg", "b.jpg"], "csv", ["cat"])
    assert output.read_text().splitlines()[1:] == ["a.jpg,1,1,,0.1,", "b.jpg,1,1,,0.1,"]


# === Of another model ===


def test_unfinished_records_of_another_model_are_replaced_only_when_asked(output):
    begin(output, meta={**META, **RUN})
    before = journal_files.beside(output, "part").read_bytes()
    for resume in (True, False):
        with pytest.raises(errors.MidlevelError) as caught:
            write(output, meta={**OTHER, "model": "b"}, resume=resume)
        assert str(caught.value) == (
            f"{output}.part: holds records of another model, runs/train/a, unfinished. "
            "Name another --output, or add --overwrite to replace it."
        )
    assert journal_files.beside(output, "part").read_bytes() == before
    assert write(output, meta=OTHER, overwrite=True) == NAMES
    assert there(output) == FINISHED


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"model": "runs/train/b"}, "of another model, runs/train/a"),
        ({"thresholds": {"cat": 0.4}}, "of runs/train/a with other thresholds"),
        ({"engine": "TensorFlow"}, "of runs/train/a on another engine, OpenVINO"),
        ({}, "of runs/train/a before it was trained again"),
        ({"schema": "s/2"}, "of another version of midlevel"),
        (
            {"fingerprint": "f", "root": "/x"},
            "with names relative to another folder, /photographs",
        ),
    ],
)
@pytest.mark.parametrize("resume", [True, False])
def test_what_is_finished_and_why_it_is_another_is_said(output, changed, what, resume):
    write(output, meta={**META, **RUN})
    before = output.read_bytes()
    with pytest.raises(errors.MidlevelError) as caught:
        write(output, meta={**OTHER, **RUN, **changed}, resume=resume)
    assert str(caught.value) == (
        f"{output}: holds records {what}. "
        "Name another --output, or add --overwrite to replace it."
    )
    assert output.read_bytes() == before and there(output) == FINISHED


def test_finished_records_of_another_model_stay_until_the_new_ones_are_there(output):
    write(output)
    begin(output, NAMES[:2], meta=OTHER, overwrite=True)
    assert found(output) == [record(name) for name in NAMES]
    new = lambda name: record(name, score=0.7)  # noqa: E731
    assert write(output, meta=OTHER, make=new, overwrite=True) == NAMES[2:]
    assert [row["scores"]["cat"] for row in found(output)] == [0.1] * 2 + [0.7] * 3
    assert there(output) == FINISHED


def test_a_file_that_no_prediction_wrote_is_replaced_only_when_asked(output):
    output.parent.mkdir()
    output.write_bytes(b"holiday plans")
    with pytest.raises(errors.MidlevelError, match="there is no out.jsonl.meta.json"):
        write(output, resume=False)
    assert output.read_bytes() == b"holiday plans" and there(output) == ["out.jsonl"]
    assert write(output, overwrite=True) == NAMES
    assert found(output) == [record(name) for name in NAMES]


def test_an_empty_file_is_nothing_to_lose(output):
    output.parent.mkdir()
    output.touch()
    assert write(output) == NAMES


def test_begun_again_nothing_is_gone_on_with(output):
    begin(output)
    assert write(output, resume=False) == NAMES
    assert write(output, resume=False) == NAMES


def test_a_killed_command_goes_on_where_all_its_photographs_are_the_same(output):
    assert not journal.can_go_on(output, META)
    begin(output, NAMES[:2])
    assert journal.can_go_on(output, META)
    assert not journal.can_go_on(output, OTHER)
    assert not journal.can_go_on(output, {**META, "names": "others"})
    with journal.opened(output, META):
        assert not journal.can_go_on(output, META)  # another process writes it
    write(output)
    assert not journal.can_go_on(output, META)  # nothing is unfinished


def test_a_finished_output_stays_whole_while_more_is_made(output):
    write(output, NAMES[:3])
    before = output.read_bytes()
    begin(output, ["new.jpg"])
    assert output.read_bytes() == before
    assert write(output, [*NAMES, "new.jpg"]) == NAMES[3:]


# === Places and errors ===


def test_a_second_process_is_refused(output):
    with journal.opened(output, META) as kept:
        kept.write(record("a.jpg"))
        with pytest.raises(errors.MidlevelError, match="another process is writing"):
            write(output)
        assert found(kept.part) == [record("a.jpg")]
    write(output)


def test_only_what_the_disk_refuses_is_said_of_the_output(output):
    with pytest.raises(PermissionError), journal.opened(output, META):
        raise PermissionError("of a photograph")


SCRIPT = """
    import sys
    sys.path[:0] = [{tests!r}, {tests!r} + "/prediction"]
    import test_journal as t
    with t.journal.opened(t.journal.Path({output!r}), t.META) as kept:
        for name in t.NAMES:
            kept.write(t.record(name, score=0.5))
        print("written", flush=True)
        {then}
"""


def start(output, then, **options):
    tests = os.path.dirname(os.path.dirname(__file__))
    text = SCRIPT.format(tests=tests, output=str(output), then=then)
    command = [sys.executable, "-c", textwrap.dedent(text)]
    return helpers.running(command, **options)


def test_a_full_disk_is_said_and_what_was_written_is_gone_on_with(output, whole):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))

    # coverage could not write either
    own = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
    with start(output, "pass", preexec_fn=limit, env=own) as process:
        message = process.communicate()[1].splitlines()[-1]
    assert "out.jsonl: cannot be written: File too large. Name another" in message
    todo = write(output, make=lambda name: record(name, score=0.5))
    assert 0 < len(todo) < 5
    assert len(found(output)) == 5


def test_a_process_that_was_killed_holds_nothing(output):
    with start(output, "import time; time.sleep(60)") as process:
        assert process.stdout.readline() == "written\n"
        with pytest.raises(errors.MidlevelError, match="another process is writing"):
            write(output)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert write(output) == []


def test_what_a_killed_process_left_waiting_is_taken_away(output):
    output.parent.mkdir()
    left = output.parent / ".123-0a1b2c3d-out.jsonl"
    left.touch()
    write(output)
    assert there(output) == FINISHED


def test_it_is_known_when_the_first_record_was_made(output):
    before = time.time()
    begin(output)
    with journal.opened(output, META) as kept:
        assert before <= kept.begun <= time.time()
        first = kept.begun
    write(output)
    with journal.opened(output, META) as kept:
        assert kept.begun == first
    with journal.opened(output, META, journal.Allowed(False)) as kept:
        assert kept.begun > first
