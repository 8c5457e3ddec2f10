import errno
import os
from collections import Counter
from pathlib import Path

import pytest

from midlevel import errors
from midlevel.images import names, sources


@pytest.fixture
def holiday(tmp_path, monkeypatch):
    """Photographs in a folder and its subfolders; the current folder is above it."""
    names = (
        "b.jpg",
        "a.PNG",
        "notes.txt",
        "sub/ü ß.webp",
        "sub/deep/c.jpeg",
        "e/d.jpg",
    )
    for name in names:
        path = tmp_path / "holiday" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "holiday" / "folder.jpg").mkdir()
    monkeypatch.chdir(tmp_path)
    return Path("holiday")


def found(*given):
    return [path.as_posix() for path in sources.find(given)]


def test_a_folder_is_searched_with_its_subfolders(holiday):
    names = ["a.PNG", "b.jpg", "e/d.jpg", "sub/deep/c.jpeg", "sub/ü ß.webp"]
    assert found("holiday") == [f"holiday/{name}" for name in names]


def test_linked_folders_are_entered_once(holiday, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/z.jpg").touch()
    (holiday / "linked").symlink_to(tmp_path / "disk")
    (holiday / "e/round").symlink_to(holiday.absolute())
    names = ["a.PNG", "b.jpg", "e/d.jpg", "linked/z.jpg", "sub/deep/c.jpeg"]
    assert found("holiday")[:-1] == [f"holiday/{name}" for name in names]


def test_a_folder_that_cannot_be_opened_is_kept_to_be_told_of(holiday, monkeypatch):
    opened = os.scandir

    def scandir(place):
        if Path(place).name == "deep":
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return opened(place)

    monkeypatch.setattr(os, "scandir", scandir)
    assert "holiday/sub/deep" in found("holiday")


def test_a_file_is_taken_whatever_its_name(holiday):
    assert found("holiday/notes.txt") == ["holiday/notes.txt"]


@pytest.mark.parametrize(
    "pattern, names",
    [
        ("holiday/*.jpg", ["b.jpg"]),  # and not the folder of that name
        ("holiday/**/*.jp*g", ["b.jpg", "e/d.jpg", "sub/deep/c.jpeg"]),
        ("holiday/[ab].*", ["a.PNG", "b.jpg"]),
    ],
)
def test_a_glob_names_files(holiday, pattern, names):
    assert found(pattern) == [f"holiday/{name}" for name in names]
    whole = str(holiday.absolute().parent / pattern)
    assert len(found(whole)) == len(names)


def test_a_file_whose_name_looks_like_a_glob_is_that_file(holiday):
    (holiday / "[ab].jpg").touch()
    assert found("holiday/[ab].jpg") == ["holiday/[ab].jpg"]


def test_sources_come_in_their_order_and_each_photograph_once(holiday):
    given = ("holiday/sub", "holiday/b.jpg", "holiday/./b.jpg", "holiday/s*/*")
    once = ["holiday/sub/deep/c.jpeg", "holiday/sub/ü ß.webp", "holiday/b.jpg"]
    assert found(*given) == once


def test_a_photograph_is_known_by_every_spelling(holiday):
    (holiday.absolute().parent / "linked").symlink_to(holiday.absolute())
    whole = str(holiday.absolute() / "b.jpg")
    given = (
        "holiday/e/../b.jpg",
        "holiday/b.jpg",
        whole,
        "linked/b.jpg",
        "holiday/sub",
    )
    assert found(*given)[0] == "holiday/e/../b.jpg" and len(found(*given)) == 3
    assert found(whole, "holiday/b.jpg") == [Path(whole).as_posix()]


def test_a_link_to_a_photograph_is_one_of_its_own(holiday):
    (holiday / "e/link.jpg").symlink_to(holiday.absolute() / "b.jpg")
    assert found("holiday/e") == ["holiday/e/d.jpg", "holiday/e/link.jpg"]
    assert len(found("holiday/b.jpg", "holiday/e")) == 3


@pytest.mark.parametrize(
    "source, why",
    [
        ("nowhere", "nowhere: no such file or folder"),
        ("holiday/*.gif", r"holiday/\*.gif: no such file or folder"),
        ("holiday/folder.jpg", "holiday/folder.jpg: holds no photograph"),
        (".", r"^\.: holds no photograph"),
    ],
)
def test_a_source_that_names_nothing_is_refused(holiday, monkeypatch, source, why):
    if source == ".":
        monkeypatch.chdir(holiday / "folder.jpg")
    with pytest.raises(errors.DataError, match=why):
        sources.find([source])


def test_a_source_in_vain_is_kept_beside_others_that_name_something(holiday):
    kept = sources.find(["gone.jpg", "."])
    assert kept[0] == Path("gone.jpg") and len(kept) > 1


def test_an_empty_source_is_not_the_current_folder(holiday):
    with pytest.raises(errors.DataError, match='or glob. Received: ""'):
        sources.find([holiday, ""])


def test_a_name_with_a_nought_is_kept_beside_others(holiday):
    assert Path("x\0/a.jpg") in sources.find([holiday, "x\0/a.jpg"])


def test_a_name_too_long_for_the_disk_is_no_traceback(holiday):
    with pytest.raises(errors.DataError, match="a: no such file or folder"):
        sources.find(["a" * 300])


# === What is passed over ===


def test_a_folder_says_what_else_it_holds(holiday):
    for name in ("a.MOV", "e/b.mp4", "c.mov", "README", "x.xml", ".hidden.txt"):
        (holiday / name).touch()
    line = "passed over in holiday: 3 videos (.mov, .mp4), 3 other files (.txt, .xml)"
    assert sources.search(["holiday", "holiday"]).passed_over == [line]
    assert sources.search(["holiday/sub", "holiday/notes.txt"]).passed_over == []


def test_one_video_and_many_endings_are_put_in_words():
    endings = Counter({f".{i}": 300 for i in range(7)} | {".avi": 1})
    text = "1 video (.avi), 2,100 other files (.0, .1, .2, .3, .4, 2 more)"
    assert names.in_words(endings) == text


def test_a_folder_of_videos_is_refused_with_their_number(tmp_path):
    (tmp_path / "a.mts").touch()
    why = r"holds no photograph but 1 video \(.mts\); expected files that end in"
    with pytest.raises(errors.DataError, match=why):
        sources.find([tmp_path])


def test_names_of_every_kind_that_is_read_are_listed(tmp_path):
    endings = ".HIF .mpo .pnm .pbm .j2k .dib .heics .avifs .jpx .apng .JPG"
    paths = [tmp_path / f"a{ending}" for ending in endings.split()]
    for path in paths:
        path.touch()
    assert sources.find([tmp_path]) == sorted(paths)


# === Names ===


def test_names_are_relative_to_the_current_folder_if_all_are_in_it(holiday):
    paths = sources.find([holiday])
    assert sources.root(paths) == holiday.absolute().parent
    names = [sources.name(path, sources.root(paths)) for path in paths]
    assert names == [path.as_posix() for path in paths]


def test_elsewhere_they_are_relative_to_the_deepest_folder_that_holds_all(
    holiday, monkeypatch
):
    place = holiday.absolute()
    monkeypatch.chdir(holiday / "e")
    paths = sources.find([place / "sub"])
    assert sources.root(paths) == place / "sub"
    assert [sources.name(p, place / "sub") for p in paths] == [
        "deep/c.jpeg",
        "ü ß.webp",
    ]
    assert sources.root(sources.find([place / "b.jpg", ".."])) == place
    assert sources.root([]) == place / "e"


def test_what_lies_elsewhere_is_named_whole(holiday):
    path = holiday.absolute() / "b.jpg"
    assert sources.name(holiday / "sub" / ".." / "b.jpg", holiday.absolute()) == "b.jpg"
    assert sources.name(holiday / "b.jpg", Path("/nowhere")) == path.as_posix()


# === What is hidden ===


def test_what_begins_with_a_dot_is_taken_only_where_it_is_named(holiday):
    for name in ("._b.jpg", ".thumbs/b.jpg", "e/@eaDir/d.jpg/SYNOPHOTO_THUMB_M.jpg"):
        (holiday / name).parent.mkdir(parents=True, exist_ok=True)
        (holiday / name).touch()
    shown = found("holiday")
    assert not any("/." in name or "@" in name for name in shown)
    assert found("holiday/**/*") == [
        *shown[:2],
        "holiday/e/d.jpg",
        "holiday/notes.txt",
        *shown[3:],
    ]
    assert len(found("holiday/e/@eaDir")) == 1
    assert found("holiday/.thumbs") == ["holiday/.thumbs/b.jpg"]
    assert found("holiday/._*.jpg", "holiday/._b.jpg") == ["holiday/._b.jpg"]
