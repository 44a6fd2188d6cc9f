"""Clicks keep and drop, and the border of what is selected snaps to where the scene has one.

A person says of a few Gaussians that they belong (*keep*) or do not (*drop*); the others about there are divided by a
minimum cut (`gsseg.objects.graph_cut`) of the graph of nearest neighbours:

    edge        w_ij = exp(-(u_ij + v_ij) / 2), u_ij = |f_i - f_j|^2 over its mean, v_ij likewise of colours: cheap to
                cut where features or colours jump
    said        a Gaussian that was clicked stays where it was put
    likeness    a_i(keep) - a_i(drop), a_i(S) = max_s exp(-|f_i - f_s|^2 / (2 width^2)): what looks to the masks like
                something clicked leans there; what is (not) selected far from all clicks counts as clicked too
    evidence    e_i(keep) - e_i(drop), e_i(S) = how much more than half of its light, in the views that show both, the
                Gaussian has in the masks that S is in
    before      what was selected leans to stay so, by how sure it is; less, the nearer a click says otherwise:
                1 - exp(-(g_i / reach)^2) of that, g_i the length of the shortest path to such a click, in steps that
                are long where the edge is weak

After Boykov and Jolly (2001) and, for the distance, geodesic cuts (Price et al. 2010).
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

from gsseg.features.evidence import MaskEvidence
from gsseg.objects.graph_cut import minimum_cut
from gsseg.objects.profiles import neighbours

MOST_SEEDS = 64
"""Clicked Gaussians of either kind that the others are compared with; of a long stroke that many stand for all."""

LEAST_SURE = 0.3
"""What is not sure at all of its object still counts so much as what it was."""


@dataclass(frozen=True)
class SnapConfig:
    """How a border snaps."""

    region: int = 30_000
    """Gaussians about the clicks that may change; others keep their side."""
    neighbours: int = 8
    """Edges of a Gaussian."""
    likeness: float = 1.0
    """How much it counts to look like what was clicked."""
    width: float = 0.2
    """Distance of features, which have unit length, at which two still look alike."""
    evidence: float = 1.0
    """How much it counts to be in the masks of what was clicked."""
    trust: float = 2.0
    """How much it counts to have been selected or not."""
    reach: float = 10.0
    """Steps from a click within which what was selected counts less."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the Gaussians of a scene."""

    means: Float32[ndarray, "gaussians 3"]
    """Centres, world units."""
    features: Float32[ndarray, "gaussians dim"]
    """About of unit length, zero for what no mask shows."""
    colors: Float32[ndarray, "gaussians 3"]
    """0..1."""
    sure: Float32[ndarray, " gaussians"] | None = None
    """How sure, 0..1, each is of its object; None: all alike."""
    evidence: MaskEvidence | None = None
    """What the masks say, where it is at hand."""


def snap(
    inside: Bool[ndarray, " gaussians"],
    keep: Int64[ndarray, " kept"],
    drop: Int64[ndarray, " dropped"],
    known: Known,
    config: SnapConfig = SnapConfig(),
) -> Bool[ndarray, " gaussians"]:
    """What is selected after clicks on Gaussians ``keep`` and ``drop``, where ``inside`` was before.

    Nothing changes without a click; what is in both is kept.
    """
    drop = np.setdiff1d(drop, keep)
    clicked = np.concatenate([keep, drop])
    if not len(clicked):
        return inside.copy()
    rows = region_about(known.means, clicked, config.region)
    was, features = inside[rows], known.features[rows]
    near = neighbours(known.means[rows], config.neighbours)
    edges, strength = _edges(near, features, known.colors[rows])
    kept, dropped = np.isin(rows, keep), np.isin(rows, drop)
    heard = _heard(edges, strength, np.flatnonzero((kept & ~was) | (dropped & was)), len(rows), config.reach)
    if not was.any():  # who begins with a click has not said of anything yet that it is not meant
        heard[:] = 0
    far = heard > 0.5
    like = [
        _likeness(features, known.features[np.append(_few(said), rows[_few(np.flatnonzero(far & side))])], config.width)
        for said, side in ((keep, was), (drop, ~was))
    ]
    leans = config.likeness * (like[0] - like[1])
    if known.evidence is not None:
        shared = [in_the_masks_of(known.evidence, said)[rows] for said in (keep, drop)]
        leans += config.evidence * (np.maximum(2 * shared[0] - 1, 0) - np.maximum(2 * shared[1] - 1, 0))
    sure = 1.0 if known.sure is None else LEAST_SURE + (1 - LEAST_SURE) * known.sure[rows]
    leans += config.trust * np.where(was, 1.0, -1.0) * sure * heard
    leans[kept], leans[dropped] = np.inf, -np.inf
    found = inside.copy()
    found[rows] = minimum_cut(edges, strength, leans)
    return found


def region_about(
    means: Float32[ndarray, "gaussians 3"], clicked: Int64[ndarray, " clicked"], most: int
) -> Int64[ndarray, " region"]:
    """The ``most`` Gaussians nearest to some, ascending; those themselves are always among them."""
    if len(means) <= most:
        return np.arange(len(means))
    few = means[_few(clicked)]
    if len(few) <= 4:
        far = np.min([np.square(means - each).sum(axis=1) for each in few], axis=0)
    else:
        far = np.asarray(KDTree(few).query(means)[0])
    return np.union1d(np.argpartition(far, most)[:most], clicked)


def in_the_masks_of(evidence: MaskEvidence, seeds: Int64[ndarray, " seeds"]) -> Float32[ndarray, " gaussians"]:
    """Share, 0..1, of each Gaussian's light that is in the masks of some seeds, in the views in which a mask shows
    these; 0 where no view shows both."""
    light = np.asarray(evidence.matrix[:, seeds].sum(axis=1)).reshape(-1) * (evidence.row_label > 0)
    of_view = np.bincount(evidence.row_view, light, evidence.views)[evidence.row_view]
    profile = np.divide(light, of_view, out=np.zeros(len(light)), where=of_view > 0).astype(np.float32)
    both = evidence.matrix.T @ np.stack([profile, (of_view > 0).astype(np.float32)], 1)
    return (both[:, 0] / np.maximum(both[:, 1], 1e-9)).astype(np.float32)


def _edges(
    near: Int64[ndarray, "rows neighbours"], features: Float32[ndarray, "rows dim"], colors: Float32[ndarray, "rows 3"]
) -> tuple[Int64[ndarray, "edges 2"], Float32[ndarray, " edges"]]:
    """Each pair of neighbours once, and its weight."""
    count = len(near)
    one, other = np.repeat(np.arange(count), near.shape[1]), near.reshape(-1)
    key = np.unique(np.minimum(one, other) * count + np.maximum(one, other))
    pairs = np.stack([key // count, key % count], 1)
    apart = np.zeros(len(pairs), np.float32)
    for values in (features, colors):
        jump = np.square(values[pairs[:, 0]] - values[pairs[:, 1]]).sum(axis=1)
        apart += jump / max(float(jump.mean()) if len(jump) else 0.0, 1e-12)
    return pairs, np.exp(-apart / 2).astype(np.float32)


def _few(rows: Int64[ndarray, " some"]) -> Int64[ndarray, " few"]:
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_SEEDS)).astype(np.int64)]


def _likeness(
    features: Float32[ndarray, "rows dim"], seeds: Float32[ndarray, "seeds dim"], width: float
) -> Float32[ndarray, " rows"]:
    shown = seeds[seeds.any(axis=1)]
    if not len(shown):
        return np.zeros(len(features), np.float32)
    apart = np.asarray(KDTree(shown).query(features)[0])
    return (np.exp(-np.square(apart / width) / 2) * features.any(axis=1)).astype(np.float32)


def _heard(
    edges: Int64[ndarray, "edges 2"], strength: Float32[ndarray, " edges"], wrong: Int64[ndarray, " wrong"],
    count: int, reach: float,
) -> Float32[ndarray, " rows"]:  # fmt: skip
    """How much of what was selected still counts: 0 at a click that says otherwise, 1 far from all of these."""
    if not len(wrong):
        return np.ones(count, np.float32)
    steps = 1.0 - np.log(np.maximum(strength, 1e-6))
    graph = sp.csr_array((steps, (edges[:, 0], edges[:, 1])), shape=(count, count))
    far = dijkstra(graph, directed=False, indices=wrong, limit=4 * reach, min_only=True)
    return (1.0 - np.exp(-np.square(far / reach))).astype(np.float32)
