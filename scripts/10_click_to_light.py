"""How long a click takes until the object lights up in a real browser, and edits until they show.

    python scripts/10_click_to_light.py RUN [CLICKS]

RUN is anything that ``gsseg view`` opens. Clicks points of the first picture that are on different objects; for each:
seconds until the pixel under the pointer has changed, and how long a frame takes while nothing happens. Then merges two
objects, splits one into its codes and deletes one by their keys, until the pixel has changed; nothing is saved. Beside
each stand the seconds of processor of the server, which are much the same on a machine that is busy. Needs a browser
and Playwright, as the tests of the viewer do.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gsseg_viewer.document import Document
from gsseg_viewer.pointing import Sight
from gsseg_viewer.server import serve
from gsseg_viewer.session import Session
from gsseg_viewer.state import State
from playwright.sync_api import sync_playwright

from gsseg.segmentation import NO_OBJECT

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "viewer"))
from browser import Browser, find_browser, poll

WIDTH, HEIGHT = 1100, 640
STEP = 40
"""Pixels between points that are tried."""
CHANGED = 24
"""Sum over red, green and blue by which a pixel that lights up differs at least."""
PATIENCE = 120.0
"""Seconds for a frame of a million Gaussians in software."""

STOPWATCH = """
const context = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, options) {  // so that pixels can be read after their frame
  return context.call(this, kind, kind === "webgl2" ? {...options, preserveDrawingBuffer: true} : options);
};
const watch = window.stopwatch = {clicked: 0, lit: 0};
watch.pixel = () => {
  const canvas = window.__viserMutable.canvas, gl = canvas.getContext("webgl2"), out = new Uint8Array(4);
  const scale = gl.drawingBufferHeight / canvas.clientHeight;
  const [u, v] = watch.at.map((pixel) => pixel * scale);
  gl.readPixels(u, gl.drawingBufferHeight - v, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, out);
  return Array.from(out.slice(0, 3));
};
watch.aim = (u, v) => { watch.at = [u, v]; watch.before = watch.pixel(); watch.clicked = watch.lit = 0; };
addEventListener("pointerup", () => { watch.clicked = performance.now(); }, true);
addEventListener("keydown", () => { watch.clicked = performance.now(); }, true);
const look = () => {
  if (watch.clicked && !watch.lit) {
    const change = watch.pixel().reduce((sum, value, k) => sum + Math.abs(value - watch.before[k]), 0);
    if (change >= CHANGED) watch.lit = performance.now();
  }
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
""".replace("CHANGED", str(CHANGED))

DRAWN = """() => {
  const seen = new Set();
  if (window.__viserMutable?.canvas)
    for (let u = 100; u < 700; u += 60) { stopwatch.aim(u, 0.6 * u + 100); seen.add(stopwatch.before.join()); }
  return seen.size > 3;
}"""
"""Whether the page shows more than a background."""

FRAME = """async () => {
  watch = window.stopwatch;
  const times = [];
  for (let k = 0; k < 5; k++) {
    const start = performance.now();
    window.__viserMutable.requestRender();
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    watch.pixel();  // waits until it is drawn
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[2] / 1000;
}"""
"""Median seconds of one frame."""


def points_on_objects(document: Document, sight: Sight, count: int) -> list[tuple[int, int]]:
    """Pixels over an object, each another one than the one before; away from the panel and viser's notices."""
    tried = [(u, v) for v in range(200, HEIGHT - 80, STEP) for u in range(60, WIDTH - 420, STEP)]
    np.random.default_rng(0).shuffle(tried)
    found: list[tuple[int, int]] = []
    last = None
    for u, v in tried:
        across, down = sight.tangents
        ahead = np.array([(2 * u / WIDTH - 1) * across, (2 * v / HEIGHT - 1) * down, 1.0])
        hit = document.pick(sight.position, sight.world_from_camera @ ahead)
        owner = NO_OBJECT if hit is None else hit.object_id
        if owner not in (NO_OBJECT, last):
            found.append((int(u), int(v)))
            last = owner
    return found[:count]


def edit_times(page: Any, session: Session, points: list[tuple[int, int]]) -> None:
    """Prints how long edits take, each from its key until the pixel under the pointer has changed, and undoes them."""
    document = session.document
    (u, v), other = points[:2]

    def settled(what: str, holds: Callable[[], object]) -> None:
        poll(what, holds, PATIENCE)
        page.wait_for_timeout(2500)  # until the picture is fine again

    def owner(state: State) -> int:
        return session.selection.objects(state)[0] if session.selection else NO_OBJECT

    for name, keys, both in (("merge", "m", True), ("split", "c", False), ("delete", "Delete", False)):
        page.mouse.click(*other)
        settled("another object", lambda: session.selection)
        larger = document.state.gaussians(owner(document.state))
        page.mouse.click(u, v)
        settled("an object", lambda: session.selection)
        first = (u, v)
        if both and document.state.gaussians(owner(document.state)) > larger:
            first = other  # the smaller of the two takes the other's colour
        if both:
            page.keyboard.down("Shift")
            page.mouse.click(*other)
            page.keyboard.up("Shift")
            settled("both", lambda: len(session.selection.objects(document.state)) == 2)
        if name == "split":
            page.keyboard.press("s")
            settled("ways to split it", lambda: session.guide is not None)
        before, state = time.process_time(), document.state
        page.evaluate("([u, v]) => stopwatch.aim(u, v)", list(first))
        page.keyboard.press(keys)
        poll(f"{name} shown", lambda: page.evaluate("stopwatch.lit"), PATIENCE)
        shown = page.evaluate("stopwatch.lit - stopwatch.clicked") / 1000
        print(f"{name}: shown after {shown:.2f} s; processor {time.process_time() - before:.2f} s", flush=True)
        assert document.state is not state
        document.undo()
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        settled("nothing selected", lambda: session.guide is None)


def main() -> None:
    """Prints the figures."""
    document = Document.open(sys.argv[1])
    clicks = int(sys.argv[2]) if len(sys.argv) > 2 else 6
    started = time.perf_counter()
    with serve(document, port=0) as viewer, sync_playwright() as playwright:
        browser = Browser(playwright, find_browser(playwright))
        page = browser.chromium.new_context(viewport={"width": WIDTH, "height": HEIGHT}).new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.add_init_script(STOPWATCH)
        page.goto(viewer.url)
        poll("a first picture", lambda: page.evaluate(DRAWN), PATIENCE)
        print(f"{len(document.gaussians)} Gaussians: first picture after {time.perf_counter() - started:.1f} s")
        page.wait_for_timeout(3000)  # until viser has chosen how finely to draw
        (session,) = viewer.sessions
        frame, waits = page.evaluate(FRAME), []
        points = points_on_objects(document, Sight.of(session.client.camera), clicks)
        processor = time.process_time()
        for u, v in points:
            page.evaluate("([u, v]) => stopwatch.aim(u, v)", [u, v])
            page.mouse.click(u, v)
            poll("light", lambda: page.evaluate("stopwatch.lit"), PATIENCE)
            waits.append(page.evaluate("stopwatch.lit - stopwatch.clicked") / 1000)
            page.wait_for_timeout(1000)
        each = (time.process_time() - processor) / len(points)
        print(f"a frame: {frame:.2f} s; click to light: median {np.median(waits):.2f} s, most {max(waits):.2f} s")
        print(f"processor of the server for each click: {each:.2f} s", flush=True)
        edit_times(page, session, points)
        browser.close()


if __name__ == "__main__":
    main()
