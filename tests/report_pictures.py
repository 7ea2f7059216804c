"""The beginning of a report, for docs/images: `python -m tests.report_pictures .torouter/demo/report.html`."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.pictures import CHROMIUM, FOLDER, save

#: As far down as who answers: a picture of all would be too long to read.
SIZE = {"width": 1300, "height": 1900}


def main() -> None:
    report = Path(sys.argv[1]).resolve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page(viewport=SIZE)
        page.goto(report.as_uri())
        save(page, FOLDER / "report.png")
        browser.close()


if __name__ == "__main__":
    main()
