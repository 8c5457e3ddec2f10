import json
import re
from pathlib import Path

import formats
import hypothesis
import pytest

from midlevel import datasets, errors
from midlevel.datasets import checking
from midlevel.datasets.formats import coco
from midlevel.settings import config
from midlevel.system.progress import Progress

CATEGORIES = [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}]


def whole(images=("a.jpg", "b.jpg"), annotations=(), categories=CATEGORIES, **more):
    """COCO's JSON; images have the ids 0, 1 and so on."""
    rows = [
        {"id": i, "file_name": image, "width": 20, "height": 16}
        if isinstance(image, str)
        else image
        for i, image in enumerate(images)
    ]
    lists = {"images": rows, "annotations": list(annotations), "categories": categories}
    return lists | more


def boxed(image=0, category=7, bbox=(1, 2, 5, 6), **more):
    row = {"image_id": image, "category_id": category, "bbox": bbox, **more}
    return {key: value for key, value in row.items() if value != "none"}


def write(folder, data, file="annotations/instances_train2017.json"):
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
    return folder


def small(folder, *annotations, **more):
    """Two photographs, a.jpg with a good box, and `annotations`."""
    formats.photographs(folder, "train2017/a.jpg", "train2017/b.jpg")
    return write(folder, whole(annotations=[boxed(), *annotations], **more))


def only_problem(found):
    (problem,) = found.problems
    return problem


# === What is read ===


def test_boxes_become_corners_and_classes_have_the_order_of_their_ids(tmp_path):
    found = datasets.read(small(tmp_path, boxed(1, 3, [0.5, 0, 4, 16])))
    first, second = found.split("train")
    assert (found.format, found.classes) == ("coco", ("cat", "dog"))
    assert first.boxes.tolist() == [[1, 2, 6, 8]] and first.classes.tolist() == [2]
    assert second.boxes.tolist() == [[0.5, 0, 4.5, 16]]
    assert first.size_wh == (20, 16) and not first.difficult.any()
    assert first.source == tmp_path / "annotations/instances_train2017.json"
    assert found.problems == ()


def test_images_without_annotations_are_background(tmp_path):
    second = datasets.read(small(tmp_path)).split("train")[1]
    assert second.path.name == "b.jpg" and len(second.boxes) == 0


def test_annotations_without_boxes_are_labels(tmp_path):
    formats.photographs(tmp_path, "train2017/a.jpg", "train2017/b.jpg")
    pairs = [(0, 7), (0, 3), (0, 7), (1, 3)]
    rows = [{"image_id": i, "category_id": key} for i, key in pairs]
    found = datasets.read(write(tmp_path, whole(annotations=rows)))
    a, b = found.split("train")
    assert found.classes == ("cat", "dog") and not found.problems
    assert [row.unboxed.tolist() for row in (a, b)] == [[2, 1], [1]]
    assert len(a.boxes) == len(b.boxes) == 0


def test_an_annotation_without_a_box_is_a_label_beside_others_with_boxes(tmp_path):
    labels = [{"image_id": i, "category_id": 7} for i in (0, 1)]
    formats.photographs(tmp_path, "train2017/a.jpg", "train2017/b.jpg")
    data = whole(annotations=[boxed(category=3), *labels])
    found = datasets.read(write(tmp_path, data))
    a, b = found.split("train")
    assert found.classes == ("cat", "dog") and not found.problems
    assert [row.classes.tolist() for row in (a, b)] == [[1], []]
    assert [row.unboxed.tolist() for row in (a, b)] == [[2], [2]]
    assert [row.targets(2).tolist() for row in (a, b)] == [[1, 1], [0, 1]]


def test_crowds_are_passed_over(tmp_path):
    crowd = boxed(1, iscrowd=1, segmentation={"counts": [1], "size": [1, 1]})
    found = datasets.read(small(tmp_path, crowd, boxed(1, 3, iscrowd=0)))
    assert found.split("train")[1].classes.tolist() == [1] and not found.problems


@pytest.mark.parametrize("bbox", ["none", None, []])
def test_polygons_serve_where_there_is_no_box(tmp_path, bbox):
    polygons = [[1, 2, 3, 9, 0.5, 4], [8, 3, 8, 1, 7, 2]]
    found = datasets.read(small(tmp_path, boxed(1, bbox=bbox, segmentation=polygons)))
    assert found.split("train")[1].boxes.tolist() == [[0.5, 1, 8, 9]]


@pytest.mark.parametrize(
    ("photograph", "file_name"),
    [
        ("train2017/a.jpg", "a.jpg"),
        ("train/a.jpg", "a.jpg"),
        ("images/a.jpg", "a.jpg"),
        ("images/train2017/a.jpg", "a.jpg"),
        ("data/a.jpg", "a.jpg"),
        ("a.jpg", "a.jpg"),
        ("annotations/a.jpg", "a.jpg"),
        ("some/where/a.jpg", "some/where/a.jpg"),
        ("some/where/a.jpg", "some\\where\\a.jpg"),
        ("some/where/été 사진.jpg", "some/other/../where/été 사진.jpg"),
    ],
)
def test_photographs_are_found_where_exporters_put_them(
    tmp_path, photograph, file_name
):
    formats.photographs(tmp_path, photograph)
    found = datasets.read(write(tmp_path, whole([file_name], [boxed()])))
    (example,) = found.split("train")
    assert example.path == tmp_path / photograph
    assert found.file(example) == photograph


def test_each_split_has_its_own_photographs_of_the_same_name(tmp_path):
    for split in ("train", "val"):
        formats.photographs(tmp_path, f"{split}/1.jpg")
        write(tmp_path, whole(["1.jpg"], [boxed()]), f"annotations/{split}.json")
    splits = datasets.read(tmp_path).splits
    files = {s: e.path.relative_to(tmp_path) for s, (e,) in splits.items()}
    assert files == {"train": Path("train/1.jpg"), "val": Path("val/1.jpg")}


def test_roboflows_folders_are_splits(tmp_path):
    for part in ("train", "valid", "test"):
        formats.photographs(tmp_path, f"{part}/a.jpg")
        write(tmp_path, whole(["a.jpg"], [boxed()]), f"{part}/_annotations.coco.json")
    found = datasets.read(tmp_path)
    assert found.format == "coco" and set(found.splits) == {"train", "val", "test"}
    assert found.split("val")[0].path == tmp_path / "valid/a.jpg"


@pytest.mark.parametrize(
    ("file", "split", "folder"),
    [
        ("annotations/instances_val2017.json", "val", "."),
        ("annotations/instances_default.json", "train", "."),
        ("result.json", "train", "."),
        ("valid/_annotations.coco.json", "val", "valid"),
    ],
)
def test_one_file_may_be_named(tmp_path, file, split, folder):
    formats.photographs(tmp_path / folder, "images/a.jpg")
    write(tmp_path, whole(["a.jpg"], [boxed()]), file)
    found = datasets.read(tmp_path / file)
    assert list(found.splits) == [split] and found.folder == tmp_path / folder
    assert found.file(found.split(split)[0]) == "images/a.jpg"


def test_files_of_keypoints_and_captions_are_passed_over(tmp_path):
    small(tmp_path)
    caption = {"image_id": 0, "caption": "a dog"}
    for name in ("person_keypoints_train2017", "captions_train2017"):
        write(tmp_path, whole(annotations=[caption]), f"annotations/{name}.json")
    assert not datasets.read(tmp_path).problems
    (tmp_path / "annotations/instances_train2017.json").unlink()
    formats.photographs(tmp_path, "own/a.jpg", "own/b.jpg")
    write(tmp_path, whole(annotations=[boxed()]), "annotations/own.json")
    assert list(datasets.read(tmp_path).splits) == ["train"]


# === Problems ===


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"bbox": [1, 2, 3]}, r"bbox: expected 4 numbers. Received: \[1, 2, 3\]"),
        ({"bbox": "1 2 3 4"}, "bbox: expected 4 numbers. Received: '1 2 3 4'"),
        ({"bbox": [1, 2, None, 4]}, "expected a number. Received: None"),
        ({"bbox": [1, 2, float("nan"), 4]}, "expected a number. Received: nan"),
        ({"bbox": [1, 2, float("inf"), 4]}, "expected a number. Received: inf"),
        ({"bbox": [1, 2, 10**400, 4]}, "expected a number. Received: 1000"),
        ({"bbox": None}, "expected a bbox or polygons. Received: None"),
        ({"bbox": None, "segmentation": []}, r"polygons. Received: \[\]"),
        ({"bbox": None, "segmentation": [[1, 2, 3, 4]]}, "polygons. Received"),
        ({"bbox": None, "segmentation": [[1, 2, 3, 4, 5]]}, "polygons. Received"),
        ({"bbox": None, "segmentation": [[1, 2, 3, 4, 5, "x"]]}, "number.*'x'"),
        (
            {"bbox": None, "segmentation": {"counts": "a", "size": [1, 2]}},
            "expected a bbox or polygons. Received: {'counts'",
        ),
        ({"category_id": 5}, "no category has its category_id, 5"),
        ({"category_id": [3]}, r"no category has its category_id, \[3\]"),
        ({"category_id": None}, "no category has its category_id, None"),
    ],
)
def test_a_broken_annotation_is_dropped_and_said(tmp_path, changed, message):
    found = datasets.read(small(tmp_path, boxed() | changed))
    problem = only_problem(found)
    assert str(problem).startswith(f"{found.split('train')[0].source}: annotations[1]:")
    assert problem.fate == "dropped"
    assert re.search(message, problem.text)
    assert [len(e.boxes) for e in found.split("train")] == [1, 0]


def test_a_photograph_whose_every_box_is_broken_is_not_background(tmp_path):
    found = datasets.read(small(tmp_path, boxed(1, bbox=[1])))
    assert [e.path.name for e in found.split("train")] == ["a.jpg"]
    assert only_problem(found).fate == "left out"


@pytest.mark.parametrize("image_id", [9, "9", 0.5, None, [0], {"a": 1}])
def test_an_annotation_of_no_image_is_a_problem(tmp_path, image_id):
    problem = only_problem(datasets.read(small(tmp_path, boxed(image_id))))
    assert "annotations[1]: no image has its image_id" in problem.text


@pytest.mark.parametrize("kind", [str, float, int])
def test_an_id_of_another_type_is_the_same_id(tmp_path, kind):
    usual, row = boxed(1), boxed(1)
    row |= {key: kind(row[key]) for key in ("image_id", "category_id")}
    found = datasets.read(small(tmp_path, row))
    first = datasets.read(small(tmp_path / "as usual", usual))
    assert not found.problems
    shown = [
        [row.boxes.tolist() for row in one.split("train")] for one in (found, first)
    ]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("annotation", [None, 3, "text", [], [1]])
def test_an_annotation_of_another_type_is_a_problem(tmp_path, annotation):
    assert (
        "annotations[1]"
        in only_problem(datasets.read(small(tmp_path, annotation))).text
    )


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ({"id": 0, "file_name": "b.jpg"}, "another image has id 0"),
        ({"id": 5, "file_name": "gone.jpg"}, "is missing; expected gone.jpg in "),
        ({"id": 5, "file_name": "../../b.jpg"}, "is refused; it is outside"),
        ({"id": 5, "file_name": "..\\..\\..\\b.jpg"}, "is missing; expected"),
        ({"id": 5, "file_name": "/etc/passwd"}, "is refused; it is outside"),
        ({"id": 5, "file_name": "a\0b.jpg"}, "is missing"),
        ({"id": 5, "file_name": "\ud800.jpg"}, "is missing"),
        ({"id": 5, "file_name": "x" * 5000}, "is missing"),
        ({"id": 5, "file_name": ""}, "is missing"),
        ({"id": 5, "file_name": 3}, "expected an id and a file_name"),
        ({"id": [5], "file_name": "b.jpg"}, "expected an id and a file_name"),
        ({"file_name": "b.jpg"}, "expected an id and a file_name"),
        ({}, "expected an id and a file_name"),
        (None, "expected an id and a file_name"),
        (7, "expected an id and a file_name"),
    ],
)
def test_a_broken_image_is_left_out_and_said(tmp_path, image, message):
    folder = small(tmp_path / "data", images=["a.jpg", image])
    formats.photographs(tmp_path, "b.jpg")
    found = datasets.read(folder)
    problem = only_problem(found)
    assert [e.path.name for e in found.split("train")] == ["a.jpg"]
    assert (problem.kind, problem.fate) == ("photograph", "left out")
    assert problem.text.startswith("images[1]: ") and message in problem.text


def test_boxes_of_a_missing_photograph_are_not_named_one_by_one(tmp_path):
    boxes = [boxed(2), boxed(2), boxed(2, bbox="broken")]
    found = datasets.read(small(tmp_path, *boxes, images=["a.jpg", "b.jpg", "c.jpg"]))
    assert "c.jpg" in only_problem(found).text


@pytest.mark.parametrize(
    "category",
    [None, 3, {"id": 1}, {"name": "x"}, {"id": 1, "name": " "}, {"id": {}, "name": "x"}]
    + [{"id": 7, "name": "wolf"}, {"id": 1, "name": ["x"]}],
)
def test_a_broken_category_is_a_problem(tmp_path, category):
    found = datasets.read(small(tmp_path, categories=[*CATEGORIES, category]))
    assert only_problem(found).text.startswith("categories[2]: ")
    assert found.classes == ("dog",)


@pytest.mark.parametrize("size", [None, "x", -3, 0, float("nan"), [20], 10**400])
def test_a_size_that_is_none_is_not_believed(tmp_path, size):
    image = {"id": 0, "file_name": "a.jpg", "width": size, "height": 16}
    (example,) = datasets.read(small(tmp_path, images=[image])).split("train")
    assert example.size_wh is None


def test_an_image_that_is_listed_twice_is_one_photograph(tmp_path):
    found = datasets.read(small(tmp_path, boxed(1, 3), images=["a.jpg", "a.jpg"]))
    (example,) = found.split("train")
    assert example.classes.tolist() == [2, 1]


# === Files that cannot be used ===


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is not JSON that can be read: Expecting value"),
        (b"{", "is not JSON that can be read"),
        (b"\xff{}", "cannot be read: .* save it as UTF-8"),
        (b"[" * 100_000, "is not JSON that can be read: maximum recursion"),
        (b'{"a":' * 100_000, "is not JSON that can be read: maximum recursion"),
        (b"9" * 5000, "is not JSON that can be read: Exceeds"),
        (b"[]", "is JSON, but not COCO's"),
        (b"null", "is JSON, but not COCO's"),
        (b'{"images": {}}', "'images' is no list"),
        (b'{"images": [], "annotations": null}', "'annotations' is no list"),
        (b"{}", "has no boxes. Expected annotations/"),
        (b'{"images": [], "annotations": [{"caption": "a"}]}', "has no boxes"),
    ],
)
def test_a_file_that_is_not_cocos_is_refused(tmp_path, text, message):
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(errors.DataError, match=f"a.json: {message}"):
        coco.read(tmp_path / "a.json")


def test_panoptic_segments_are_no_boxes(tmp_path):
    segments = {"image_id": 0, "file_name": "a.png", "segments_info": [{"bbox": [1]}]}
    write(tmp_path, whole(annotations=[segments]), "panoptic.json")
    with pytest.raises(errors.DataError, match="panoptic.json: has no boxes"):
        datasets.read(tmp_path / "panoptic.json")


def test_two_files_of_one_split_are_refused(tmp_path):
    for name in ("train_a", "train_b"):
        write(tmp_path, whole(annotations=[boxed()]), f"annotations/{name}.json")
    with pytest.raises(errors.DataError, match="is split 'train', as train_a.json is"):
        datasets.read(tmp_path)


@pytest.mark.parametrize("text", [b'{"shapes": []}', b"\xff", b'{"categories": []}'])
def test_other_json_is_not_claimed(tmp_path, text):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "a.json").write_bytes(text)
    assert not coco.matches(tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small(tmp_path_factory.mktemp("coco"), boxed(1, 3))


@hypothesis.given(formats.broken(json.dumps(whole(annotations=[boxed()])).encode()))
def test_whatever_stands_in_the_file_there_is_a_data_set_or_a_message(folder, data):
    path = folder / "annotations" / "instances_train2017.json"
    path.write_bytes(data)
    formats.read_or_refuse(path, "coco")


def test_alike_problems_of_two_photographs_are_two_and_name_them(tmp_path):
    formats.photographs(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    bad = [{"image_id": i, "category_id": 7, "bbox": [2, 2, 0, 5]} for i in range(2)]
    good = {"image_id": 2, "category_id": 7, "bbox": [2, 2, 5, 5]}
    text = json.dumps(whole(("a.jpg", "b.jpg", "c.jpg"), [*bad, good]))
    (tmp_path / "train.json").write_text(text)
    problems = datasets.read(tmp_path).problems
    assert len({*problems}) == len(problems) == 4
    assert [p.text.partition(":")[0] for p in problems] == ["a.jpg"] * 2 + ["b.jpg"] * 2


# === Lines ===


def pretty(folder, data):
    write(folder, data)
    path = folder / "annotations/instances_train2017.json"
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")
    return path.read_text(encoding="utf-8").splitlines()


def test_problems_tell_the_line_where_a_file_has_lines(tmp_path):
    formats.photographs(tmp_path, "train2017/a.jpg")
    outside, broken = boxed(bbox=[90, 90, 5, 5], id=71), boxed(bbox=[1], id=72)
    categories = [*CATEGORIES, {"id": 9}]
    data = whole(["a.jpg", "gone.jpg"], [boxed(), outside, broken], categories)
    lines = pretty(tmp_path, {"info": {"images": [{}]}, **data, "licenses": []})
    found = checking.check(tmp_path, config.Config(), Progress())
    told = [lines[problem.line :] for problem in found.problems]
    first = [
        next(n for n, line in enumerate(lines, 1) if mark in line)
        for mark in ('"gone.jpg"', '"id": 71', '"id": 72', '"id": 9')
    ]
    ends = [next(i for i, line in enumerate(rest) if "}" in line) for rest in told]
    starts = {p.line: p.line + end for p, end in zip(found.problems, ends, strict=True)}
    assert len(starts) == 4
    for place in first:
        assert any(start < place <= end for start, end in starts.items())


def test_a_file_that_is_one_line_has_places_only(tmp_path):
    problem = only_problem(datasets.read(small(tmp_path, boxed(bbox=[1]))))
    assert problem.line is None and problem.text.startswith("annotations[1]: bbox")
