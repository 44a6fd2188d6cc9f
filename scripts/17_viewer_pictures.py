"""Pictures of the viewer's panels, to be looked at: light and dark, 1440 x 900 and 1280 x 720, one PNG for each tab.

    python scripts/17_viewer_pictures.py RUN SCENE OUT [WORD]

RUN and SCENE as of ``gsseg demo``; OUT is a folder; with WORD only pictures whose name holds it. Needs a browser and
Playwright, as the tests of the viewer do.
"""

import sys
from pathlib import Path
from typing import Any

from gsseg_viewer.document import Document
from gsseg_viewer.panels import TABS
from gsseg_viewer.panels.look import ThemePanel
from gsseg_viewer.server import serve
from playwright.sync_api import sync_playwright

from gsseg.io.scene_folder import load_views

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "viewer"))
from browser import Browser, find_browser, poll

SIZES = ((1440, 900), (1280, 720))
QUIET_MS = 2500
"""Software drawing takes most of a second a frame."""
PATIENCE_MS = 180_000
"""For a frame, on a machine that is busy otherwise."""


def shoot(tab: Any, path: Path) -> None:
    """The page once it has come to rest."""
    tab.wait_until_settled()
    tab.page.wait_for_timeout(QUIET_MS)
    tab.shoot(path)
    print(path, flush=True)


def select_something(tab: Any) -> None:
    """Clicks the largest object that is hit in the middle of the picture, away from the panel."""
    for u, v in ((0.3, 0.5), (0.4, 0.6), (0.2, 0.7), (0.45, 0.45)):
        tab.click_at(u * tab.width, v * tab.height)
        tab.page.wait_for_timeout(QUIET_MS)
        if tab.session.selection:
            return
    raise AssertionError("no click met an object")


def main() -> None:
    """Writes the pictures."""
    run, scene, out = map(Path, sys.argv[1:4])
    word = sys.argv[4] if len(sys.argv) > 4 else ""
    views = load_views(scene, run / "segmented.ply", max_side=640)[0]
    with serve(Document.open(run), views, port=0) as viewer, sync_playwright() as playwright:
        browser = Browser(playwright, find_browser(playwright))
        for dark in (True, False):
            for width, height in SIZES:
                stem = f"{'dark' if dark else 'light'}-{width}x{height}"
                names = {each: out / f"{stem}-{each}.png" for each in ("start", *(label for label, _ in TABS), "Help")}
                wanted = {each: path for each, path in names.items() if word in path.name}
                if not wanted:
                    continue
                tab = browser.open(viewer, width, height)
                tab.page.set_default_timeout(PATIENCE_MS)
                theme = next(each for each in tab.session.panels if isinstance(each, ThemePanel))
                theme.dark.value = dark
                theme._set(dark)
                if "start" in wanted:
                    shoot(tab, wanted.pop("start"))
                if wanted:
                    select_something(tab)
                    poll("a selection", lambda tab=tab: bool(tab.session.selection))
                for label, path in wanted.items():
                    tab.page.get_by_role("tab", name=label).click()
                    shoot(tab, path)
                tab.close()
        browser.close()


if __name__ == "__main__":
    main()
