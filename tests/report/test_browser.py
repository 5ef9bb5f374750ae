"""The page in a browser, opened from disk, on a phone and on a desk."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
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


def test_the_contents_lead_to_their_sections(browser: Browser) -> None:
    count = len(browser.find_elements("css selector", "nav a"))
    assert count == len(browser.find_elements("tag name", "h2")) > 8
    for place in range(count):
        browser.execute_script("document.querySelector('details').open = true; scrollTo(0, 0)")
        link = browser.find_elements("css selector", "nav a")[place]
        text = link.text
        link.click()
        heading = browser.find_element("css selector", ":target")
        assert heading.text == text
        top = browser.execute_script("return arguments[0].getBoundingClientRect().top", heading)
        assert -1 <= top < 800


def horizons(browser: Browser) -> tuple[list[str], str | None]:
    """Return the headline's column of horizons from top to bottom, and how it says it is sorted."""
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


def test_a_table_is_sorted_by_name(browser: Browser) -> None:
    button = browser.find_elements("css selector", "th button")[1]
    browser.execute_script("arguments[0].click()", button)
    cells = browser.find_elements("css selector", "table:first-of-type tbody td:nth-child(2)")[:4]
    assert [cell.text for cell in cells] == [EVIL, "gru", "lstm", "rnn"]


@pytest.mark.parametrize("key", [None, "\ue007"], ids=["click", "enter"])
def test_a_figure_is_enlarged_and_closed(browser: Browser, key: str | None) -> None:
    picture = browser.find_element("css selector", ".picture")
    browser.execute_script("arguments[0].scrollIntoView()", picture)
    before = picture.size
    picture.click() if key is None else picture.send_keys(key)
    (drawing,) = browser.find_elements("css selector", "dialog[open] > svg")
    assert drawing.is_displayed()
    assert drawing.size["width"] > before["width"]
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
    browser.find_element("css selector", "nav .theme").click()
    assert background(browser) == light
    time.sleep(1)  # the browser stores in the background
    browser.get(page)
    assert background(browser) == light
    browser.find_element("css selector", "nav .theme").click()
    prefer(browser, "light")
    assert background(browser) == dark


def test_without_storage_the_choice_is_merely_forgotten(browser: Browser, page: str) -> None:
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NO_STORAGE})
    try:
        browser.get(page)
        light = background(browser)
        browser.find_element("css selector", "nav .theme").click()
        assert background(browser) != light
        assert browser.get_log("browser") == []
        browser.get(page)
        assert background(browser) == light
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
