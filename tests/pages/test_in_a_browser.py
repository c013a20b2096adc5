"""A real browser: no script needed, large type, strong contrast, big targets, phone width, print."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from notifier.pages import login_link
from notifier.routing import route
from tests.notifier.town import Town, person
from tests.pages.conftest import ANNA, BEN, KEY, application

BROWSER, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER.exists() and DRIVER.exists()), reason="chromium or chromedriver is not installed"
)
PHONE, DESK = (390, 844), (1280, 900)
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for argument in (*_ARGUMENTS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(argument)
    # The pages must work without scripts; the driver's own measuring is not affected by this setting.
    options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


def _size(browser: webdriver.Chrome, size: tuple[int, int]) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE},
    )


def _shoot(browser: webdriver.Chrome, name: str) -> None:
    """Keep a picture of the whole page in the folder MIANSHEN_PICTURES, if there is one."""
    folder = os.environ.get("MIANSHEN_PICTURES")
    if folder:
        import base64

        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


_MEASURE = """
const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
const lum = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 });
  return .2126 * r + .7152 * g + .0722 * b };
const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
  if (c.length == 3 || c[3] > 0) return c } return [255, 255, 255] };
const found = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const e = walk.currentNode.parentElement, s = getComputedStyle(e), box = e.getBoundingClientRect();
  if (!walk.currentNode.textContent.trim() || box.width < 2 || box.right < 0) continue;
  const a = lum(rgb(s.color)), b = lum(ground(e));
  found.push([walk.currentNode.textContent.trim().slice(0, 30), parseFloat(s.fontSize),
    parseFloat(s.lineHeight) / parseFloat(s.fontSize), (Math.max(a, b) + .05) / (Math.min(a, b) + .05)]);
}
return found;
"""


_STICKING_OUT = """
return [...document.querySelectorAll('.condition, .card, .facts, .steps, .values, .person')].filter(box =>
  [...box.querySelectorAll('*')].some(e => e.getBoundingClientRect().right > box.getBoundingClientRect().right + 1))
  .map(box => box.textContent.trim().slice(0, 60));
"""


def _enter(browser: webdriver.Chrome, address: str, subject: str = ANNA) -> None:
    browser.get(login_link(address, KEY, subject))
    browser.find_element(By.CSS_SELECTOR, "main button").click()
    # The click returns before the next page has come.
    WebDriverWait(browser, 20).until(lambda at: at.current_url == f"{address}/")


def _prepared(town: Town) -> str:
    number = town.grant(ANNA)
    town.grant(ANNA, period="2026-10", facts=person())
    town.grant(BEN)
    route(town.ledger, lambda subjects: {})
    return number


def _pages(address: str, number: str) -> dict[str, str]:
    return {
        "inbox": f"{address}/", "ahead": f"{address}/ahead", "grant": f"{address}/grants/{number}", "contacts": f"{address}/contacts",
        "demo": f"{address}/demo", "lost": f"{address}/nowhere", "login": login_link(address, KEY, ANNA),
    }  # fmt: skip


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_legible_and_fits(
    town: Town, served: Callable[[FastAPI], str], browser: webdriver.Chrome, size: tuple[int, int], language: str
) -> None:
    number = _prepared(town)
    town.contact(ANNA, phone="13812345678")
    town.vault.contact(ANNA, "notifier", "delivery of a notice")
    address = served(application(town, demo=True))
    _size(browser, size)
    _enter(browser, address)
    for name, url in _pages(address, number).items():
        browser.get(url + ("&" if "?" in url else "?") + f"lang={language}")
        _shoot(browser, f"{name}-{language}-{size[0]}")
        measured: list[Any] = browser.execute_script(_MEASURE)
        assert measured
        for text, font, line, contrast in measured:
            assert font >= 18 and line >= 1.3 and contrast >= 4.5, (name, text, font, line, contrast)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0], name
        assert browser.execute_script(
            "return getComputedStyle(document.body).lineHeight.replace('px','')"
            " / getComputedStyle(document.body).fontSize.replace('px','')"
        ) >= 1.5  # fmt: skip
        # Nothing sticks out of the card it stands in.
        assert browser.execute_script(_STICKING_OUT) == [], name
        targets = browser.find_elements(By.CSS_SELECTOR, "button, .button, .quiet, .site, .plain")
        assert all(each.size["height"] >= 60 for each in targets if each.is_displayed()), name
        assert browser.execute_script("return document.scripts.length") == 0


def test_a_person_walks_from_the_link_to_the_reason_and_out_again(
    town: Town, served: Callable[[FastAPI], str], browser: webdriver.Chrome
) -> None:
    _prepared(town)
    address = served(application(town))
    browser.get(f"{address}/?lang=zh")
    assert "请先登录" in browser.page_source
    _enter(browser, address)
    cards = browser.find_elements(By.CSS_SELECTOR, ".card")
    assert len(cards) == 2 and "150" in cards[0].text
    cards[0].find_element(By.CSS_SELECTOR, ".button").click()
    lines = [each.text for each in browser.find_elements(By.CSS_SELECTOR, ".conditions.outer > .condition")]
    assert len(lines) == 3 and all("✓" in line and "符合" in line for line in lines)
    browser.find_element(By.LINK_TEXT, "English").click()
    assert "Condition by condition" in browser.page_source
    browser.find_element(By.CSS_SELECTOR, "form[action='/logout'] button").click()
    browser.get(f"{address}/")
    assert browser.find_elements(By.CSS_SELECTOR, ".card") == []


def test_the_keyboard_reaches_the_content_first_and_then_the_links(
    town: Town, served: Callable[[FastAPI], str], browser: webdriver.Chrome
) -> None:
    _prepared(town)
    address = served(application(town))
    _enter(browser, address)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    first = browser.switch_to.active_element
    assert "skip" in str(first.get_attribute("class"))
    first.send_keys(Keys.ENTER)
    assert browser.current_url.endswith("#content")


def test_a_grant_can_be_printed_as_a_letter(
    town: Town, served: Callable[[FastAPI], str], browser: webdriver.Chrome
) -> None:
    number = _prepared(town)
    address = served(application(town))
    _enter(browser, address)
    browser.get(f"{address}/grants/{number}?lang=zh")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not browser.find_element(By.CSS_SELECTOR, ".top-actions").is_displayed()
    assert browser.find_element(By.CSS_SELECTOR, ".conditions").is_displayed()
    assert len(browser.print_page()) > 1_000
