"""What the masks said of a document's Gaussians in training: where an object is seen best, which borders are doubtful.

It is read from the cache of the RUN folder when it is first asked for. Without it, in a file by itself or where the
cache was deleted, the viewer knows less and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.features import MaskEvidence
from gsseg.objects.confidence import find_confidence
from gsseg.objects.suggestions import Suggestion, suggest_splits
from gsseg.run import RunLayout
from gsseg.run.stages import kept_evidence
from gsseg.scene import View
from gsseg.segmentation.confidence import Border
from gsseg_viewer.document import Document
from gsseg_viewer.state import State

_FOUND: WeakKeyDictionary[Document, MaskEvidence | None] = WeakKeyDictionary()
_BORDERS: WeakKeyDictionary[Document, "Borders"] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Borders:
    """Doubtful borders, as they were found for one state."""

    found: Sequence[Border]
    """The most doubtful first."""
    state: State
    """Whose ids they have."""

    def standing(self, document: Document) -> list[tuple[Border, int, int]]:
        """Those that nobody has said to be right (`Shared.judged`), each with the two objects that it lies between now:
        whatever has become of an object in edits since, most of it is somewhere. What is no border any more is left
        out."""
        kept, now = document.shared.judged.kept, document.state
        division = document.division  # after the state, for a division knows every earlier one
        before, now = division.state(self.state, {}), division.state(now, {})
        heirs: dict[int, int] = {}
        met: set[tuple[int, int]] = set()
        result = []
        for border in self.found:
            one, other = (heirs.setdefault(each, _heir(before, now, each)) for each in (border.first, border.second))
            pair = min(one, other), max(one, other)
            if (border.first, border.second) in kept or one == other or pair[0] < 0 or pair in met:
                continue
            met.add(pair)
            result.append((border, one, other))
        return result


def evidence_of(document: Document) -> MaskEvidence | None:
    """What training kept; None where that is not at hand."""
    if document not in _FOUND:
        try:
            found = kept_evidence(RunLayout(document.run.source.folder))
        except InputError:
            found = None
        if found is not None and len(found.visibility) != len(document.gaussians):
            found = None
        _FOUND[document] = found
    return _FOUND[document]


def borders_of(document: Document) -> Borders | None:
    """The borders as training judged them, or judged again where the objects were edited since; None where neither is
    possible."""
    if document not in _BORDERS:
        start, evidence = document.start, evidence_of(document)
        known = document.run.confidence
        if known is None and evidence is not None:
            ids = document.object_ids(start).astype(np.int64)
            known = find_confidence(evidence, ids, document.gaussians.means.numpy())
        if known is None:
            return None
        _BORDERS[document] = Borders(known.borders, start)
    return _BORDERS[document]


def splits_of(document: Document, rows: Int64[ndarray, " rows"]) -> list[Suggestion]:
    """Ways to split the Gaussians of an object, the likeliest first; none without evidence."""
    evidence = evidence_of(document)
    return [] if evidence is None else suggest_splits(evidence, rows, document.gaussians.means.numpy())


def best_view(document: Document, views: Sequence[View], chosen: Sequence[Bool[ndarray, " gaussians"]]) -> View | None:
    """The training view that shows the least seen of some sets of Gaussians best; None where none shows them all."""
    evidence = evidence_of(document)
    masked = [view for view in views if view.labels is not None]
    if evidence is None or evidence.views != len(masked):
        return None
    light = np.stack([evidence.matrix @ each.astype(np.float32) for each in chosen])
    seen = np.stack([np.bincount(evidence.row_view, each, len(masked)) for each in light]).min(axis=0)
    return masked[int(seen.argmax())] if seen.max(initial=0.0) > 0 else None


def _heir(before: State, now: State, object_id: int) -> int:
    """Who has most of what an object had, of what is not deleted; -1 for nobody."""
    pieces = before.pieces_of([object_id])
    pieces = pieces[~now.deleted[pieces] & (now.owner[pieces] >= 0)]
    if not len(pieces):
        return -1
    return int(np.bincount(now.owner[pieces], now.sizes[pieces]).argmax())
