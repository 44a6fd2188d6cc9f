"""The page around the scene: its first second, what it remembers, how it comes back, and where its controls are."""

import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gsseg_viewer.document import Document
from gsseg_viewer.edits import rename
from gsseg_viewer.panels.look import ThemePanel
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.server import serve
from PIL import Image

SECONDS = 10.0
"""Until a page is back after its server is."""

WATCH = """
window.seen = [];
const look = () => {
  const camera = window.__viserMutable?.camera;
  if (camera && !document.getElementById("gsseg-cover")) seen.push(camera.position.toArray());
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
"""Notes where every frame that a person sees is seen from."""


@pytest.fixture
def viewer(balls: Any, open_viewer: Callable[..., Any]) -> Any:
    """A server of the four balls."""
    return open_viewer(balls.document(), balls.views())


def selected(tab: Any) -> list[int]:
    return tab.session.selection.objects(tab.viewer.document.state)


def known(tab: Any) -> tuple[Any, ...]:
    """What a reload must not change."""
    session, camera = tab.session, tab.session.client.camera
    reach = session.selection.level, session.selection.distance
    pose = [np.round(each, 3).tolist() for each in (camera.position, camera.look_at, camera.up_direction, camera.fov)]
    return (sorted(session.selection.pieces), session.selection.anchor, session.coloring, *reach, session.dark, *pose)


def change_everything(tab: Any, balls: Any, poll: Callable[..., Any]) -> None:
    """As a person does: turns the camera, selects two balls at a wider reach, colours by object, on a light page."""
    tab.drag((200, 500), (330, 470))
    tab.wait_until_settled()
    tab.page.get_by_role("button", name="coarse code").click()
    poll("the reach", lambda: tab.session.selection.level == "coarse code")
    tab.click(balls.centres[0])
    poll("balls 0 and 1, which share a coarse code", lambda: selected(tab) == [0, 1])
    tab.press("c")
    poll("another colouring", lambda: tab.session.coloring != "photo")
    theme = next(each for each in tab.session.panels if isinstance(each, ThemePanel))
    tab.page.locator(f"[id='{theme.dark._impl.uuid}']").evaluate("box => box.click()")
    poll("a light page", lambda: not tab.session.dark)
    poll(
        "all of it written down",
        lambda: '"dark":false' in tab.page.locator("[data-gsseg-session]").first.get_attribute("data-gsseg-session"),
    )


def test_no_frame_is_seen_from_elsewhere(viewer: Any, browser: Any, poll: Callable[..., Any]):
    page = browser.chromium.new_context(viewport={"width": 640, "height": 480}).new_page()
    page.add_init_script(WATCH)
    page.goto(f"{viewer.url}/?fixedDpr=1")
    seen = np.array(poll("frames", lambda: page.evaluate("seen.length > 5 && seen")))
    page.context.close()
    assert np.ptp(seen, axis=0).max() < 1e-3, seen


def test_the_browser_tab_says_which_scene(viewer: Any, open_tab: Callable[..., Any], balls: Any):
    tab = open_tab(viewer, width=640, height=480)
    assert tab.page.title() == f"{balls.path.name} · gsseg"
    assert tab.page.locator(".tabler-icon-list-search:visible").count() == 1, "the panel's own buttons are there"
    assert tab.page.locator(".tabler-icon-adjustments:visible").count() == 0, "viser's developer page is not"
    assert "Viser" not in tab.text()


def test_a_reload_changes_nothing(viewer: Any, open_tab: Callable[..., Any], balls: Any, poll: Callable[..., Any]):
    tab = open_tab(viewer, width=900, height=600)
    change_everything(tab, balls, poll)
    before = known(tab)
    tab.page.reload()
    tab.come_back()
    poll("only one session", lambda: viewer.sessions == [tab.session])
    assert known(tab) == before
    assert tab.page.evaluate("document.documentElement.dataset.mantineColorScheme") == "light"
    other = open_tab(viewer, width=640, height=480)
    assert other.session.selection == PieceSelection(), "another tab begins anew"
    assert other.session.dark


def test_a_page_comes_back_after_its_server(browser: Any, balls: Any, poll: Callable[..., Any]):
    """Also in a tab that is not in front, where viser's client does not try; with everything as it was, also where
    saving has numbered the pieces anew meanwhile."""
    first = serve(balls.document(), balls.views(), port=0)
    tab = browser.open(first, 900, 600)
    change_everything(tab, balls, poll)
    before = known(tab)
    tab.page.wait_for_timeout(2000)  # what a connection that ended sooner remembered may be what ended it
    tab.page.evaluate("document.hasFocus = () => false")
    first.document.apply("renamed", lambda state: rename(state, 3, "lemon"))
    assert tab.session.save()
    first.stop()
    tab.wait_for_text("The viewer has stopped")
    with serve(Document.open(balls.path), balls.views(), port=first.port) as second:
        started = time.monotonic()
        poll("a new session", lambda: tab.page.wait_for_timeout(20) or second.sessions)
        assert time.monotonic() - started < SECONDS
        tab.come_back(second)
        assert known(tab) == before
        assert "The viewer has stopped" not in tab.text()
    tab.close()


def test_controls_stay_where_they_are(viewer: Any, open_tab: Callable[..., Any], balls: Any, poll: Callable[..., Any]):
    """Whatever is selected; and Save is on the screen of a small window."""
    tab = open_tab(viewer, width=1280, height=720)

    def places() -> list[float]:
        texts = ("Reach", "Selection", "Edits")
        found = [tab.page.get_by_text(each, exact=True).first for each in texts]
        found += [tab.page.get_by_role("button", name="Save", exact=True)]
        found += [tab.page.get_by_role("tab", name=each) for each in ("Edit", "Export")]
        boxes = [each.bounding_box() for each in found]
        return [each and round(each["y"]) for each in boxes]

    start = places()
    save = tab.page.get_by_role("button", name="Save", exact=True).bounding_box()
    assert save["y"] + save["height"] < 720
    for ball, keys, wanted in ((1, (), [1]), (2, ("Shift",), [1, 2]), (3, ("Shift",), [1, 2, 3])):
        tab.click(balls.centres[ball], *keys)
        poll("a selection", lambda wanted=wanted: selected(tab) == wanted)
        tab.wait_for_text("3 objects" if len(wanted) == 3 else "2 objects" if len(wanted) == 2 else "red ball")
        assert places() == start
    tab.page.get_by_role("button", name="fine code").click()
    tab.click(balls.centres[1])
    tab.wait_for_text("a part: 1 of 2 codes")
    assert places() == start


def test_a_saved_picture_is_what_is_shown(
    viewer: Any, open_tab: Callable[..., Any], balls: Any, poll: Callable[..., Any]
):
    """Compared with the page itself before anything was selected; on its background, and not lit or dimmed."""
    tab = open_tab(viewer, width=1100, height=640)
    notice = tab.page.locator("#webgl-software-rendering")  # viser's own, where there is no graphics card
    for button in notice.locator("button").all():
        button.click()
    poll("no notice", lambda: notice.count() == 0)
    before = tab.picture()
    tab.click(balls.centres[1])
    poll("ball 1", lambda: selected(tab) == [1])
    tab.page.get_by_role("tab", name="Export", exact=True).click()
    with tab.page.expect_download() as waited:
        tab.page.get_by_role("button", name="Save picture").click()
    saved = np.asarray(Image.open(io.BytesIO(waited.value.path().read_bytes())).convert("RGB"), float)
    assert saved.shape == before.shape
    free = np.s_[200:, :740]  # neither the tools nor the panel
    apart = np.abs(saved - before)[free]
    assert before[free].std() > 10
    assert apart.mean() < 2.0
    assert np.quantile(apart, 0.99) < 24, "two renderers differ at rims"
