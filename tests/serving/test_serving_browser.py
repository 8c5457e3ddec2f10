"""The page of `midlevel serve` in a real browser, as a person uses it."""

import json
import shutil

import cv2
import numpy as np
import pytest

import midlevel
from midlevel.images import decoding, pixels

pytest.importorskip("fastapi", reason="needs midlevel[serve]")
pytest.importorskip("playwright.sync_api", reason="needs playwright")
from playwright import sync_api
from test_serving import running

from midlevel.serving import app, scoring, uploads

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason=f"no browser: none of {', '.join(NAMES)}"),
]
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
}


@pytest.fixture(scope="module")
def loaded(trained):
    return midlevel.load(trained.folder, engine="openvino")


@pytest.fixture(scope="module")
def address(loaded):
    with running(app.build(loaded, uploads.Limits(300_000))) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, address):
    """Opens the page; afterwards nothing else was asked for, and nothing went wrong."""
    contexts, asked, wrong = [], [], []

    def open_(**options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    kinds = ("blob:", "data:", address)
    assert asked and all(url.startswith(kinds) for url in asked)
    known = ("status of 415", "status of 503")
    assert not [text for text in wrong if not any(k in text for k in known)]


@pytest.fixture(scope="module")
def photographs(toy_voc):
    return sorted((toy_voc / "JPEGImages").glob("val_*.jpg"))


def drop(page, *paths):
    """As the system's own drag and drop does it."""
    wire = page.context.new_cdp_session(page)
    files = [str(path) for path in paths]
    data = {"items": [], "files": files, "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": 100, "y": 200, "data": data}
        wire.send("Input.dispatchDragEvent", event)


def choose(page, *paths):
    page.get_by_label("Choose photographs").set_input_files(list(paths))


def picture(part):
    return decoding.decode(part.screenshot(), "screenshot").astype(int)


def test_a_photograph_that_is_dropped_is_labelled(opened, loaded, photographs):
    page, path = opened(), photographs[3]
    drop(page, path)
    page.get_by_text("1 of 1 photograph labelled.").wait_for()
    (record,) = loaded.predict(path)
    label = record["labels"][0]
    card = page.get_by_role("article", name=path.name)
    says = card.locator(".says").inner_text()
    assert says.startswith(f"{label['name']} {100 * label['score']:.0f} %")
    assert card.get_by_role("radio", checked=True).input_value() == label["name"]
    assert card.get_by_role("radio").count() == 3
    assert card.locator("rect").count() == 2 * len(
        [region for region in record["regions"] if region["name"] == label["name"]]
    )


def test_several_keep_their_order_and_one_that_fails_says_why(
    opened, photographs, tmp_path
):
    bad, large = tmp_path / "bad.jpg", tmp_path / "large.jpg"
    bad.write_bytes(b"<html>")
    large.write_bytes(bytes(300_001))
    paths = [photographs[2], bad, photographs[0], large, photographs[1]]
    page = opened()
    choose(page, *paths)
    page.get_by_text("3 of 5 photographs labelled, 2 failed.").wait_for()
    names = page.get_by_role("article").get_by_role("heading").all_inner_texts()
    assert names == [path.name for path in paths]
    failed = page.locator(".bad").all_inner_texts()
    assert failed[0].startswith("Failed: is a page of HTML or XML")
    assert failed[1].startswith("Failed: has 300001 bytes; at most 300000 are taken")


def test_the_map_and_the_regions_of_a_chosen_class_are_shown(opened, photographs):
    page = opened()
    choose(page, photographs[4])  # a square and a wedge
    page.get_by_text("1 of 1 photograph labelled.").wait_for()
    stage = page.get_by_role("img", name=photographs[4].name)
    seen = {}
    for name in ("disc", "square", "wedge"):
        page.get_by_role("radio", name=name).check()
        page.get_by_text(f"Where {name} scored").wait_for()
        page.wait_for_timeout(200)
        seen[name] = picture(stage)
    page.get_by_role("checkbox", name="Score map").uncheck()
    page.get_by_role("checkbox", name="Regions").uncheck()
    plain = picture(stage)
    for name, shown in seen.items():
        assert np.abs(shown - plain).mean() > 5
        assert all(np.abs(shown - seen[n]).mean() > 1 for n in seen if n != name)


def test_all_can_be_done_with_the_keyboard(opened, photographs):
    page = opened()
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("id") == "files"
    choose(page, photographs[0], photographs[1])
    page.get_by_text("2 of 2 photographs labelled.").wait_for()
    page.get_by_label(f"Remove {photographs[0].name}").focus()
    page.keyboard.press("Tab")
    before = page.locator(":focus").input_value()
    page.keyboard.press("ArrowDown")
    after = page.locator(":focus").input_value()
    assert before != after
    page.get_by_text(f"Where {after} scored").wait_for()
    page.get_by_label(f"Remove {photographs[0].name}").focus()
    page.keyboard.press("Enter")
    page.get_by_text("1 of 1 photograph labelled.").wait_for()
    focused = page.locator(":focus").get_attribute("aria-label")
    assert focused == f"Remove {photographs[1].name}"
    page.keyboard.press("Enter")
    assert page.locator(":focus").get_attribute("id") == "files"


def test_a_screen_reader_hears_what_is_there(opened, loaded, photographs):
    page, path = opened(), photographs[3]
    choose(page, path)
    page.get_by_text("1 of 1 photograph labelled.").wait_for()
    heard = page.locator("body").aria_snapshot()
    (record,) = loaded.predict(path)
    label = record["labels"][0]
    threshold = f"{100 * label['threshold']:.0f} %"
    assert "- status: 1 of 1 photograph labelled." in heard
    assert f'- article "{path.name}"' in heard
    assert '- group "Probability of each class"' in heard
    assert f'- radio "{label["name"]} ✓ ' in heard and f"threshold {threshold}" in heard
    assert f'img "{path.name}: Where {label["name"]} scored; 1 region."' in heard
    assert "- checkbox" in heard and f'- button "Remove {path.name}"' in heard


def test_a_kind_that_the_browser_does_not_know_is_shown_too(opened, photographs):
    page, seen = opened(), []
    plain = pixels.read(photographs[0])
    tiff = cv2.imencode(".tiff", plain[..., ::-1])[1].tobytes()
    files = [("a.jpg", photographs[0].read_bytes()), ("b.tiff", tiff)]
    choose(page, *({"name": n, "mimeType": "", "buffer": data} for n, data in files))
    page.get_by_text("2 of 2 photographs labelled.").wait_for()
    page.get_by_role("checkbox", name="Score map").uncheck()
    page.get_by_role("checkbox", name="Regions").uncheck()
    page.wait_for_timeout(500)
    for name, _ in files:
        seen.append(picture(page.get_by_role("img", name=name)))
    assert np.abs(seen[0] - seen[1]).mean() < 8 and seen[0].std() > 10


def test_a_picture_that_is_pasted_is_labelled(opened, photographs):
    page = opened(bypass_csp=True)  # for this script, not the page's own
    page.evaluate(
        """bytes => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "pasted.jpg"));
          dispatchEvent(new ClipboardEvent("paste", {clipboardData: data}));
        }""",
        list(photographs[0].read_bytes()),
    )
    page.get_by_text("1 of 1 photograph labelled.").wait_for()
    assert page.get_by_role("article", name="pasted.jpg").count() == 1


def test_a_full_queue_is_waited_for(opened, photographs):
    page, answers = opened(), [503, 503]
    page.route(
        "**/api/predict*",
        lambda route: (
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}")
            if answers and answers.pop()
            else route.continue_()
        ),
    )
    choose(page, photographs[0])
    page.get_by_text("1 of 1 photograph labelled.").wait_for()
    assert not answers


def test_records_can_be_saved(opened, loaded, photographs, tmp_path):
    page = opened()
    choose(page, *photographs[:2])
    page.get_by_text("2 of 2 photographs labelled.").wait_for()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the records").click()
    saved.value.save_as(tmp_path / "saved.jsonl")
    lines = (tmp_path / "saved.jsonl").read_text().splitlines()
    found = loaded.predict(list(photographs[:2]))
    assert [json.loads(line)["scores"] for line in lines] == [
        r["scores"] for r in found
    ]


@pytest.mark.parametrize("options", [{}, PHONE])
def test_a_long_list_of_classes_is_folded(opened, loaded, photographs, options):
    page = opened(**options)
    names = [f"class {i}, with a long name" for i in range(120)]
    (record,) = loaded.predict(photographs[0])
    record["scores"] = {name: 0.4 / (i + 1) for i, name in enumerate(names)}
    found = loaded.windows(pixels.read(photographs[0]))
    some = scoring.score_maps(found, ["disc"])["disc"]
    answer = {
        "records": [{**record, "labels": [], "regions": []}],
        "maps": [dict.fromkeys(names, some)],
        "pictures": [None],
    }
    facts = {"thresholds": dict.fromkeys(names, 0.5), "max_upload": 10**6}
    page.route("**/api/model", lambda route: route.fulfill(json=facts))
    page.route("**/api/predict*", lambda route: route.fulfill(json=answer))
    page.reload()
    choose(page, photographs[0])
    page.get_by_text("1 of 1 photograph labelled.").wait_for()
    assert page.get_by_text("None of the classes reaches its threshold.").count() == 1
    page.get_by_role("button", name="Show all 120 classes").click()
    page.get_by_role("radio").nth(119).check()
    page.get_by_text(f"Where {names[119]} scored").wait_for()
    assert page.locator(":focus").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_scrolling_sideways(opened, photographs, scheme):
    page = opened(**PHONE, color_scheme=scheme, bypass_csp=True)
    choose(page, *photographs[:2])
    page.get_by_text("2 of 2 photographs labelled.").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    corner = picture(page)[:8, :8].mean()
    assert corner < 60 if scheme == "dark" else corner > 200
