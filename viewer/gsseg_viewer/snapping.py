"""Keep and drop: clicks and scribbles after which the border of what is selected snaps to the scene's own.

The cut itself is `gsseg.objects.snap`; here are what was said so far and what of a run it is told.
"""

from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.objects import select
from gsseg.objects.snap import Known, snap
from gsseg.scene.sh import base_colors
from gsseg_viewer import selection
from gsseg_viewer.document import Document
from gsseg_viewer.edits import EditError
from gsseg_viewer.regions import Stroke
from gsseg_viewer.sections import drawn
from gsseg_viewer.session import Session
from gsseg_viewer.taking import on_screen, selected_rows
from gsseg_viewer.testimony import evidence_of
from gsseg_viewer.work import Said

LIGHT = 0.1
"""Share of a ray's light from which on a Gaussian is meant by a click."""


def click(session: Session, origin: ndarray, direction: ndarray, keep: bool) -> None:
    """Says of what a ray meets that it belongs or does not, and lets the border snap."""
    document = session.document
    hits = select.pick(drawn(document, document.state, session.section), origin, direction)
    if hits.weights.sum() < select.MIN_WEIGHT:
        raise EditError("there is nothing under that click")
    met = hits.rows[hits.weights >= min(LIGHT, hits.weights.max())]
    if keep and not session.selection:  # the first click says which thing is meant
        piece = int(document.pieces[hits.rows[np.argmax(hits.weights)]])
        state = document.state
        session.reselect(lambda now: selection.click(now, state, document.table_of(state), piece, "set"))
    say(session, met.astype(np.int64), keep)


def scribble(session: Session, stroke: Stroke, keep: bool) -> None:
    """The same of what is seen under a stroke."""
    seen, session.only_seen = session.only_seen, True  # a scribble means the surface it is drawn on
    try:
        held, counted = on_screen(session, stroke)
    finally:
        session.only_seen = seen
    rows = np.flatnonzero(held & counted if counted is not None else held)
    if not len(rows):
        raise EditError("there is nothing under that stroke")
    say(session, rows, keep)


def say(session: Session, rows: Int64[ndarray, " rows"], keep: bool) -> None:
    """Takes note of what was said, cuts, and selects what comes of it."""
    document, chosen = session.document, session.selection
    none = np.zeros(0, np.int64)
    before = session.work.said
    kept, dropped = (none, none) if before is None or before.made != chosen else (before.keep, before.drop)
    if keep:
        kept, dropped = np.union1d(kept, rows), np.setdiff1d(dropped, rows)
    else:
        kept, dropped = np.setdiff1d(kept, rows), np.union1d(dropped, rows)
    if not len(kept) and not chosen:
        raise EditError("click first on what is to be kept")
    found = snapped(session, selected_rows(session), kept, dropped)
    _, inside = document.refine(found & document.shown(document.state))
    session.select(selection.as_they_are(chosen, inside))
    session.work.said = Said(kept, dropped, session.selection)


def snapped(
    session: Session,
    inside: Bool[ndarray, " gaussians"],
    keep: Int64[ndarray, " kept"],
    drop: Int64[ndarray, " dropped"],
) -> Bool[ndarray, " gaussians"]:
    """`gsseg.objects.snap.snap` with what the run knows of its Gaussians."""
    return snap(inside, keep, drop, known_of(session.document))


def known_of(document: Document) -> Known:
    """What a document knows of its Gaussians; gathered at the first call and kept as long as the document."""
    if document not in _KNOWN:
        run, gaussians = document.run, document.gaussians
        sure = None if run.confidence is None else run.confidence.gaussians
        means, colors = np.nan_to_num(gaussians.means.numpy()), base_colors(gaussians).numpy()
        try:
            features = run.columns.learnt
        except InputError:  # the folder was copied without them
            features = run.columns.discrete
        _KNOWN[document] = Known(means, features, np.nan_to_num(colors), sure, evidence_of(document))
    return _KNOWN[document]


_KNOWN: WeakKeyDictionary[Document, Known] = WeakKeyDictionary()
