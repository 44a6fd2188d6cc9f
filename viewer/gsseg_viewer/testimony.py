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
    kept: set[tuple[int, int]]
    """Those that a person has said are right, by these ids; shared by all who look."""

    def standing(self, now: State) -> list[tuple[Border, int, int]]:
        """Those that nobody has judged yet, each with the two objects that it lies between now: whatever has become of
        an object in edits since, most of it is somewhere. What is no border any more is left out."""
        heirs: dict[int, int] = {}
        met: set[tuple[int, int]] = set()
        result = []
        for border in self.found:
            one, other = (
                heirs.setdefault(each, _heir(self.state, now, each)) for each in (border.first, border.second)
            )
            pair = min(one, other), max(one, other)
            if (border.first, border.second) in self.kept or one == other or pair[0] < 0 or pair in met:
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
        fits = found is not None and found.matrix.shape[1] == len(document.gaussians)
        _FOUND[document] = found if fits else None
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
        _BORDERS[document] = Borders(known.borders, start, set())
    return _BORDERS[document]


def splits_of(document: Document, state: State, object_id: int) -> list[tuple[Suggestion, Int64[ndarray, " pieces"]]]:
    """Ways to split an object, the likeliest first, each with the part of each of the object's pieces, ascending: that
    of most of its Gaussians. None where there is no evidence, or the object is a single piece."""
    evidence, pieces = evidence_of(document), state.pieces_of([object_id])
    if evidence is None or len(pieces) < 2:
        return []
    rows = document.rows(frozenset(pieces.tolist()))
    place = np.searchsorted(pieces, document.pieces[rows])
    result = []
    for each in suggest_splits(evidence, rows, document.gaussians.means.numpy()):
        votes = np.bincount(place * each.parts + each.part, minlength=len(pieces) * each.parts)
        part = votes.reshape(len(pieces), each.parts).argmax(axis=1)
        numbers, part = np.unique(part, return_inverse=True)
        part = part.reshape(-1).astype(np.int64)
        if len(numbers) > 1 and not any(np.array_equal(part, other) for _, other in result):
            result.append((each, part))
    return result


def best_view(document: Document, views: Sequence[View], chosen: Sequence[Bool[ndarray, " gaussians"]]) -> View | None:
    """The training view that shows the least seen of some sets of Gaussians best; None where none shows them all."""
    evidence, masked = evidence_of(document), [view for view in views if view.labels is not None]
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
