"""A real browser, driven by Playwright: pages that are known to be ready, points of the world in pixels, patches of
colour, and a record of every request and console message.

Nothing here sleeps for a fixed time; everything polls until it is so.
"""

import io
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

NO_BROWSER = (
    "no Chromium or Chrome here: install one (Debian: apt-get install chromium), or run: "
    "python -m playwright install chromium"
)

COMMON = ["--ignore-gpu-blocklist", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
GRAPHICS = (
    ["--use-gl=angle", "--use-angle=gl-egl"],
    ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
)
"""Ways to draw without a graphics card, the faster one first; it needs Mesa's EGL."""

PATIENCE = 30.0
"""Seconds that anything may take on a busy machine."""

HARMLESS = (
    "computeBoundingSphere",
    "THREE.Clock: This module has been deprecated",
    "GPU stall due to ReadPixels",
    "GL Driver Message",
)
"""In console messages that viser's client or Chromium's software graphics always make."""

WHOLE = """() => {
  const comes = [];
  window.__viserMutable.scene?.traverse((each) => comes.push(each.material?.uniforms?.transitionInState?.value ?? 1));
  return comes.length && Math.min(...comes) === 1 && !document.getElementById("gsseg-cover");
}"""
"""Whether the first picture is what it will be: viser lets splats come in little by little."""

Value = TypeVar("Value")


def poll(what: str, probe: Callable[[], Value], seconds: float = PATIENCE) -> Value:
    """Calls ``probe`` until it returns something true and returns that; AssertionError when it takes too long."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


class Browser:
    """A running browser that may only talk to this machine."""

    def __init__(self, playwright: Any, executable: str | None) -> None:
        """Starts it; ``executable`` None means Playwright's own download."""
        environment = {**os.environ, "LIBGL_ALWAYS_SOFTWARE": "1", "EGL_PLATFORM": "surfaceless"}
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        for flags in GRAPHICS:
            self.chromium = playwright.chromium.launch(
                executable_path=executable, args=[*COMMON, *sandbox, *flags], env=environment
            )
            page = self.chromium.new_page()
            works = page.evaluate("!!document.createElement('canvas').getContext('webgl2')")
            page.close()
            if works:
                return
            self.chromium.close()
        raise RuntimeError("this browser draws no WebGL, with or without a graphics card")

    def open(
        self,
        viewer: Any,
        width: int = 1100,
        height: int = 640,
        password: str | None = None,
        script: str = "",
        query: str = "?fixedDpr=1",
    ) -> "Tab":
        """A page at the viewer, ready to be clicked: connected, drawn, and with its camera at rest; ``password``: what
        a person answers when the browser asks for one; ``script``: runs before the page's own; ``query``: of the
        address, which by default keeps the resolution as it is."""
        credentials = None if password is None else {"username": "", "password": password}
        size: Any = {"width": width, "height": height}
        context = self.chromium.new_context(viewport=size, http_credentials=credentials)
        if script:
            context.add_init_script(script)
        return Tab(context, viewer, query)

    def close(self) -> None:
        """Ends it."""
        self.chromium.close()


class Tab:
    """One page and its `gsseg_viewer.session.Session`."""

    def __init__(self, context: Any, viewer: Any, query: str = "") -> None:
        """Opens the viewer's page and waits until it can be used."""
        self.context = context
        self.viewer = viewer
        self.requests: list[str] = []
        self.console: list[str] = []
        known = {each.client.client_id for each in viewer.sessions}
        self.page = context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.goto(f"{viewer.url}/{query}")
        self.session = poll("a session of this page", lambda: self._new_session(known))
        self.wait_until_ready()

    def come_back(self, viewer: Any | None = None) -> None:
        """Waits until the page, reloaded by itself or by a person, is ready again, with another session; of another
        viewer where one is given."""
        earlier, self.viewer = self.session, viewer or self.viewer

        def another() -> Any:
            self.page.wait_for_timeout(20)  # unlike a script, this outlives the page that goes
            return next((each for each in self.viewer.sessions if each is not earlier), None)

        self.session = poll("another session", another)
        self.wait_until_ready()

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning") and not any(part in message.text for part in HARMLESS):
            self.console.append(message.text)

    def _new_session(self, known: set[int]) -> Any:
        self.page.evaluate("0")  # Playwright hears of requests and messages only while it is at work
        return next((each for each in self.viewer.sessions if each.client.client_id not in known), None)

    def wait_until_ready(self) -> None:
        """Splats in the scene tree, clicks wanted, camera at rest where the server has it, and something drawn."""
        self.wait_for(
            "splats and clicks",
            "() => window.__viserSceneTree && window.__viserPointer && window.__viserPointer.hasSceneClickFilter()"
            " && Object.keys(window.__viserSceneTree.getState()).some(name => name.startsWith('/splats/'))",
        )
        self.wait_for("splats that are there and no longer come in", WHOLE)
        self.wait_until_settled()
        poll("a picture that is not empty", lambda: self.picture()[:, : self.width // 2].std() > 3)

    def wait_for(self, what: str, script: str) -> Any:
        """Polls a JavaScript function until it is true."""
        return poll(what, lambda: self.page.evaluate(script))

    def wait_until_settled(self, position: Any = None) -> None:
        """The browser's camera rests, where it was sent to if that is given, and the server knows its pose."""

        def settled() -> bool:
            before = self._camera()
            self.page.wait_for_timeout(60)
            now, told = self._camera(), self.session.client.camera
            at = now["world"].T @ now["position"]
            near = max(1e-9, 1e-4 * float(np.abs(at).max()))
            return (
                (position is None or bool(np.allclose(at, position, atol=max(near, 1e-3))))
                and bool(np.allclose(before["view"], now["view"]))
                and bool(np.allclose(told.position, at, atol=near))
                and abs(np.degrees(told.fov) - now["fov"]) < 0.01
                and (told.image_width, told.image_height) == now["size"]
            )

        poll("a camera at rest", settled)

    def _camera(self) -> dict[str, Any]:
        """What the page itself says of its camera, in three.js's world; ``world`` turns the scene's world into it."""
        told = self.page.evaluate(
            """() => {
                const c = window.__viserMutable.camera, canvas = window.__viserMutable.canvas;
                c.updateMatrixWorld();
                return {view: c.matrixWorldInverse.elements, projection: c.projectionMatrix.elements, fov: c.fov,
                        position: c.position.toArray(), size: [canvas.width, canvas.height],
                        root: window.__viserSceneTree.getState()[""].wxyz};
            }"""
        )
        w, x, y, z = told["root"]
        spin = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        return {
            "view": np.array(told["view"]).reshape(4, 4).T,
            "projection": np.array(told["projection"]).reshape(4, 4).T,
            "fov": told["fov"],
            "position": np.array(told["position"]),
            "size": tuple(told["size"]),
            "world": np.eye(3) + 2 * w * spin + 2 * spin @ spin,
        }

    @property
    def width(self) -> int:
        """Of the page, pixels."""
        return self.page.viewport_size["width"]

    @property
    def height(self) -> int:
        """Of the page, pixels."""
        return self.page.viewport_size["height"]

    def pixel(self, point: Any) -> tuple[float, float]:
        """Where the page draws a point of the scene, from its own matrices, in pixels from the upper left."""
        camera = self._camera()
        there = np.append(camera["world"] @ np.asarray(point, float), 1.0)
        clip = camera["projection"] @ camera["view"] @ there
        assert clip[3] > 0, "the point is behind the camera"
        u, v = clip[0] / clip[3], clip[1] / clip[3]
        return (u + 1) / 2 * self.width, (1 - v) / 2 * self.height

    def picture(self) -> np.ndarray:
        """(height, width, 3) what the page looks like now, 0..255."""
        return np.asarray(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"), np.float64)

    def colour(self, point: Any, radius: int = 3) -> np.ndarray:
        """Mean colour of the page about a point of the scene."""
        u, v = (round(each) for each in self.pixel(point))
        patch = self.picture()[max(0, v - radius) : v + radius + 1, max(0, u - radius) : u + radius + 1]
        return patch.mean((0, 1))

    def wait_for_colour(self, what: str, point: Any, wanted: Callable[[np.ndarray], bool]) -> np.ndarray:
        """Polls the colour about a point until it is as wanted, and returns it."""
        seen: list[np.ndarray] = []

        def probe() -> bool:
            seen[:] = [self.colour(point)]
            return bool(wanted(seen[0]))

        try:
            poll(what, probe)
        except AssertionError as error:
            raise AssertionError(f"{error}; the colour is {seen[0].round()}") from None
        return seen[0]

    def click(self, point: Any, *modifiers: str) -> None:
        """Clicks on a point of the scene, with keys held (``Shift``, ``Alt``)."""
        u, v = self.pixel(point)
        self.click_at(u, v, *modifiers)

    def click_at(self, u: float, v: float, *modifiers: str) -> None:
        """Clicks on a pixel; viser's ray goes half a pixel further."""
        for key in modifiers:
            self.page.keyboard.down(key)
        self.page.mouse.click(u - 0.5, v - 0.5)
        for key in modifiers:
            self.page.keyboard.up(key)

    def drag(self, first: tuple[float, float], last: tuple[float, float], *modifiers: str) -> None:
        """Drags from one pixel to another."""
        for key in modifiers:
            self.page.keyboard.down(key)
        self.page.mouse.move(*first)
        self.page.mouse.down()
        self.page.mouse.move((first[0] + last[0]) / 2, (first[1] + last[1]) / 2, steps=4)
        self.page.mouse.move(*last, steps=4)
        self.page.mouse.up()
        for key in modifiers:
            self.page.keyboard.up(key)

    def press(self, keys: str) -> None:
        """Presses keys, e.g. ``Control+z``, with nothing focused."""
        self.page.evaluate("document.activeElement && document.activeElement.blur()")
        self.page.keyboard.press(keys)

    def text(self) -> str:
        """All text on the page."""
        return self.page.inner_text("body")

    def wait_for_text(self, text: str) -> None:
        """Polls until the page shows a text."""
        try:
            poll(f"the text {text!r}", lambda: text in self.text())
        except AssertionError as error:
            raise AssertionError(f"{error}; the page says {self.text()!r}") from None

    def shoot(self, path: Path) -> None:
        """Saves what the page looks like."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)

    def foreign_requests(self) -> list[str]:
        """Requests that went anywhere but to this machine."""
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).hostname not in ("127.0.0.1", "localhost")
        ]

    def close(self) -> None:
        """Closes the page and forgets what it stored."""
        self.context.close()


def find_browser(playwright: Any) -> str | None:
    """The installed browser, or Playwright's own; None where there is neither."""
    installed = next((path for path in map(shutil.which, NAMES) if path), None)
    own = playwright.chromium.executable_path
    return installed or (own if Path(own).is_file() else None)
