"""The README's picture of a report: its first screen.

cd tests && python -m support.report_picture ../runs/quickstart/run/report.html     # `make picture`
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support import house
from support.browsers import missing_browser, open_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PICTURE = house.ROOT / "docs" / "report.png"
LARGEST = 300_000  # bytes
WIDTH, HEIGHT, SHARPNESS = 1040, 1150, 1.5


def take(browser: "Browser", report: Path, out: Path) -> None:
    """Write the first screen of a page as a PNG, in light colours."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SHARPNESS, color_scheme="light")
    page = context.new_page()
    page.goto(report.absolute().as_uri())
    page.locator("#theme").evaluate("button => button.hidden = true")  # which nobody can press on a picture
    page.screenshot(path=out)
    context.close()


def main(report: Path) -> None:
    """Take the picture. Ends with a message where that is not possible, or it came out too large."""
    reason = missing_browser() if report.is_file() else f"{report}: expected a report, found none"
    if reason:
        sys.exit(reason)
    with open_chromium() as browser:
        take(browser, report, PICTURE)
    if PICTURE.stat().st_size > LARGEST:
        sys.exit(f"{PICTURE}: expected at most {LARGEST:,} bytes, found {PICTURE.stat().st_size:,}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
