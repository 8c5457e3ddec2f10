import re
from collections import Counter
from pathlib import Path

import formats
import helpers
import numpy as np
import pytest

from midlevel import datasets, errors
from midlevel.images import pixels

IMAGE = helpers.noise((20, 16))
CAT = ("cat", (2, 3, 10, 9), False)
BOX = "<xmin>3</xmin><ymin>4</ymin><xmax>10</xmax><ymax>9</ymax>"


def one(folder, objects=(CAT,), name="a", **lists):
    """A VOC folder with one photograph."""
    return helpers.write_voc(folder, {name: (IMAGE, list(objects))}, lists)


def beside(folder, text, name="a"):
    """An XML file beside a photograph, and a good pair so that there are boxes."""
    for stem, xml in ((name, text), ("good", helpers.annotation("good.jpg", [CAT]))):
        helpers.write_photograph(folder / f"{stem}.jpg", IMAGE)
        (folder / f"{stem}.xml").write_text(xml, encoding="utf-8")
    return folder


def problem_of(folder, text):
    """What is said of a photograph with that XML; the other one is read anyway."""
    found = datasets.read(beside(folder, text))
    assert [example.path.name for example in found.split("train")] == ["good.jpg"]
    (problem,) = found.problems
    return problem


# === What is read ===


def test_the_toy_folder_is_read_whole(toy_voc):
    found = datasets.read(toy_voc)
    assert (found.format, found.folder) == ("voc", toy_voc)
    assert found.classes == ("disc", "square", "wedge")
    assert {name: len(rows) for name, rows in found.splits.items()} == {
        "train": 11,
        "val": 5,
    }
    assert found.problems == () and found.ignored == {}
    for rows in found.splits.values():
        assert all(pixels.size_wh(pixels.read(e.path)) == e.size_wh for e in rows)


def test_targets_are_present_absent_or_only_difficult(toy_voc):
    train = datasets.read(toy_voc).split("train")
    assert train[0].targets(3).tolist() == [0, 0, 0]
    assert train[1].targets(3).tolist() == [-1, 1, 0]
    assert train[10].targets(3).tolist() == [1, 0, 1]


def test_boxes_lie_where_the_shapes_are_painted(toy_voc):
    found = datasets.read(toy_voc)
    colours = {"square": 0, "disc": 1, "wedge": 2}
    for example in found.split("val"):
        image = pixels.read(example.path).astype(int)
        for box, number in zip(example.boxes.astype(int), example.classes, strict=True):
            left, top, right, bottom = box
            middle = image[(top + bottom) // 2 + 5, (left + right) // 2]
            assert middle.argmax() == colours[found.classes[number - 1]]


def test_boxes_from_one_with_the_last_pixel_become_half_open(tmp_path):
    text = f"<annotation><object><name>cat</name><bndbox>{BOX}</bndbox></object>"
    (example, _) = datasets.read(beside(tmp_path, f"{text}</annotation>")).split(
        "train"
    )
    assert example.boxes.tolist() == [[2, 3, 10, 9]]
    assert example.boxes.dtype == np.float32 and example.classes.dtype == np.int16
    assert example.difficult.tolist() == [False] and example.size_wh is None


def test_a_box_of_one_pixel_and_fractions_are_boxes(tmp_path):
    objects = [("cat", (4, 5, 5, 6), False), ("cat", (0.5, 0, 3.25, 2), False)]
    (example,) = datasets.read(one(tmp_path, objects)).split("train")
    assert example.boxes.tolist() == [[4, 5, 5, 6], [0.5, 0, 3.25, 2]]


def test_the_difficult_mark_is_read(tmp_path):
    objects = [CAT, ("cat", (0, 0, 4, 4), True), ("dog", (0, 0, 4, 4), True)]
    (example,) = datasets.read(one(tmp_path, objects)).split("train")
    assert example.difficult.tolist() == [False, True, True]
    assert example.targets(2).tolist() == [1, -1]


def test_parts_of_an_object_are_not_objects(tmp_path):
    part = f"<part><name>head</name><bndbox>{BOX}</bndbox></part>"
    text = f"<object>{part}<name>cat</name><bndbox>{BOX}</bndbox></object>"
    found = datasets.read(beside(tmp_path, f"<annotation>{text}</annotation>"))
    assert found.classes == ("cat",)


@pytest.mark.parametrize(
    "size", ["", "<size><width>0</width></size>", "<size>x</size>"]
)
def test_a_size_that_is_not_stated_is_none(tmp_path, size):
    text = f"<annotation>{size}</annotation>"
    (example, _) = datasets.read(beside(tmp_path, text)).split("train")
    assert example.size_wh is None


@pytest.mark.parametrize(
    ("file", "stated"),
    [
        ("a.jpg", "a.jpg"),
        ("a.png", "a.png"),
        ("a.JPG", "other.jpg"),  # the XML was renamed along with the photograph
        ("a.jpeg", ""),
        ("b.jpg", "b.jpg"),  # the XML has another name
        ("été 사진.jpg", "été 사진.jpg"),
    ],
)
def test_a_photograph_is_found_by_its_stated_name_or_the_xmls(tmp_path, file, stated):
    helpers.write_photograph(tmp_path / "été" / file, IMAGE)
    xml = tmp_path / "été" / "a.xml"
    xml.write_text(helpers.annotation(stated, [CAT]), encoding="utf-8")
    (example,) = datasets.read(tmp_path).split("train")
    assert example.path == tmp_path / "été" / file


def test_xml_in_subfolders_is_found_beside_its_photograph(tmp_path):
    beside(tmp_path / "one", helpers.annotation("a.jpg", [CAT]))
    beside(tmp_path / "two", helpers.annotation("a.jpg", [CAT]))
    paths = [
        e.path.relative_to(tmp_path) for e in datasets.read(tmp_path).split("train")
    ]
    names = ("one/a.jpg", "one/good.jpg", "two/a.jpg", "two/good.jpg")
    assert paths == [Path(name) for name in names]


# === Splits ===


def test_lists_of_one_class_are_passed_over(tmp_path):
    folder = helpers.write_voc(
        tmp_path,
        {name: (IMAGE, [CAT]) for name in "abc"},
        {
            "train": ["b  1", "a -1", ""],
            "val": ["c"],
            "cat_train": ["c  1", "a -1"],
            "my_own": "a",
        },
    )
    splits = datasets.read(folder).splits
    names = {split: [e.path.stem for e in rows] for split, rows in splits.items()}
    assert names == {"train": ["b", "a"], "val": ["c"], "my_own": ["a"]}


def test_without_lists_there_is_one_split(tmp_path):
    assert list(datasets.read(one(tmp_path)).splits) == ["train"]


def test_lists_may_have_non_ascii_names_and_a_byte_order_mark(tmp_path):
    folder = one(tmp_path, name="été_1")
    (folder / "ImageSets/Main/train.txt").write_text("été_1\n", encoding="utf-8-sig")
    (example,) = datasets.read(folder).split("train")
    assert example.path.stem == "été_1"


def test_a_list_that_is_not_text_is_named(tmp_path):
    folder = one(tmp_path)
    (folder / "ImageSets/Main/train.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(errors.DataError, match=r"train\.txt: cannot be read"):
        datasets.read(folder)


def test_a_listed_photograph_without_annotation_is_a_problem(tmp_path):
    found = datasets.read(one(tmp_path, train=["a", "missing"]))
    assert len(found.split("train")) == 1
    assert "missing.xml: cannot be read: No such file" in str(found.problems[0])


@pytest.mark.parametrize("outside", ["../../other/a", "{absolute}"])
def test_a_list_cannot_name_files_outside_the_folder(tmp_path, outside):
    beside(tmp_path / "other", helpers.annotation("a.jpg", [CAT]))
    name = outside.format(absolute=tmp_path / "other" / "a")
    found = datasets.read(one(tmp_path / "data", train=["a", name]))
    assert len(found.split("train")) == 1
    assert "is refused; it is outside" in str(found.problems[0])


def test_a_missing_split_names_those_that_are_there(toy_voc):
    message = (
        r"named 'test'; it has: train \(11\), val \(5\)\. Name another with --split"
    )
    with pytest.raises(errors.DataError, match=message):
        datasets.read(toy_voc).split("test")


def test_an_empty_split_is_a_missing_one(tmp_path):
    found = datasets.read(one(tmp_path, train=["a"], val=[]))
    with pytest.raises(errors.DataError, match="has no photographs in a split .*'val'"):
        found.split("val")


# === Classes ===


def test_classes_have_the_order_asked_for_and_others_are_counted(toy_voc):
    found = datasets.read(toy_voc, ["wedge", "disc"])
    assert found.classes == ("wedge", "disc")
    everything = datasets.read(toy_voc)
    squares = sum(
        (example.classes == everything.classes.index("square") + 1).sum()
        for rows in everything.splits.values()
        for example in rows
    )
    assert found.ignored == {"square": squares}
    last = found.split("train")[10]
    assert last.classes.tolist() == [2, 1] and len(last.boxes) == len(last.difficult)


def test_all_classes_are_sorted(tmp_path):
    names = ("dog", "ant", "cat", "dog")
    objects = [(name, (i, 0, 9, 4), False) for i, name in enumerate(names)]
    found = datasets.read(one(tmp_path, objects))
    assert found.classes == ("ant", "cat", "dog")
    assert found.split("train")[0].classes.tolist() == [3, 1, 2, 3]


def test_a_class_that_no_box_bears_is_refused(toy_voc):
    message = (
        r"no box or label is named circle, Disc \(data.classes\). Names found: disc,"
    )
    with pytest.raises(errors.DataError, match=message):
        datasets.read(toy_voc, ["disc", "circle", "Disc"])
    with pytest.raises(errors.DataError, match=r"named Disc \(data.ignore_classes\)"):
        datasets.read(toy_voc, ignore=["disc", "Disc"])
    with pytest.raises(errors.DataError, match=r"named ring \(data.merge\)"):
        datasets.read(toy_voc, merge={"round": ["disc", "ring"]})
    foreign = datasets.read(toy_voc, ["cow", "disc"], must_occur=False, ignore=["Disc"])
    assert foreign.classes == ("cow", "disc")


def test_ignoring_every_class_is_refused(toy_voc):
    with pytest.raises(
        errors.DataError, match="ignore_classes leaves none .*: disc, s"
    ):
        datasets.read(toy_voc, ignore=["wedge", "disc", "square"])


@pytest.mark.parametrize("name", ["background", "Background"])
def test_a_class_named_as_the_background_is_refused_and_can_be_ignored_or_renamed(
    tmp_path, name
):
    folder = one(tmp_path, [CAT, (name, (0, 0, 4, 4), False)])
    message = f"a class is named '{name}', .*ignore_classes={name}; .*merge="
    with pytest.raises(errors.DataError, match=message):
        datasets.read(folder)
    with pytest.raises(errors.DataError, match=message):
        datasets.read(folder, ["cat", name])
    found = datasets.read(folder, ignore=[name])
    assert found.classes == ("cat",) and found.ignored == {name: 1}
    renamed = datasets.read(folder, merge={"scenery": [name]})
    assert renamed.classes == ("cat", "scenery")


def test_a_class_in_one_of_two_splits_that_list_a_photograph_is_a_class(tmp_path):
    formats.photographs(tmp_path, "a.jpg")
    (tmp_path / "train.csv").write_text("a.jpg,1,1,9,9,cat\n")
    (tmp_path / "test.csv").write_text("a.jpg,1,1,9,9,cat\na.jpg,2,2,8,8,dog\n")
    assert datasets.read(tmp_path).classes == ("cat", "dog")
    same = (tmp_path / "train.csv").read_text()
    (tmp_path / "test.csv").write_text(same)
    found = datasets.read(tmp_path, ["cow"], must_occur=False)
    assert found.ignored == {"cat": 1}


def test_a_folder_without_boxes_is_refused(tmp_path):
    with pytest.raises(errors.DataError, match="no photograph has a box"):
        datasets.read(one(tmp_path, []))


# === Folders and files that cannot be used ===


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(errors.DataError, match="nowhere: expected a folder with label"):
        datasets.read(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(errors.DataError, match="file: holds no data set in a known"):
        datasets.read(str(tmp_path / "file"))


def test_a_folder_of_no_known_format_is_refused(tmp_path):
    helpers.write_photograph(tmp_path / "a.jpg", IMAGE)
    message = "known format. Expected one of: .*; voc: Annotations.*; folders: a folder"
    with pytest.raises(errors.DataError, match=message):
        datasets.read(tmp_path)


def annotation(inner):
    return f"<annotation><object><name>cat</name>{inner}</object></annotation>"


def box(**changes):
    corners = {"xmin": 1, "ymin": 1, "xmax": 9, "ymax": 9} | changes
    inner = "".join(f"<{tag}>{value}</{tag}>" for tag, value in corners.items())
    return annotation(f"<bndbox>{inner}</bndbox>")


BOMB = "<!DOCTYPE a [<!ENTITY b 'xx'><!ENTITY c '&b;&b;'>]><annotation>&c;</annotation>"
OUTSIDE = "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><annotation>&b;"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (box(xmin="left"), "<xmin>: expected a number. Received: 'left'"),
        (box(ymin="nan"), "<ymin>: expected a number. Received: 'nan'"),
        (box(xmax="inf"), "<xmax>: expected a number. Received: 'inf'"),
        (box(xmax=""), "<bndbox> has no <xmax>"),
        (annotation(""), "<object> cat has no <bndbox>"),
        ("<annotation><object/></annotation>", "<object> has no <name>"),
        ("<annotation>", "is not well-formed XML: no element found"),
        ("", "is not well-formed XML"),
        ("not XML", "is not well-formed XML: syntax error: line 1"),
        (BOMB, "refused as unsafe XML: EntitiesForbidden"),
        (OUTSIDE + "</annotation>", "refused as unsafe XML: EntitiesForbidden"),
        ("<?xml version='1.0' encoding='klingon'?><annotation/>", "unknown encoding"),
    ],
)
def test_an_annotation_that_cannot_be_used_is_named_and_left_out(
    tmp_path, text, message
):
    problem = problem_of(tmp_path, text)
    assert (problem.file, problem.kind) == (tmp_path / "a.xml", "annotation")
    assert problem.fate == "left out" and re.search(message, problem.text)
    assert str(problem).startswith(f"{tmp_path / 'a.xml'}:")


def test_an_object_that_cannot_be_read_is_dropped_and_its_line_is_told(tmp_path):
    good = (
        "<object><name>cat</name><difficult>1</difficult><bndbox>{}</bndbox></object>"
    )
    lines = ["<annotation>", good.format(BOX), "<object><name>dog</name>", "</object>"]
    found = datasets.read(beside(tmp_path, "\n".join([*lines, "</annotation>"])))
    (problem,) = found.problems
    assert (problem.line, problem.fate) == (3, "dropped")
    assert problem.text == "<object> dog has no <bndbox>"
    example = found.split("train")[0]
    assert example.difficult.tolist() == [True] and example.lines.tolist() == [2]


@pytest.mark.parametrize(
    ("corners", "mended"),
    [
        ({"xmin": 10}, [8, 0, 10, 9]),
        ({"ymax": 0}, [0, -1, 9, 1]),
        ({"xmin": 9, "xmax": 1, "ymin": 8, "ymax": 2}, [0, 1, 9, 8]),
    ],
)
def test_an_inverted_box_is_swapped_and_named(tmp_path, corners, mended):
    found = datasets.read(beside(tmp_path, box(**corners)))
    assert found.split("train")[0].boxes.tolist() == [mended]
    (problem,) = found.problems
    assert (problem.kind, problem.fate) == ("box", "swapped")
    assert str(problem).startswith(f"{tmp_path / 'a.xml'}:1: box 1 (cat) ")


@pytest.mark.parametrize(
    "stated",
    [
        "../../etc/passwd",
        "../secret.jpg",
        "/etc/passwd",
        "..",
        ".",
        "x" * 300,
        "gone.jpg",
    ],
)
def test_a_photograph_is_never_looked_for_outside_the_folder(tmp_path, stated):
    helpers.write_photograph(tmp_path / "secret.jpg", IMAGE)
    folder = one(tmp_path / "data", name="good")
    text = helpers.annotation(stated, [CAT])
    (folder / "Annotations" / "a.xml").write_text(text)
    found = datasets.read(folder)
    assert [e.path.name for e in found.split("train")] == ["good.jpg"]
    (problem,) = found.problems
    place = folder / "JPEGImages"
    assert f"its photograph is missing; expected {stated} in {place}" in problem.text


@pytest.mark.data
def test_real_photographs_are_read_without_problems(voc_animals):
    found = datasets.read(voc_animals)
    assert found.problems == () and {"train", "val"} <= set(found.splits)
    counts = Counter()
    for rows in found.splits.values():
        for example in rows:
            assert (example.boxes >= 0).all()
            assert (example.boxes <= np.tile(example.size_wh, 2)).all()
            counts.update(example.classes.tolist())
    assert set(counts) == set(range(1, len(found.classes) + 1))


def test_photographs_that_no_annotation_is_about_are_named_and_counted(tmp_path):
    folder = helpers.write_voc(tmp_path, {"a": (IMAGE, [CAT])}, {})
    for name in ("x.jpg", "y.PNG"):
        (folder / "JPEGImages" / name).touch()
    (problem,) = datasets.read(folder).problems
    assert problem.kind == "unlabelled"
    assert "x.jpg: has no XML file (2 such photographs)" in str(problem)


def test_where_no_annotation_can_be_used_the_first_says_why(tmp_path):
    folder = helpers.write_voc(tmp_path, {"a": (IMAGE, [CAT])}, {"train": ["a", "b"]})
    for path in (folder / "JPEGImages").iterdir():
        path.unlink()
    with pytest.raises(errors.DataError, match="none of 2 .*a.xml: its photo"):
        datasets.read(folder)


def test_an_id_is_taken_once_and_may_have_spaces(tmp_path):
    folder = helpers.write_voc(
        tmp_path, {"my photo 1": (IMAGE, [CAT])}, {"train": ["my photo 1"] * 2}
    )
    (example,) = datasets.read(folder).split("train")
    assert example.path.stem == "my photo 1"


# === Alike in every format ===

WRITERS = {
    "coco": formats.write_coco,
    "yolo": formats.write_yolo,
    "csv": formats.write_csv,
}


@pytest.fixture(scope="module")
def written(toy_voc, tmp_path_factory):
    """The toy set in each format, by its name; not to be changed."""
    place, toy = tmp_path_factory.mktemp("written"), datasets.read(toy_voc)
    writers = {**WRITERS, "folders": formats.write_folders}
    return {"voc": toy_voc} | {n: w(toy, place / n) for n, w in writers.items()}


@pytest.mark.parametrize("name", datasets.FORMATS)
def test_each_format_is_found_and_no_other_claims_it(written, name):
    assert datasets.detect(written[name]) == name
    claims = [
        other for other, m in datasets.FORMATS.items() if m.matches(written[name])
    ]
    assert claims == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_photographs_and_boxes_give_the_same_data_set(written, name):
    toy, found = (datasets.read(written[other]) for other in ("voc", name))
    assert (found.format, found.classes) == (name, toy.classes)
    assert found.problems == () and formats.told(found) == formats.told(toy)
    files = {found.file(row) for rows in found.splits.values() for row in rows}
    assert all((found.folder / file).is_file() for file in files)


@pytest.mark.parametrize("name", datasets.FORMATS)
def test_a_folder_may_be_named_from_the_current_one(written, name, monkeypatch):
    absolute = datasets.read(written[name])
    monkeypatch.chdir(written[name].parent)
    found = datasets.read(written[name].name)
    assert found.problems == () and formats.told(found) == formats.told(absolute)
    monkeypatch.chdir(written[name])
    found = datasets.read(".")
    assert found.problems == () and formats.told(found) == formats.told(absolute)
    files = [found.file(row) for rows in found.splits.values() for row in rows]
    assert all(Path(file).is_file() for file in files)


def test_folders_are_a_table_of_labels_without_boxes(written, tmp_path):
    by_folder = datasets.read(written["folders"])
    table = formats.write_csv(by_folder, tmp_path / "csv")
    found = datasets.read(table)
    assert (found.format, found.classes) == ("csv", by_folder.classes)
    assert formats.told(found) == formats.told(by_folder)


@pytest.mark.parametrize("name", datasets.FORMATS)
def test_a_format_that_is_named_is_not_guessed_and_refused_where_it_is_not(
    written, tmp_path, name
):
    assert datasets.read(written[name], form=name).format == name
    formats.photographs(tmp_path, "a.jpg")
    with pytest.raises(errors.DataError):
        datasets.read(tmp_path, form=name)


@pytest.mark.parametrize("name", datasets.FORMATS)
def test_no_format_claims_photographs_alone(tmp_path, name):
    formats.photographs(tmp_path, "a.jpg", "one/b.jpg", "images/train/c.jpg")
    for place in (tmp_path, tmp_path / "a.jpg", tmp_path / "nowhere"):
        assert not datasets.FORMATS[name].matches(place)


@pytest.mark.parametrize("name", WRITERS)
def test_classes_are_kept_merged_and_ignored_alike(written, name):
    chosen = {"merge": {"round": ["disc"], "angular": ["square", "wedge"]}}
    found = datasets.read(written[name], ignore=["round"], **chosen)
    assert found.classes == ("angular",) and list(found.ignored) == ["round"]
    assert {*datasets.read(written[name], **chosen).classes} == {"round", "angular"}


def test_a_photograph_in_two_splits_has_its_problems_told_once(tmp_path):
    inverted = [("cat", (9, 9, 2, 3), False)]
    folder = helpers.write_voc(
        tmp_path, {"a": (IMAGE, inverted)}, {"train": ["a"], "val": ["a"]}
    )
    found = datasets.read(folder)
    assert [len(rows) for rows in found.splits.values()] == [1, 1]
    assert len(found.problems) == 1 and found.splits["train"][0].boxes[0, 0] < 9


# === XML files beside the photographs ===


def test_folders_named_as_splits_are_splits(tmp_path):
    for part in ("train", "valid", "test"):
        (tmp_path / part).mkdir()
        beside(tmp_path / part, helpers.annotation("a.jpg", [CAT]))
    found = datasets.read(tmp_path)
    counts = {split: len(rows) for split, rows in found.splits.items()}
    assert counts == {"train": 2, "val": 2, "test": 2} and not found.problems
    (tmp_path / "more").mkdir()
    beside(tmp_path / "more", helpers.annotation("a.jpg", [CAT]))
    assert list(datasets.read(tmp_path).splits) == ["train"]


def test_a_photograph_without_xml_is_told_though_another_of_its_name_has_one(tmp_path):
    (tmp_path / "train").mkdir()
    beside(tmp_path / "train", helpers.annotation("a.jpg", [CAT]))
    formats.photographs(tmp_path, "extra/a.jpg", ".old/a.jpg")
    (problem,) = datasets.read(tmp_path).problems
    assert problem.file == tmp_path / "extra/a.jpg"
    assert "has no XML file (1 such photographs)" in problem.text


def test_hidden_xml_is_passed_over_and_utf_16_is_known(tmp_path):
    beside(tmp_path, helpers.annotation("a.jpg", [CAT]))
    (tmp_path / "._a.xml").write_bytes(b"\0\5\26\7")
    found = datasets.read(tmp_path)
    assert len(found.split("train")) == 2 and not found.problems
    (tmp_path / "good.xml").unlink()
    text = (tmp_path / "a.xml").read_text()
    (tmp_path / "a.xml").write_text(text, encoding="utf-16")
    assert datasets.detect(tmp_path) == "voc"


def test_where_nothing_is_left_all_problems_are_counted_and_carried(tmp_path):
    formats.photographs(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "train.csv").write_text("a.jpg,3,3,3,9,cat\nb.jpg,3,3,3,9,cat\n")
    with pytest.raises(errors.DataError, match="none of 2 .* no area") as caught:
        datasets.read(tmp_path)
    assert len(caught.value.problems) == 4
