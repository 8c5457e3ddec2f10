import formats
import helpers
import pytest

from midlevel import datasets, errors

CAT, DOG = (("cat", (2, 3, 10, 9), False), ("dog", (4, 4, 12, 12), False))


def write(folder, files):
    """XML files with a cat, or what is given, by name; `<filename>` as given."""
    for name, (stated, objects) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(helpers.annotation(stated, objects), encoding="utf-8")
    return folder


def shown(found, split="train"):
    """Names of boxes by photograph."""
    return {
        found.file(row): [found.classes[key - 1] for key in row.classes]
        for row in found.splits[split]
    }


def test_the_photograph_of_the_files_own_name_comes_before_filename(tmp_path):
    formats.photographs(tmp_path, "a.jpg", "b.jpg")
    write(tmp_path, {"a.xml": ("a.jpg", [CAT]), "b.xml": ("a.jpg", [DOG])})
    found = datasets.read(tmp_path)
    assert shown(found) == {"a.jpg": ["cat"], "b.jpg": ["dog"]}
    (problem,) = found.problems
    assert (problem.file.name, problem.fate) == ("b.xml", "kept")
    assert "<filename> says a.jpg, another photograph; b.jpg" in problem.text


@pytest.mark.parametrize("stated", ["old name.png", "C:\\me\\a.jpg", "", "/x/a.jpg"])
def test_a_filename_of_nothing_here_is_no_problem(tmp_path, stated):
    formats.photographs(tmp_path, "a.jpg")
    found = datasets.read(write(tmp_path, {"a.xml": (stated, [CAT])}))
    assert shown(found) == {"a.jpg": ["cat"]} and not found.problems


def test_two_files_about_one_photograph_are_joined_and_named(tmp_path):
    formats.photographs(tmp_path, "a.jpg")
    write(tmp_path, {"a.xml": ("a.jpg", [CAT]), "a_2.xml": ("a.jpg", [DOG])})
    found = datasets.read(tmp_path)
    assert shown(found) == {"a.jpg": ["cat", "dog"]}
    (problem,) = found.problems
    assert problem.file.name == "a_2.xml"
    assert "is about a.jpg, as a.xml is; their boxes are joined" in problem.text


@pytest.mark.parametrize(("stated", "taken"), [("", "a.jpg"), ("a.png", "a.png")])
def test_photographs_of_one_name_with_two_endings_are_named(tmp_path, stated, taken):
    formats.photographs(tmp_path, "a.jpg", "a.png")
    found = datasets.read(write(tmp_path, {"a.xml": (stated, [CAT])}))
    assert list(shown(found)) == [taken]
    assert {p.kind for p in found.problems} >= {"unlabelled"}
    assert "may be about a.jpg or a.png" in str(found.problems[0]) or stated


@pytest.mark.parametrize(
    ("xml", "photograph"),
    [
        ("annotations/a.xml", "images/a.png"),  # Kaggle
        ("Annotations/a.xml", "images/a.jpg"),  # Label Studio
        ("Annotations/some/a.xml", "Images/some/a.jpg"),  # LabelMe
        ("annotations/xmls/a.xml", "images/a.jpg"),  # Oxford's pets
        ("xml/a.xml", "photos/a.jpg"),  # labelImg with another folder to save to
        ("boxes/a.xml", "2024/a.jpg"),
        ("VOC2007/Annotations/a.xml", "VOC2007/JPEGImages/a.jpg"),
    ],
)
def test_files_and_photographs_may_lie_in_folders_of_their_own(
    tmp_path, xml, photograph
):
    formats.photographs(tmp_path, photograph)
    if xml.startswith("VOC"):
        lists = tmp_path / "VOC2007/ImageSets/Main"
        lists.mkdir(parents=True)
        (lists / "train.txt").write_text("a\n")
    found = datasets.read(write(tmp_path, {xml: ("a.jpg", [CAT])}))
    assert [row.path for row in found.split("train")] == [tmp_path / photograph]
    assert found.classes == ("cat",) and not found.problems


def test_splits_may_hold_images_and_annotations_each(tmp_path):
    formats.photographs(tmp_path, "train/images/a.jpg", "valid/images/a.jpg")
    write(tmp_path, {"train/annotations/a.xml": ("a.jpg", [CAT])})
    found = datasets.read(
        write(tmp_path, {"valid/annotations/a.xml": ("a.jpg", [DOG])})
    )
    assert shown(found) == {"train/images/a.jpg": ["cat"]}
    assert shown(found, "val") == {"valid/images/a.jpg": ["dog"]}
    assert not found.problems


def test_cvats_default_split_is_train(tmp_path):
    folder = helpers.write_voc(
        tmp_path, {"a": (helpers.noise((20, 16)), [CAT])}, {"default": "a"}
    )
    assert list(datasets.read(folder).splits) == ["train"]


def test_a_photograph_elsewhere_is_taken_if_it_is_the_only_one_of_its_name(tmp_path):
    formats.photographs(tmp_path, "x/a.jpg", "y/a.jpg")
    with pytest.raises(errors.DataError, match="its photograph is missing"):
        datasets.read(write(tmp_path, {"boxes/a.xml": ("a.jpg", [CAT])}))


def test_labelmes_polygons_are_boxes_and_what_is_deleted_is_not(tmp_path):
    formats.photographs(tmp_path, "a.jpg")
    points = "".join(
        f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in ((2, 3), (9, 4), (5, 11))
    )
    one = f"<name>cat</name><deleted>0</deleted><polygon>{points}</polygon>"
    other = one.replace("<deleted>0", "<deleted>1")
    text = f"<annotation><object>{one}</object><object>{other}</object></annotation>"
    (tmp_path / "a.xml").write_text(text)
    (row,) = datasets.read(tmp_path).split("train")
    assert row.boxes.tolist() == [[2, 3, 9, 11]]


def test_xml_of_another_kind_beside_is_named(tmp_path):
    formats.photographs(tmp_path, "a.jpg")
    (tmp_path / "cvat.xml").write_text("<annotations><image/></annotations>")
    found = datasets.read(write(tmp_path, {"a.xml": ("a.jpg", [CAT])}))
    (problem,) = found.problems
    assert "expected <annotation>. Received: 'annotations'" in problem.text
