"""What the selection tools do with the Gaussians that they take.

Every tool ends in a set of Gaussians. Where these are not whole pieces, the pieces are cut first
(`gsseg_viewer.division`), so that exactly they are selected; what is done with a selection works for them as for any.
"""

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from gsseg_viewer import selection
from gsseg_viewer.pointing import Sight, held_by_half
from gsseg_viewer.regions import Outline, Solid, Stroke, nearer_than
from gsseg_viewer.sections import visible
from gsseg_viewer.seen import seen_from
from gsseg_viewer.selection import How, PieceSelection
from gsseg_viewer.session import Session


def selected_rows(session: Session) -> Bool[ndarray, " gaussians"]:
    """Which Gaussians are selected."""
    document = session.document
    chosen, state = session.selection, document.state
    return chosen.mask(len(state.owner))[document.pieces_of(state)]


def take(session: Session, mask: Bool[ndarray, " gaussians"], how: How) -> None:
    """Selects those Gaussians of a mask that are drawn, adds them, takes them away, or keeps of the selection only what
    is among them."""
    document = session.document
    mask = mask & visible(document, document.state, session.section)
    if not mask.any():
        session.tell("Nothing there", "The tool has met nothing that is drawn.")
        return
    selected = selected_rows(session)
    # Only what changes sides is cut: a stroke that crosses what is selected already leaves that whole.
    changed = {"set": mask, "add": mask & ~selected, "remove": mask & selected, "intersect": selected & ~mask}[how]
    _, inside = document.refine(changed)

    def chosen(before: PieceSelection) -> PieceSelection:
        there = selection.as_they_are(before, inside)
        if how == "intersect":
            return selection.without(before, there.pieces)
        return selection.combined(before, there, how)

    session.reselect(chosen)


def take_objects(
    session: Session,
    held: Bool[ndarray, " gaussians"],
    how: How,
    counted: Bool[ndarray, " gaussians"] | None = None,
) -> None:
    """Selects, adds or takes away the objects of which half is held, and pieces of no object; see `held_by_half`."""
    document = session.document
    state = document.state
    pieces = held_by_half(held, document.pieces_of(state), state, counted)
    if not len(pieces):
        session.tell("Nothing there", "Whole objects are taken where half of them is held.")
        return
    session.reselect(lambda before: selection.combined(before, selection.of_pieces(before, state, pieces), how))


def draw(session: Session, drawn: Outline | Stroke, how: How) -> None:
    """Takes what is drawn about or over on the screen: through everything or only what is seen, up to the depth limit,
    single Gaussians or whole objects, as the session has it."""
    held, counted = on_screen(session, drawn)
    if session.tools.whole:
        take_objects(session, held, how, counted)
    else:
        take(session, held if counted is None else held & counted, how)


def on_screen(
    session: Session, drawn: Outline | Stroke
) -> tuple[Bool[ndarray, " gaussians"], Bool[ndarray, " gaussians"] | None]:
    """What lies in a region of the screen, and what counts at all; None: everything."""
    document, sight = session.document, Sight.of(session.client.camera)
    state, means = document.state, document.gaussians.means.numpy()
    counted = None
    if session.only_seen:
        counted = seen_from(sight, document, state, session.section)
    if session.tools.depth < 1:
        shown = visible(document, state, session.section)
        near = nearer_than(sight, np.where(shown[:, None], means, np.nan), session.tools.depth)
        counted = near if counted is None else counted & near
    return drawn.holds(sight, means), counted


def take_solid(session: Session, solid: Solid, how: How) -> None:
    """Takes what lies in a sphere or a box."""
    held = solid.holds(session.document.gaussians.means.numpy())
    if session.tools.whole:
        take_objects(session, held, how)
    else:
        take(session, held, how)


def invert(session: Session) -> None:
    """Selects what is drawn and not selected, and nothing else."""
    state = session.document.state
    rest = np.flatnonzero(~session.selection.mask(len(state.owner)) & ~state.gone)
    session.reselect(lambda before: selection.as_they_are(before, rest))
