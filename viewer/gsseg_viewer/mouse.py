"""What the mouse does in the scene: a click selects what it meets, a dragged rectangle what it holds."""

from collections.abc import Callable
from typing import Any, Literal

import viser

from gsseg_viewer import selection
from gsseg_viewer.edits import EditError
from gsseg_viewer.pointing import Sight, pieces_in_rectangle
from gsseg_viewer.seen import seen_from
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.session import Session

How = Literal["set", "add", "remove"]
"""What becomes of the earlier selection."""

MODIFIERS: tuple[tuple[Any, How], ...] = ((None, "set"), ("shift", "add"), ("alt", "remove"))
"""Keys held at a click, and what it does then."""


def listen_to_mouse(session: Session) -> None:
    """Acts on every click and rectangle of the session's browser from now on."""
    scene = session.client.scene
    for modifier, how in MODIFIERS:
        scene.on_click(modifier=modifier)(_clicked(session, how))
        if modifier is not None:  # a plain drag turns the camera
            scene.on_rect_select(modifier=modifier)(_dragged(session, how))


def click(session: Session, ray_origin: Any, ray_direction: Any, how: How = "set") -> None:
    """Selects what a ray meets first, adds it, or takes it away; a click on nothing clears.

    What belongs to no object is selected too, as far as `gsseg_viewer.selection` says. `EditError` for what is no ray.
    """
    document = session.document
    try:
        hit = document.pick(ray_origin, ray_direction)
    except (TypeError, ValueError) as error:
        raise EditError("the browser sent no ray with that click") from error
    anchor = None if hit is None else hit.piece

    def chosen(before: PieceSelection) -> PieceSelection:
        state = document.state
        return selection.click(before, state, document.table_of(state), anchor, how)

    session.reselect(chosen)


def select_rectangle(
    session: Session, screen_min: tuple[float, float], screen_max: tuple[float, float], how: How = "set"
) -> None:
    """Selects, adds or takes away what has half of its centres in a rectangle of the screen: objects as wholes, and
    pieces of what belongs to none. Through everything, or only what is seen, as the session has it."""
    state, means = session.document.state, session.document.gaussians.means.numpy()
    sight = Sight.of(session.client.camera)
    counted = seen_from(sight, session.document, state) if session.only_seen else None
    held = pieces_in_rectangle(sight, means, session.document.pieces_of(state), state, screen_min, screen_max, counted)
    if not len(held):
        session.tell("Nothing there", "A rectangle selects what it holds at least half of.")
        return

    def chosen(before: PieceSelection) -> PieceSelection:
        there = selection.of_pieces(before, state, held)
        if how == "set":
            return there
        return selection.without(before, there.pieces) if how == "remove" else selection.joined(before, there)

    session.reselect(chosen)


# Handlers are coroutines: viser runs those on its event loop in the order of the events, all others on many threads.


def _clicked(session: Session, how: How) -> Callable[[viser.SceneClickEvent], Any]:
    async def run(event: viser.SceneClickEvent) -> None:
        session.enqueue(lambda: click(session, event.ray_origin, event.ray_direction, how))

    return run


def _dragged(session: Session, how: How) -> Callable[[viser.SceneRectSelectEvent], Any]:
    async def run(event: viser.SceneRectSelectEvent) -> None:
        session.enqueue(lambda: select_rectangle(session, event.screen_min, event.screen_max, how))

    return run
