"""What the mouse does in the scene: clicks go to the tool in hand, dragged rectangles select."""

from collections.abc import Callable
from typing import Any

import viser

from gsseg_viewer.clicking import clicked
from gsseg_viewer.mouse import select_rectangle
from gsseg_viewer.selection import How
from gsseg_viewer.session import Session

MODIFIERS: tuple[tuple[Any, How | None], ...] = (
    (None, None),
    ("shift", "add"),
    ("alt", "remove"),
    ("alt+shift", "intersect"),
)
"""Keys held at a click, and what becomes of the earlier selection then; None: as the tools are set."""


def listen_to_mouse(session: Session) -> None:
    """Acts on every click and rectangle of the session's browser from now on."""
    scene = session.client.scene
    for modifier, how in MODIFIERS:
        scene.on_click(modifier=modifier)(_clicked(session, how))
        if how is not None:  # a plain drag turns the camera
            scene.on_rect_select(modifier=modifier)(_dragged(session, how))


# Handlers are coroutines: viser runs those on its event loop in the order of the events, all others on many threads.


def _clicked(session: Session, how: How | None) -> Callable[[viser.SceneClickEvent], Any]:
    async def run(event: viser.SceneClickEvent) -> None:
        session.enqueue(lambda: clicked(session, event.ray_origin, event.ray_direction, how))

    return run


def _dragged(session: Session, how: How) -> Callable[[viser.SceneRectSelectEvent], Any]:
    async def run(event: viser.SceneRectSelectEvent) -> None:
        session.enqueue(lambda: select_rectangle(session, event.screen_min, event.screen_max, how))

    return run
