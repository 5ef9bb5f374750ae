"""The page in a browser, opened from disk, on a phone and on a desk."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rnnbench.report import write_report
from rnnbench.store.records import Store

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None, reason="chromium and chromedriver are not both here"
    ),
]
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
EVIL = "<img src=x onerror=alert(1)>"
PHONE, DESK = 390, 1280
NO_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }});"
Browser = Any


@pytest.fixture(scope="module")
def page(
    fabricate: Callable[..., Any],
    break_run: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The address of a report with horizons inside and beyond the gaps, and a hostile cell."""
    store = Store(tmp_path_factory.mktemp("browser"))
    reach = {"gru": 20, "lstm": 80, "rnn": 5, EVIL: 40}
    for cell, far in reach.items():
        for gap in (10, 20, 40, 80):
            for seed in range(5):
                store.write(fabricate("copy", cell, gap, seed, score=float(gap <= far)))
    store.write(break_run(fabricate("copy", EVIL, 20, 9), "failed") | {"error": EVIL * 9})
    return (write_report([store.output_dir]) / "index.html").as_uri()


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.chrome.service.Service(DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture(params=[PHONE, DESK])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def browser(started: Browser, page: str, width: int) -> Browser:
    """A browser of a width that has just opened the page, with nothing remembered."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1}
    mobile = {"mobile": width == PHONE}
    started.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size | mobile)
    prefer(started, "light")
    for kind in ("browser", "performance"):
        started.get_log(kind)
    started.get(page)
    started.execute_script("localStorage.clear(); delete document.documentElement.dataset.theme")
    return started


def prefer(driver: Browser, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def colours(driver: Browser) -> Browser:
    """Return the button that changes the colours."""
    buttons = driver.find_elements("css selector", "nav .theme")
    return next(button for button in buttons if "colours" in button.text)


def background(driver: Browser) -> str:
    return str(driver.execute_script("return getComputedStyle(document.body).backgroundColor"))


def test_it_opens_quietly_loads_nothing_and_fits(browser: Browser, page: str, width: int) -> None:
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        m["params"]["request"]["url"] for m in messages if m["method"][8:] == "requestWillBeSent"
    ]
    assert asked == [page]
    # Against the width that was asked for: a phone widens its window to what does not fit.
    for element in ("body", "documentElement"):
        assert browser.execute_script(f"return document.{element}.scrollWidth") <= width
    assert browser.execute_script("return document.images.length") == 0
    assert EVIL in browser.find_element("tag name", "main").text


def test_the_answer_and_its_figure_are_seen_and_the_rest_is_folded(browser: Browser) -> None:
    assert browser.find_element("css selector", "h1 + ul").is_displayed()
    assert browser.find_element("css selector", "#figure-horizons svg").is_displayed()
    sections = browser.find_elements("css selector", "main details")
    assert len(sections) > 8
    assert not any(section.get_attribute("open") for section in sections)
    assert not browser.find_elements("css selector", "main details svg")


def test_the_contents_lead_to_their_sections_and_open_them(browser: Browser) -> None:
    count = len(browser.find_elements("css selector", "nav a"))
    assert count == len(browser.find_elements("tag name", "h2")) > 8
    for place in range(count):
        browser.execute_script("document.querySelector('details').open = true; scrollTo(0, 0)")
        link = browser.find_elements("css selector", "nav a")[place]
        text = link.text
        link.click()
        time.sleep(0.1)  # the script opens the section after the click
        heading = browser.find_element("css selector", ":target")
        assert heading.text == text
        assert heading.find_element("xpath", "../..").get_attribute("open")
        top = browser.execute_script("return arguments[0].getBoundingClientRect().top", heading)
        assert -1 <= top < 800


def open_all(browser: Browser) -> None:
    """Open all sections, and wait until their figures are drawn."""
    (button,) = (
        each
        for each in browser.find_elements("css selector", "nav .theme")
        if each.text == "Open all"
    )
    button.click()
    pictures = len(browser.find_elements("css selector", ".picture"))
    soon(lambda: len(browser.find_elements("css selector", ".picture > svg")) == pictures)


def enlarge(browser: Browser, name: str) -> Browser:
    """Click on a picture, and return its drawing in the dialog."""
    picture = browser.find_element("css selector", name)
    browser.execute_script("arguments[0].scrollIntoView()", picture)
    picture.click()
    return drawing_in_dialog(browser)


def drawing_in_dialog(browser: Browser) -> Browser:
    name = "dialog[open] .frame > svg"
    soon(lambda: bool(browser.find_elements("css selector", name)))
    return browser.find_element("css selector", name)


def soon(holds: Callable[[], bool]) -> None:
    """Wait until something holds that the page's script does in the background."""
    for _ in range(100):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come about")


def test_all_figures_are_drawn_once_their_sections_are_open(browser: Browser, width: int) -> None:
    open_all(browser)
    assert browser.get_log("browser") == []
    for element in ("body", "documentElement"):
        assert browser.execute_script(f"return document.{element}.scrollWidth") <= width
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(set(ids)) == len(ids) > 50


def test_on_a_phone_panels_stand_in_a_column(browser: Browser, width: int) -> None:
    def is_narrow() -> bool:
        drawing = browser.find_element("css selector", "#figure-horizons svg")
        return float(drawing.get_dom_attribute("viewBox").split()[2]) < 3.5 * 72

    soon(lambda: is_narrow() == (width == PHONE))


def test_a_wide_table_shows_that_it_scrolls(browser: Browser, width: int) -> None:
    open_all(browser)
    (frame, *_) = browser.find_elements("css selector", ".scroll")
    scrolls = "return arguments[0].scrollWidth > arguments[0].clientWidth"
    assert width == DESK or browser.execute_script(scrolls, frame)
    look = browser.execute_script("return getComputedStyle(arguments[0]).background", frame)
    assert "linear-gradient" in look and "local" in look


def horizons(browser: Browser) -> tuple[list[str], str | None]:
    """Return the headline's column of horizons from top to bottom, and how it says it is sorted."""
    browser.execute_script("document.querySelector('main details').open = true")
    table = browser.find_element("tag name", "table")
    header = table.find_elements("tag name", "th")[2]
    assert header.text.startswith("horizon")
    cells = table.find_elements("css selector", "tbody td:nth-child(3)")
    return [cell.get_attribute("textContent") for cell in cells], header.get_attribute("aria-sort")


def place(text: str) -> float:
    """Where a horizon belongs: just beyond a gap that is a bound."""
    found = re.match(r"([<>]?) ?([\d.]+)", text)
    assert found is not None
    return float(found[2]) + {"": 0.0, "<": -0.1, ">": 0.1}[found[1]]


@pytest.mark.parametrize("key", [None, "\ue007", " "], ids=["click", "enter", "space"])
def test_a_table_is_sorted_by_number(browser: Browser, key: str | None) -> None:
    before, how = horizons(browser)
    assert how is None
    assert {text[0] for text in before} == {"<", ">", "2", "4"}
    button = browser.find_elements("css selector", "th button")[2]
    for order, name in ((1, "ascending"), (-1, "descending")):
        if key is None:
            browser.execute_script("arguments[0].click()", button)
        else:
            button.send_keys(key)
        found, how = horizons(browser)
        assert how == name
        assert found == sorted(before, key=place)[::order]
    browser.execute_script("arguments[0].click()", button)
    assert horizons(browser) == (before, None)  # the third click leads back


MIXED = [
    "0.003*",
    "(none)",
    "> 160 (67 to > 160)",
    "< 11",
    "160",
    "\u22120.03 (\u22120.1 to 0)",
    "",
]
WORDS = ["10 vanishing", "9 capacity, 1 unclear", "1 capacity, 9 vanishing", "2 vanishing"]
UP = {
    "numbers": (
        MIXED,
        ["\u22120.03 (\u22120.1 to 0)", "0.003*", "< 11", "160", "> 160 (67 to > 160)"],
    ),
    "counts of words": (WORDS, [WORDS[1], WORDS[2], WORDS[3], WORDS[0]]),
    "rates": (["1 of 10", "10 of 10", "9 of 10"], ["1 of 10", "9 of 10", "10 of 10"]),
}


@pytest.mark.parametrize("kind", UP)
def test_a_column_is_sorted_by_what_its_texts_mean(browser: Browser, kind: str) -> None:
    texts, expected = UP[kind]
    script = """
      const table = document.createElement('table');
      table.innerHTML = '<thead><tr><th>x</th></tr></thead><tbody></tbody>';
      for (const text of arguments[0]) {
        table.tBodies[0].insertRow().insertCell().textContent = text;
      }
      const header = table.querySelector('th');
      const read = () => [...table.tBodies[0].rows].map((row) => row.textContent);
      return [1, 2, 3].map(() => { sortTable(header); return read(); });
    """
    up, down, back = browser.execute_script(script, texts)
    known = len(expected)
    assert up[:known] == expected and down[:known] == expected[::-1]
    assert set(up[known:]) == set(down[known:]) == set(texts) - set(expected)
    assert back == texts


def test_a_table_is_sorted_by_name(browser: Browser) -> None:
    browser.execute_script("document.querySelector('main details').open = true")
    button = browser.find_elements("css selector", "th button")[1]
    browser.execute_script("arguments[0].click()", button)
    cells = browser.find_elements("css selector", "table:first-of-type tbody td:nth-child(2)")[:4]
    assert [cell.text for cell in cells] == [EVIL, "gru", "lstm", "rnn"]


PICTURES = {"first": ".picture", "tallest": "#figure-learning_curves .picture"}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("key", [None, "\ue007"], ids=["click", "enter"])
def test_a_figure_is_enlarged_and_closed(browser: Browser, key: str | None, name: str) -> None:
    open_all(browser)
    picture = browser.find_element("css selector", PICTURES[name])
    browser.execute_script("arguments[0].scrollIntoView()", picture)
    before = picture.size
    picture.click() if key is None else picture.send_keys(key)
    drawing = drawing_in_dialog(browser)
    assert drawing.is_displayed()
    assert drawing.size["width"] > before["width"]
    # As wide as there is room, whatever its height: the dialog scrolls.
    room = browser.execute_script("return document.querySelector('dialog').clientWidth")
    assert drawing.size["width"] >= room - 40
    browser.switch_to.active_element.send_keys("\ue00c")
    assert browser.find_elements("css selector", "dialog[open]") == []
    assert len(picture.find_elements("tag name", "svg")) == 1
    assert picture.size == before
    assert browser.switch_to.active_element == picture
    assert browser.get_log("browser") == []


def test_colours_follow_the_system_until_they_are_chosen(browser: Browser, page: str) -> None:
    light = background(browser)
    prefer(browser, "dark")
    dark = background(browser)
    assert dark != light
    colours(browser).click()
    assert background(browser) == light
    # A browser may lose what a page has stored, so it is handed to the page opened next.
    stored = browser.execute_script("return JSON.stringify({...localStorage})")
    source = f"Object.assign(localStorage, {stored})"
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    try:
        browser.get(page)
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    assert background(browser) == light
    colours(browser).click()
    prefer(browser, "light")
    assert background(browser) == dark


def test_without_storage_the_choice_is_merely_forgotten(browser: Browser, page: str) -> None:
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NO_STORAGE})
    try:
        browser.get(page)
        light = background(browser)
        colours(browser).click()
        assert background(browser) != light
        assert browser.get_log("browser") == []
        browser.get(page)
        assert background(browser) == light
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


@pytest.mark.long
def test_the_reference_is_a_small_page_that_opens_without_a_complaint(
    started: Browser, tmp_path: Path
) -> None:
    reference = Path(__file__).parents[2] / "results" / "reference"
    page = write_report([reference], tmp_path) / "index.html"
    assert page.stat().st_size < 1_500_000
    started.get_log("browser")
    started.get(page.as_uri())
    assert started.execute_script("return document.querySelectorAll('*').length") < 6000
    open_all(started)
    enlarged = enlarge(started, "#figure-learning_curves .picture")
    _, _, across, down = map(float, enlarged.get_dom_attribute("viewBox").split())
    ratio = enlarged.size["height"] / enlarged.size["width"]
    assert ratio == pytest.approx(down / across, rel=0.01)  # it fills its width
    height = started.execute_script("return document.querySelector('dialog').scrollHeight")
    assert height > 800  # and what has no room is scrolled to
    assert started.get_log("browser") == []
