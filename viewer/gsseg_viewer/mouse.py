"""Selecting with the mouse: a click selects what it meets, a dragged rectangle what it holds."""

from typing import Any

from gsseg_viewer import sections, selection
from gsseg_viewer.edits import EditError
from gsseg_viewer.pointing import Sight, pieces_in_rectangle
from gsseg_viewer.seen import seen_from
from gsseg_viewer.selection import How, PieceSelection
from gsseg_viewer.session import Session


def click(session: Session, ray_origin: Any, ray_direction: Any, how: How = "set") -> None:
    """Selects what a ray meets first, adds it, or takes it away; a click on nothing clears.

    What belongs to no object is selected too, as far as `gsseg_viewer.selection` says. `EditError` for what is no ray.
    """
    document = session.document
    try:
        hit = sections.pick(document, session.section, ray_origin, ray_direction)
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
    counted = seen_from(sight, session.document, state, session.section) if session.only_seen else None
    held = pieces_in_rectangle(sight, means, session.document.pieces_of(state), state, screen_min, screen_max, counted)
    if not len(held):
        session.tell("Nothing there", "A rectangle selects what it holds at least half of.")
        return

    session.reselect(lambda before: selection.combined(before, selection.of_pieces(before, state, held), how))
