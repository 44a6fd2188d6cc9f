"""What becomes of a selection as a whole: it grows, shrinks, turns into its opposite, or takes what is like it."""

from typing import Literal, get_args

import numpy as np

from gsseg_viewer import nearby, taking, traits
from gsseg_viewer.edits import EditError
from gsseg_viewer.session import Session

Step = Literal["grow", "shrink", "invert", "like this"]
STEPS: tuple[Step, ...] = get_args(Step)
"""In the order in which they are offered."""


def step(session: Session, which: Step) -> None:
    """Takes a step over neighbours in space, or to what has features near those of the selection; `EditError` where
    nothing is selected or nothing would be left."""
    if which == "invert":
        taking.invert(session)
        return
    document = session.document
    selected, shown = taking.selected_rows(session), document.shown(document.state)
    if not selected.any():
        raise EditError("select something first")
    if which == "like this":
        taking.take(session, traits.like(document, document.state, np.flatnonzero(selected)), "add")
        return
    with session.working("Looking for neighbours"):
        graph = nearby.graph_of(document)
    changed = (nearby.grown if which == "grow" else nearby.shrunk)(graph, selected, shown)
    if not changed.any():
        raise EditError("nothing would be left")
    taking.take(session, changed, "set")
