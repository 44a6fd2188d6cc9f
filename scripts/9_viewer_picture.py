"""Makes docs/viewer.jpg: the viewer on a run, with the office chair of the sample room selected, and by objects.

    python scripts/9_viewer_picture.py RUN SCENE OUT.jpg

For the run and scene of ``gsseg demo``; needs a browser and Playwright, as the tests of the viewer do.
"""

import io
import sys
from pathlib import Path
from typing import Any

from gsseg_viewer.document import Document
from gsseg_viewer.server import serve
from PIL import Image
from playwright.sync_api import sync_playwright

from gsseg.io.scene_folder import load_views

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "viewer"))
from browser import Browser, find_browser, poll

WIDTH, HEIGHT = 1400, 900
CHAIR = (784.0, 367.0)
"""A pixel of the office chair in the first picture."""
SHOWN = 900
"""Pixels that each picture is wide."""


def shot(tab: Any) -> Image.Image:
    """The page without viser's notices, once it has come to rest."""
    tab.page.add_style_tag(content=".mantine-Notifications-root { display: none }")
    tab.wait_until_settled()
    tab.page.wait_for_timeout(3000)  # software drawing takes seconds a frame
    return Image.open(io.BytesIO(tab.page.screenshot())).convert("RGB").resize((SHOWN, SHOWN * HEIGHT // WIDTH))


def main() -> None:
    """Writes the picture."""
    run, scene, out = map(Path, sys.argv[1:4])
    views = load_views(scene, run / "segmented.ply", max_side=640)[0]
    with serve(Document.open(run), views, port=0) as viewer, sync_playwright() as playwright:
        browser = Browser(playwright, find_browser(playwright))
        tab = browser.open(viewer, WIDTH, HEIGHT)
        tab.session.color_by("photo")
        tab.click_at(*CHAIR)
        poll("a selection", lambda: bool(tab.session.selection))
        selected = shot(tab)
        tab.session.clear()
        tab.session.color_by("object")
        objects = shot(tab)
        browser.close()
    both = Image.new("RGB", (2 * SHOWN + 8, selected.height), "white")
    both.paste(selected, (0, 0))
    both.paste(objects, (SHOWN + 8, 0))
    both.save(out, quality=82)


if __name__ == "__main__":
    main()
