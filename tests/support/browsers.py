"""A Chromium without a window, where the machine has one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)


def missing_browser() -> str | None:
    """Return why no browser can be opened, or None if one can."""
    if find_chromium() is None:
        return f"no browser: none of {', '.join(NAMES)} is installed; on Debian: apt-get install chromium"
    try:
        import playwright  # noqa: F401 - is it there?
    except ModuleNotFoundError:
        return "no playwright, by which a browser is driven: pip install playwright"
    return None


def find_chromium() -> str | None:
    """Return the path of the browser."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def open_chromium() -> Iterator["Browser"]:
    """Open a browser, which has to be there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(QUIET))
        yield browser
        browser.close()


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Open a browser. Skips the test, with the reason, where there is none."""
    reason = missing_browser()
    if reason:
        pytest.skip(reason)
    with open_chromium() as browser:
        yield browser
