import formats
import hypothesis
import pytest

from midlevel import datasets, errors
from midlevel.datasets.formats import table

HEADER = "path,xmin,ymin,xmax,ymax,label"


def read(folder, text, file="train.csv", **kwargs):
    """What the file says of `a.jpg`, `b.jpg` and `c.jpg`."""
    formats.photographs(folder, "a.jpg", "b.jpg", "c.jpg")
    write(folder, text, file)
    return datasets.read(folder, **kwargs)


def write(folder, text, file="train.csv"):
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def told(found, split="train"):
    """Boxes with names, and labels, by file."""
    names = ("background", *found.classes)
    return {
        found.file(row): (
            [
                (names[key], *box)
                for key, box in zip(row.classes, row.boxes.tolist(), strict=True)
            ],
            [names[key] for key in row.unboxed],
        )
        for row in found.splits[split]
    }


def only_problem(found):
    (problem,) = found.problems
    return problem


# === What is read ===


@pytest.mark.parametrize("header", [f"{HEADER}\n", ""])
def test_a_row_is_a_box_with_or_without_a_header(tmp_path, header):
    rows = "a.jpg,1,2,5.5,6,dog\nb.jpg,,,,,\na.jpg,0,0,3,3,cat\nc.jpg,,,,,cat\n"
    found = read(tmp_path, header + rows)
    assert (found.format, found.classes) == ("csv", ("cat", "dog"))
    assert told(found) == {
        "a.jpg": ([("dog", 1, 2, 5.5, 6), ("cat", 0, 0, 3, 3)], []),
        "b.jpg": ([], []),
        "c.jpg": ([], ["cat"]),
    }
    first = found.split("train")[0]
    assert first.source == tmp_path / "train.csv" and found.problems == ()
    assert first.lines.tolist() == ([2, 4] if header else [1, 3])


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("label,path,ymax,xmax,ymin,xmin", "dog,a.jpg,6,5,2,1"),
        ("filename,width,height,class,xmin,ymin,xmax,ymax", "a.jpg,20,16,dog,1,2,5,6"),
        ("Image Path,x1,y1,x2,y2,Class-Name", "a.jpg,1,2,5,6,dog"),
        ("file,left,top,right,bottom,name,confidence", "a.jpg,1,2,5,6,dog,0.9"),
        (' "image" , x_min ,y_min,x_max,y_max,labels', '"a.jpg" , 1,2,5,6, "dog"'),
        ("path;xmin;ymin;xmax;ymax;label", "a.jpg;1;2;5;6;dog"),
        ("path\txmin\tymin\txmax\tymax\tlabel", "a.jpg\t1\t2\t5\t6\tdog"),
    ],
)
def test_columns_may_have_any_order_and_the_usual_names(tmp_path, header, row):
    found = read(tmp_path, f"{header}\n{row}\n")
    assert told(found) == {"a.jpg": ([("dog", 1, 2, 5, 6)], [])}
    expected = (20, 16) if "width" in header else None
    assert found.split("train")[0].size_wh == expected


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image_id,x,y,width,height,label", "a.jpg,1,2,4,4,dog"),
        ("image_id,x,y,w,h,label", "a,1,2,4,4,dog"),  # as Kaggle leaves the ending out
        ("path,xmin,ymin,width,height,label", "a.jpg,1,2,4,4,dog"),
        (
            "file,image_width,image_height,x,y,width,height,class",
            "a.jpg,20,16,1,2,4,4,dog",
        ),
        ("path,x_center,y_center,width,height,label", "a.jpg,3,4,4,4,dog"),
        ("image_id,path,x,y,width,height,label", "7,a.jpg,1,2,4,4,dog"),
        ("File-Name,x,y,width,height,label", "a.jpg,1,2,4,4,dog"),
        ("image  id,file-name,x,y,width,height,label", "7,a.jpg,1,2,4,4,dog"),
    ],
)
def test_a_box_may_be_a_corner_and_sides_or_its_middle(tmp_path, header, row):
    found = read(tmp_path, f"{header}\n{row}\n")
    assert told(found) == {"a.jpg": ([("dog", 1, 2, 5, 6)], [])}
    expected = (20, 16) if "image_width" in header else None
    assert found.split("train")[0].size_wh == expected


@pytest.mark.parametrize("coding", ["utf-16", "utf-8-sig"])
def test_a_spreadsheets_encodings_are_read(tmp_path, coding):
    text = "filename;xmin;ymin;xmax;ymax;class\na.jpg;1;2;5;6;été\n"
    found = read(tmp_path, text.encode(coding))
    assert told(found) == {"a.jpg": ([("été", 1, 2, 5, 6)], [])}


@pytest.mark.parametrize("form", ["auto", "csv"])
def test_a_header_that_is_not_known_is_told_in_the_same_words(tmp_path, form):
    with pytest.raises(errors.DataError, match=r"train.csv: its columns .* 'a, b, c'"):
        read(tmp_path, "a,b,c\na.jpg,1,2\n", form=form)


@pytest.mark.parametrize(
    "stated", ["/home/me/data/images/a.jpg", "data\\images\\a.jpg", "C:\\images\\a.jpg"]
)
def test_a_name_of_another_machine_is_looked_for_by_its_ends(tmp_path, stated):
    formats.photographs(tmp_path, "images/a.jpg")
    write(tmp_path, f"path,label\n{stated},cat\n")
    assert list(told(datasets.read(tmp_path))) == ["images/a.jpg"]


def test_the_end_of_a_name_is_not_another_splits_photograph(tmp_path):
    write(tmp_path, "path,label\na.jpg,cat\n/x/train/a.jpg,dog\n")
    formats.photographs(tmp_path, "val/a.jpg", "a.jpg")
    assert "is refused; it is outside" in only_problem(datasets.read(tmp_path)).text


@pytest.mark.parametrize(
    "rows",
    [
        "path,label\na.jpg,\"['dog', 'cat']\"\nb.jpg,[]\n",
        "a.jpg,dog\na.jpg,cat\nb.jpg,\n",
        "a.jpg,dog;cat\nb.jpg,\n",
        "a.jpg,dog|cat;dog\nb.jpg,;\n",
        'a.jpg,"dog, cat"\nb.jpg,""\n',
        "path,label\na.jpg,dog\nb.jpg,\na.jpg,cat\n",
        "path;label\na.jpg;dog,cat\nb.jpg;\n",
        "filename, dog, cat\na.jpg,1,1\nb.jpg,0,0\n",
    ],
)
def test_labels_without_boxes_are_repeated_separated_or_flagged(tmp_path, rows):
    assert told(read(tmp_path, rows)) == {
        "a.jpg": ([], ["dog", "cat"]),
        "b.jpg": ([], []),
    }


@pytest.mark.parametrize("cells", [("0.9", "0.8", "1"), ("95", "80", "0")])
def test_a_confidence_is_a_verified_label_in_open_images_tables_alone(tmp_path, cells):
    rows = zip(("a.jpg,cat", "b.jpg,dog", "c.jpg,cat"), cells, strict=True)
    text = "\n".join(["path,label,confidence", *(",".join(row) for row in rows)])
    found = read(tmp_path, text)
    expected = {"a.jpg": "cat", "b.jpg": "dog", "c.jpg": "cat"}
    assert told(found) == {name: ([], [label]) for name, label in expected.items()}
    assert not found.problems


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_quotes_line_ends_and_names_of_all_kinds(tmp_path, end, mark):
    name = 'été, "사진".jpg'
    formats.photographs(tmp_path, name)
    rows = [HEADER, '"été, ""사진"".jpg",1,2,5,6,"chien, noir"', "", ",,,,,"]
    found = read(tmp_path, mark + end.join(rows) + end)
    assert told(found) == {name: ([("chien, noir", 1, 2, 5, 6)], [])}
    assert found.problems == ()


@pytest.mark.parametrize(
    ("photograph", "stated"),
    [
        ("a.jpg", "./a.jpg"),
        ("images/x.jpg", "x.jpg"),
        ("images/x.jpg", "images/x.jpg"),
        ("some/x.jpg", "some\\x.jpg"),
    ],
)
def test_photographs_lie_beside_the_file_or_in_images(tmp_path, photograph, stated):
    formats.photographs(tmp_path, photograph)
    assert list(told(read(tmp_path, f"{stated},cat\n{stated},dog"))) == [photograph]


def test_two_names_of_one_photograph_are_one(tmp_path):
    assert told(read(tmp_path, "a.jpg,cat\n./a.jpg,dog")) == {
        "a.jpg": ([], ["cat", "dog"])
    }


# === Splits and files ===


def test_each_file_is_a_split(tmp_path):
    write(tmp_path, "b.jpg,dog\n", "valid.csv")
    write(tmp_path, "c.jpg,dog\n", "my_test.csv")
    found = read(tmp_path, "a.jpg,dog\n")
    assert {s: list(told(found, s)) for s in found.splits} == {
        **{"train": ["a.jpg"], "val": ["b.jpg"], "test": ["c.jpg"]}
    }


def test_a_column_tells_the_split(tmp_path):
    rows = "path,label,split\na.jpg,cat,Train\nb.jpg,cat,validation\nc.jpg,cat,\n"
    found = read(tmp_path, rows + "a.jpg,dog,fold7\n", "all.csv")
    assert {s: list(told(found, s)) for s in found.splits} == {
        **{"train": ["a.jpg", "c.jpg"], "val": ["b.jpg"], "fold7": ["a.jpg"]}
    }


@pytest.mark.parametrize("name", ["labels.csv", "Training.csv", "été.csv"])
def test_one_file_of_another_name_is_the_training_split(tmp_path, name):
    assert list(read(tmp_path, "a.jpg,dog\n", name).splits) == ["train"]


def test_a_file_may_be_named_and_other_tables_are_passed_over(tmp_path):
    write(tmp_path, "cat,0\ndog,1\n", "classes.csv")
    write(tmp_path, "file,taken,camera\na.jpg,2020,x\n", "metadata.csv")
    write(tmp_path, "1,2\n", "numbers.csv")
    write(tmp_path, "", "empty.csv")
    assert list(told(read(tmp_path, "a.jpg,dog\n", "all.csv"))) == ["a.jpg"]
    found = datasets.read(tmp_path / "all.csv")
    assert (found.format, found.folder) == ("csv", tmp_path)
    (tmp_path / "all.csv").unlink()
    assert not table.matches(tmp_path)


def test_roboflows_folders_are_splits(tmp_path):
    for part in ("train", "valid"):
        formats.photographs(tmp_path, f"{part}/{part}.jpg")
        write(tmp_path, f"filename,dog\n{part}.jpg,1\n", f"{part}/_classes.csv")
    found = datasets.read(tmp_path)
    assert {s: list(told(found, s)) for s in found.splits} == {
        "train": ["train/train.jpg"],
        "val": ["valid/valid.jpg"],
    }


# === Problems ===


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.jpg,1,2,5,6,", "has a box, and no label"),
        ("a.jpg,1,2,5,,dog", "expected a number. Received: ''"),
        ("a.jpg,1,2,x,6,dog", "expected a number. Received: 'x'"),
        ("a.jpg,1,2,nan,6,dog", "expected a number. Received: 'nan'"),
        ("a.jpg,1,2,1e999,6,dog", "expected a number. Received: '1e999'"),
        ('a.jpg,1,2,"5,5",6,dog', "expected a number. Received: '5,5'"),
        ("a.jpg,1,2,1,6,dog", "no area"),
    ],
)
def test_a_broken_box_is_dropped_and_said(tmp_path, row, message):
    found = read(tmp_path, f"{HEADER}\n{row}\na.jpg,0,0,3,3,cat\n")
    problem = only_problem(found)
    assert str(problem).startswith(f"{tmp_path / 'train.csv'}:2: ")
    assert problem.fate == "dropped" and message in problem.text
    assert told(found) == {"a.jpg": ([("cat", 0, 0, 3, 3)], [])}


@pytest.mark.parametrize(
    ("row", "kind", "message"),
    [
        ("b.jpg,1,2", "annotation", "expected 6 cells. Received: 3"),
        ("b.jpg,1,2,5,6,dog,more", "annotation", "expected 6 cells. Received: 7"),
        (",1,2,5,6,dog", "annotation", "names no photograph"),
        ("gone.jpg,1,2,5,6,dog", "photograph", "is missing; expected gone.jpg in "),
        ("../b.jpg,1,2,5,6,dog", "photograph", "'../b.jpg' is refused; it is outside"),
        ("/etc/passwd,1,2,5,6,dog", "photograph", "is refused; it is outside"),
        ("b\0.jpg,1,2,5,6,dog", "photograph", "is missing"),
        (f"{'b' * 999},1,2,5,6,dog", "photograph", "is missing"),
        (f"{'b' * 200_000},1,2,5,6,dog", "annotation", "is no row of CSV: field lar"),
        ("b.jpg,x,2,5,6,dog", "annotation", "expected a number. Received: 'x'"),
    ],
)
def test_a_row_of_no_photograph_is_left_out_and_said(tmp_path, row, kind, message):
    formats.photographs(tmp_path, "b.jpg")
    rows = f"{HEADER}\na.jpg,0,0,3,3,cat\n{row}\nc.jpg,,,,,\n"
    found = read(tmp_path / "data", rows)
    problem = only_problem(found)
    assert (problem.kind, problem.fate, problem.line) == (kind, "left out", 3)
    assert message in problem.text
    assert list(told(found)) == ["a.jpg", "c.jpg"]


def test_a_missing_photograph_is_named_once(tmp_path):
    found = read(tmp_path, "a.jpg,cat\n" + "gone.jpg,cat\n" * 3)
    assert only_problem(found).line == 2


def test_a_missing_quotation_mark_does_not_swallow_rows_silently(tmp_path):
    found = read(tmp_path, f'{HEADER}\na.jpg,0,0,3,3,cat\nb.jpg,0,0,3,3,"cat\nc.jpg,\n')
    problem = only_problem(found)
    assert problem.line == 3 and "is a quotation mark missing?" in problem.text


def test_trailing_commas_are_no_cells(tmp_path):
    assert not read(tmp_path, f"{HEADER}\na.jpg,0,0,3,3,cat,,,\n").problems


# === Files that cannot be used ===


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its columns are not known. .* Received: ''"),
        ("a\nb\n", "its columns are not known. .* Received: 'a'"),
        ("path,xmin,ymin,label\n", "its columns are not known. .* Received: 'path, x"),
        ("path,x,y,width,label\n", "its columns are not known"),
        ("path,x,y,x2,y2,width,height,label,class\n", "more than one .* label, class"),
        ("a,b,c,d,e,f\n", "its columns are not known"),
        ("photo no,label\n", "its columns are not known"),
        ("path,bbox,label\n", "its columns are not known"),
        ("path,x_0,y_0,x_9,y_9,label\n", "its columns are not known"),
        (
            "path,class,label\na.jpg,0,cat\n",
            "more than .* be the label: class, label. Keep",
        ),
        (
            "path,x1,xmin,ymin,xmax,ymax,label\n",
            "more than one .* be the xmin: x1, xmin",
        ),
        ('path,label\na.jpg,"[{""x"": 3}]"\n', "its labels are JSON, as in Label St"),
        ("path,xmin,ymin,xmax,ymax\n", "its columns are not known"),
        ("path\na.jpg\n", "its columns are not known"),
        (b"a.jpg,\xff\n", "cannot be read: .* save it as UTF-8"),
        ("a.jpg,cat\n".encode("utf-16")[:-1], "cannot be read: .* save it"),
    ],
)
def test_a_file_whose_columns_are_not_known_is_refused(tmp_path, text, message):
    write(tmp_path, text, "a.csv")
    with pytest.raises(errors.DataError, match=f"a.csv: {message}"):
        table.read(tmp_path / "a.csv")


def test_a_split_of_two_files_is_refused(tmp_path):
    write(tmp_path, "a.jpg,dog\n", "training.csv")
    with pytest.raises(errors.DataError, match="is split 'train', as train"):
        read(tmp_path, "a.jpg,dog\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return formats.photographs(tmp_path_factory.mktemp("table"), "a.jpg", "b.jpg")


@pytest.mark.parametrize(
    "text",
    [
        f'{HEADER}\na.jpg,1,2,5,6,dog\n"b.jpg",,,,,\n',
        "a.jpg,cat;dog\nb.jpg,cat\n",
        "path,cat,split\na.jpg,1,val\n",
        "path,cat,dog\na.jpg,1,0\nb.jpg,,1\n",
        "ImageID,Source,LabelName,Confidence\na,verification,cat,1\nb,x,cat,0\n",
    ],
)
@hypothesis.given(data=hypothesis.strategies.data())
def test_whatever_stands_in_the_file_there_is_a_data_set_or_a_message(
    folder, text, data
):
    path = folder / "train.csv"
    path.write_bytes(data.draw(formats.broken(text.encode())))
    formats.read_or_refuse(path, "csv")
