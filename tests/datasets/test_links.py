import formats
import helpers
import pytest

from midlevel import datasets
from midlevel.datasets import paths

CAT = helpers.annotation("a.jpg", [("cat", (2, 2, 12, 12), False)])


def names(folder, split="train"):
    found = datasets.read(folder)
    return sorted(found.file(row) for row in found.split(split))


def test_links_to_folders_are_followed_in_class_folders(tmp_path):
    formats.photographs(tmp_path / "disk", "red/2.jpg", "blue/3.jpg")
    data = formats.photographs(tmp_path / "data", "red/0.jpg", "green/1.jpg")
    (data / "red/batch").symlink_to(tmp_path / "disk/red")
    (data / "blue").symlink_to(tmp_path / "disk/blue")  # a class of links alone
    found = datasets.read(data)
    assert found.classes == ("blue", "green", "red") and not found.problems
    assert names(data) == ["blue/3.jpg", "green/1.jpg", "red/0.jpg", "red/batch/2.jpg"]


def test_links_to_folders_are_followed_to_xml(tmp_path):
    formats.photographs(tmp_path / "disk", "deep/a.jpg")
    (tmp_path / "disk/deep/a.xml").write_text(CAT)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/more").symlink_to(tmp_path / "disk")
    assert names(tmp_path / "data") == ["more/deep/a.jpg"]


def test_links_to_folders_are_followed_to_yolos_photographs_and_labels(tmp_path):
    formats.photographs(tmp_path / "disk/im", "0.jpg")
    (tmp_path / "disk/la").mkdir()
    (tmp_path / "disk/la/0.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    data = tmp_path / "data"
    for part, other in (("images", "im"), ("labels", "la")):
        (data / part).mkdir(parents=True)
        (data / part / "train").symlink_to(tmp_path / "disk" / other)
    (data / "data.yaml").write_text("{train: images, names: [cat]}")
    found = datasets.read(data)
    assert [len(row.boxes) for row in found.split("train")] == [1]
    assert not found.problems


@pytest.mark.parametrize("to", [".", "..", "b", "../data/b"])
def test_links_in_a_circle_end(tmp_path, to):
    data = formats.photographs(tmp_path / "data", "a/x.jpg", "b/y.jpg")
    (data / "b/again").symlink_to(data / to)
    (data / "b/itself").symlink_to(data / "b/itself")
    assert [p.name for p in paths.photographs(data)] == ["x.jpg", "y.jpg"]


def test_previews_and_hidden_folders_are_passed_over(tmp_path):
    hidden = ("@eaDir/a.jpg/t.jpg", "__MACOSX/cat/._a.jpg", ".git/a.jpg")
    formats.photographs(tmp_path, "cat/a.jpg", "dog/b.jpg", *hidden, "cat/@eaDir/x.jpg")
    assert names(tmp_path) == ["cat/a.jpg", "dog/b.jpg"]
    assert not datasets.read(tmp_path).problems
