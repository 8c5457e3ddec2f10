import formats
import helpers
import numpy as np
import pytest

from midlevel import datasets, errors

SIZE_WH = (200, 150)
PHOTOGRAPHS = {f"{i}": helpers.noise(SIZE_WH, i) for i in range(6)}
BOX = (50, 30, 150, 120)  # in pixels
WHOLE = {"shares": 1, "percent": 100, "thousandths": 1000}


def in_units(box, units):
    whole = np.tile(SIZE_WH, 2)
    return tuple((np.array(box) / whole * WHOLE[units]).round(6).tolist())


def write(form, folder, boxes, images=PHOTOGRAPHS):
    """A data set of one box a photograph, written as it stands."""
    for name, image in images.items():
        helpers.write_photograph(folder / f"{name}.jpg", image)
    boxes = dict(zip(images, boxes, strict=True))
    if form == "csv":
        lines = [f"{n}.jpg,{','.join(map(str, box))},cat" for n, box in boxes.items()]
        text = "\n".join([",".join(formats.CORNERS), *lines])
        (folder / "train.csv").write_text(text)
    elif form == "voc":
        for name, (xmin, ymin, xmax, ymax) in boxes.items():
            box = xmin - 1, ymin - 1, xmax, ymax  # helpers count from 1
            text = helpers.annotation(f"{name}.jpg", [("cat", box, False)])
            (folder / f"{name}.xml").write_text(text)
    return folder


def fitted(found):
    """Boxes in pixels."""
    return [
        (row.boxes * (np.tile(SIZE_WH, 2) if row.relative else 1)).round(3).tolist()
        for row in found.split("train")
    ]


@pytest.mark.parametrize("units", WHOLE)
@pytest.mark.parametrize("form", ["csv", "voc"])
def test_a_data_set_in_other_units_is_refused_and_read_if_told(tmp_path, form, units):
    folder = write(form, tmp_path, [in_units(BOX, units)] * 6)
    with pytest.raises(errors.DataError, match=f"seems to be in {units}, .* all 6 box"):
        datasets.read(folder)
    found = datasets.read(folder, unit=units)
    assert fitted(found) == [[[*BOX]]] * 6 and not found.problems
    as_written = datasets.read(folder, unit="pixels")
    assert not any(row.relative for row in as_written.split("train"))


@pytest.mark.parametrize("form", ["csv", "voc"])
def test_boxes_on_much_larger_photographs_are_refused(tmp_path, form):
    larger = tuple(10 * value for value in BOX)
    folder = write(form, tmp_path, [larger] * 5 + [BOX])
    with pytest.raises(errors.DataError, match="reaches far out .*of another size"):
        datasets.read(folder)
    assert len(datasets.read(folder, unit="pixels").split("train")) == 6


def test_some_boxes_that_reach_out_are_not_refused(tmp_path):
    boxes = [BOX] * 4 + [(50, 30, 400, 120)] * 2
    assert len(datasets.read(write("csv", tmp_path, boxes)).split("train")) == 6


@pytest.mark.parametrize("form", ["csv", "voc"])
def test_photographs_of_which_some_boxes_are_shares_are_left_out(tmp_path, form):
    boxes = [BOX] * 4 + [in_units(BOX, "shares")] * 2
    found = datasets.read(write(form, tmp_path, boxes))
    assert len(found.split("train")) == 4
    assert [(p.kind, p.fate) for p in found.problems] == [("unit", "left out")] * 2
    assert "seems to be in shares of the sides" in found.problems[0].text
    lines = [p.line for p in found.problems]
    assert lines == ([6, 7] if form == "csv" else [1, 1])


def test_a_box_under_a_pixel_leaves_its_photograph_out(tmp_path):
    boxes = [BOX] * 5 + [(60, 40, 60.5, 40.6)]
    found = datasets.read(write("csv", tmp_path, boxes))
    (problem,) = found.problems
    assert (problem.kind, problem.line) == ("unit", 7) and len(
        found.split("train")
    ) == 5


@pytest.mark.parametrize(
    ("box", "size_wh"),
    [
        ((2, 2, 12, 12), (20, 16)),  # tiny photographs
        ((10, 10, 90, 80), (100, 90)),
        ((0, 0, 1, 1), (24, 16)),  # one pixel
        ((150, 100, 158, 108), SIZE_WH),  # small objects
        ((20, 20, 80, 80), (120, 100)),  # in photographs that are hardly larger
        ((0, 0, 640, 480), (640, 480)),
    ],
)
def test_small_boxes_and_small_photographs_are_in_pixels(tmp_path, box, size_wh):
    images = {f"{i}": helpers.noise(size_wh, i) for i in range(6)}
    found = datasets.read(write("csv", tmp_path, [box] * 6, images))
    assert fitted(found) == [[[*box]]] * 6 and not found.problems


@pytest.mark.parametrize("units", WHOLE)
def test_a_box_that_reaches_out_by_a_slip_hides_no_units(tmp_path, units):
    slip = (-0.005 * WHOLE[units], *in_units(BOX, units)[1:])
    folder = write("csv", tmp_path, [in_units(BOX, units)] * 5 + [slip])
    with pytest.raises(errors.DataError, match=f"seems to be in {units}"):
        datasets.read(folder)


def test_whole_photographs_in_shares_are_no_pixels(tmp_path):
    found = datasets.read(write("csv", tmp_path, [BOX] * 4 + [(0, 0, 1, 1)] * 2))
    assert len(found.split("train")) == 4
    assert [(p.kind, p.line) for p in found.problems] == [("unit", 6), ("unit", 7)]
    with pytest.raises(errors.DataError, match="seems to be in shares"):
        datasets.read(write("csv", tmp_path, [(0, 0, 1, 1)] * 6))


def test_boxes_on_a_stated_size_of_another_shape_are_refused(tmp_path):
    """Stretched to squares for another program, as Roboflow does: nobody knows how."""
    for name, image in PHOTOGRAPHS.items():
        helpers.write_photograph(tmp_path / f"{name}.jpg", image)
    rows = [f"{name}.jpg,640,640,128,120,480,500,cat" for name in PHOTOGRAPHS]
    head = "path,width,height,xmin,ymin,xmax,ymax,label"
    (tmp_path / "train.csv").write_text("\n".join([head, *rows]))
    with pytest.raises(errors.DataError, match="of another size"):
        datasets.read(tmp_path)
