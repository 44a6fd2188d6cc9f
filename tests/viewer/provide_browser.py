"""Sees to a browser for the tests of the viewer, before they run: ``python tests/viewer/provide_browser.py``.

An installed Chromium or Chrome will do; else Debian's package where this runs as root, else Playwright's own download.
Where none can be had it says so and ends well: those tests then skip, with what to do.
"""

import os
import shutil
import subprocess
import sys

from browser import NO_BROWSER, find_browser
from playwright.sync_api import sync_playwright

PACKAGES = ["chromium", "libegl-mesa0", "libgl1-mesa-dri"]
PATIENCE = 600
"""Seconds for a download."""


def found() -> str | None:
    """The browser that the tests would take."""
    with sync_playwright() as playwright:
        return find_browser(playwright)


def ways() -> list[list[list[str]]]:
    """Commands that bring a browser, the better way first."""
    own = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return [own]
    return [
        [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]],
        own,
    ]


def main() -> None:
    """Tries one way after the other until there is a browser."""
    browser = found()
    for commands in ways() if browser is None else []:
        for command in commands:
            print(" ".join(command), flush=True)
            try:
                done = subprocess.run(command, timeout=PATIENCE, stdout=subprocess.DEVNULL, check=False)
            except (OSError, subprocess.TimeoutExpired) as error:
                print(f"  {error}")
                break
            if done.returncode != 0:
                break
        browser = found()
        if browser is not None:
            break
    print(f"the viewer is tested in {browser}" if browser is not None else NO_BROWSER)


if __name__ == "__main__":
    main()
