"""Clicks keep and drop, and the border of what is selected snaps to where the scene has one.

A person says of a few Gaussians that they belong (*keep*) or do not (*drop*); the others about there are divided by a
minimum cut (`gsseg.objects.graph_cut`) of the graph of nearest neighbours:

    edge        w_ij = exp(-(u_ij + v_ij) / 2), u_ij = |f_i - f_j|^2 over its mean, v_ij likewise of colours: cheap to
                cut where features or colours jump
    said        a Gaussian that was clicked stays where it was put
    likeness    l_i = likeness (a_i(keep) - a_i(drop)), a_i(S) = max_s exp(-|f_i - f_s|^2 / (2 width^2)): what looks to
                the masks as something clicked leans to where that was put
    before      what was selected leans to stay so, by ``trust`` times how sure it is; less, the nearer a click says
                otherwise: 1 - exp(-(g_i / reach)^2) of that, g_i the length of the shortest path to such a click,
                in steps that are long where the edge is weak

After Boykov and Jolly (2001) and, for the distance, geodesic cuts (Price et al. 2010).
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

from gsseg.objects.graph_cut import minimum_cut
from gsseg.objects.profiles import neighbours

MOST_SEEDS = 64
"""Clicked Gaussians of either kind that the others are compared with; of a long stroke that many stand for all."""


@dataclass(frozen=True)
class SnapConfig:
    """How a border snaps."""

    region: int = 30_000
    """Gaussians about the clicks that may change; others keep their side."""
    neighbours: int = 8
    """Edges of a Gaussian."""
    likeness: float = 1.0
    """How much it counts to look like what was clicked."""
    width: float = 0.3
    """Distance of features, which have unit length, at which two still look alike."""
    trust: float = 0.3
    """How much it counts to have been selected or not."""
    implied: int = 1
    reach: float = 30.0
    """Steps from a click within which what was selected counts less."""


def snap(
    inside: Bool[ndarray, " gaussians"],
    keep: Int64[ndarray, " kept"],
    drop: Int64[ndarray, " dropped"],
    means: Float32[ndarray, "gaussians 3"],
    features: Float32[ndarray, "gaussians dim"],
    colors: Float32[ndarray, "gaussians 3"],
    sure: Float32[ndarray, " gaussians"] | None = None,
    config: SnapConfig = SnapConfig(),
) -> Bool[ndarray, " gaussians"]:
    """What is selected after clicks on Gaussians ``keep`` and ``drop``, where ``inside`` was before.

    ``features``: about unit length, zero for what no mask shows. ``colors``: 0..1. ``sure``: of each Gaussian, 0..1,
    how sure it is that it is of its object; None: all alike. Nothing changes without a click; what is in both is kept.
    """
    drop = np.setdiff1d(drop, keep)
    clicked = np.concatenate([keep, drop])
    if not len(clicked):
        return inside.copy()
    rows = region_about(means, clicked, config.region)
    near = neighbours(means[rows], config.neighbours)
    edges, strength = _edges(near, features[rows], colors[rows])
    kept, dropped = np.isin(rows, keep), np.isin(rows, drop)
    was = inside[rows]
    wrong = np.flatnonzero((kept & ~was) | (dropped & was))
    heard = _heard(edges, strength, wrong, len(rows), config.reach)
    far = rows[heard > 0.5]
    keep_like = np.append(keep, _few(far[inside[far]])) if config.implied else keep
    drop_like = np.append(drop, _few(far[~inside[far]])) if config.implied else drop
    leans = config.likeness * (
        _likeness(features[rows], _some(keep_like), features, config.width)
        - _likeness(features[rows], _some(drop_like), features, config.width)
    )
    side = np.where(was, 1.0, -1.0) * (1.0 if sure is None else sure[rows])
    leans += config.trust * side * heard
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


def _edges(
    near: Int64[ndarray, "rows neighbours"], features: Float32[ndarray, "rows dim"], colors: Float32[ndarray, "rows 3"]
) -> tuple[Int64[ndarray, "edges 2"], Float32[ndarray, " edges"]]:
    """Each pair of neighbours once, and its weight."""
    pairs = np.stack([np.repeat(np.arange(len(near)), near.shape[1]), near.reshape(-1)], 1)
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    apart = np.zeros(len(pairs), np.float32)
    for values in (features, colors):
        jump = np.square(values[pairs[:, 0]] - values[pairs[:, 1]]).sum(axis=1)
        apart += jump / max(float(jump.mean()) if len(jump) else 0.0, 1e-12)
    return pairs, np.exp(-apart / 2).astype(np.float32)


def _few(rows: Int64[ndarray, " some"]) -> Int64[ndarray, " few"]:
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_SEEDS)).astype(np.int64)]


def _some(rows):
    return rows


def _likeness(
    rows: Float32[ndarray, "rows dim"],
    seeds: Int64[ndarray, " seeds"],
    features: Float32[ndarray, "gaussians dim"],
    width: float,
) -> Float32[ndarray, " rows"]:
    seen = seeds[features[seeds].any(axis=1)]
    if not len(seen):
        return np.zeros(len(rows), np.float32)
    apart = np.asarray(KDTree(features[seen]).query(rows)[0])
    return (np.exp(-np.square(apart / width) / 2) * rows.any(axis=1)).astype(np.float32)


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
