"""A picture of an evaluation's report for docs/images: `python -m tests.report_pictures .torouter/report.html`."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.pictures import CHROMIUM, FOLDER, SIZES, save


def main() -> None:
    report = Path(sys.argv[1]).resolve()
    width, height = SIZES["desktop"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(report.as_uri())
        save(page, FOLDER / "report.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
