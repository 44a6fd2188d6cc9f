"""Atoms: a partition of what masks show into parts so small that each is of one thing.

Objects are decided on atoms, whatever codes a user wants. Atoms grow from single Gaussians over the graph of nearest
neighbours, by the masks that both of a pair lie in and by place and colour. With l the light of a group (summed over
views), W, a and X the words of the views on the pair (`gsseg.objects.agreement`), x the mean place, c the mean colour,
and h the distance between Gaussians, the union of two groups costs

    l_i l_j / (l_i + l_j) ( d + `PLACE` |x_i - x_j|^2 / h^2 + `COLOUR` |c_i - c_j|^2 + `ALIKE` ),
    d = (W (1 - a) + X + `PRIOR` / 5) / (W + X + `PRIOR`),

after Ward 1963: d is the part of the views that tell the two apart, believed as far as they speak, and the factor lets
small groups go first. In each round all pairs unite of which each is the other's cheapest; the atoms are there when
no union costs less than ``room``. So their number follows from the scene: from how much light it sends, and into how
many masks.

Features and codes have no part in this: atoms, and objects after them, are the same whatever training's seed.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from gsseg.features.evidence import MaskEvidence
from gsseg.objects.thin_groups import ThinProfiles
from gsseg.validation import check_real, check_whole

HALF_SEEN = 0.3
"""Light of a group in a view at which the view's word counts half: here already single Gaussians are heard."""

PRIOR = 1.0
"""Views' weight of the belief that a fifth of the views tell two neighbours apart."""

PLACE, COLOUR, ALIKE = 1e-4, 0.5, 0.02
"""Costs of distance and of colour, and of any union, in units of d."""

NO_ATOM = -1


@dataclass(frozen=True)
class AtomConfig:
    """How large atoms grow."""

    room: float = 2.0
    """Cost up to which two groups become one: about the light of a part that some view shows as another thing."""
    most: int = 4000
    """Most atoms, whatever the scene: the grouping holds tables of atoms x atoms and of atoms x masks."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_real(self, "room", least=0)
        check_whole(self, "most", least=1)


@dataclass(frozen=True, eq=False)
class _Groups:
    """Groups of Gaussians that still grow, and the pairs of them that touch."""

    profiles: ThinProfiles
    light: Float64[ndarray, " groups"]
    place: Float64[ndarray, "groups 3"]
    colour: Float64[ndarray, "groups 3"]
    one: Int64[ndarray, " pairs"]
    """The lower number of each pair."""
    other: Int64[ndarray, " pairs"]
    cost: Float64[ndarray, " pairs"]
    """Of the union; NaN where not known yet."""


def find_atoms(
    evidence: MaskEvidence,
    spoken: sp.csr_array,
    near: Int64[ndarray, "gaussians neighbours"],
    means: Float32[ndarray, "gaussians 3"],
    colors: Float32[ndarray, "gaussians 3"],
    config: AtomConfig,
) -> Int64[ndarray, " gaussians"]:
    """Atom of every Gaussian whose centre some mask shows, numbered by the first row of each; `NO_ATOM` of others.

    ``spoken``: what `gsseg.objects.unmasked.speaking` leaves of the evidence.
    """
    nodes = np.flatnonzero(evidence.masked)
    out = np.full(len(means), NO_ATOM)
    if not len(nodes):
        return out
    groups, spacing = _singles(evidence, spoken, nodes, near, means, colors)
    label = np.arange(len(nodes))
    while len(groups.one):
        groups = _priced(groups, spacing)
        low, high = _mutual_best(groups, config)
        if not len(low):
            break
        united, groups = _united(groups, low, high)
        label = united[label]
    out[nodes] = label
    return out


def _singles(
    evidence: MaskEvidence,
    spoken: sp.csr_array,
    nodes: Int64[ndarray, " nodes"],
    near: Int64[ndarray, "gaussians neighbours"],
    means: Float32[ndarray, "gaussians 3"],
    colors: Float32[ndarray, "gaussians 3"],
) -> tuple[_Groups, float]:
    """Every Gaussian by itself, and the typical distance between neighbours."""
    index = np.full(len(means), NO_ATOM)
    index[nodes] = np.arange(len(nodes))
    profile = sp.csr_array(spoken.T)[nodes]
    profile.sort_indices()
    profiles = ThinProfiles(profile, evidence.row_view, evidence.row_label > 0)
    one, other = np.repeat(np.arange(len(nodes)), near.shape[1]), index[near[nodes]].reshape(-1)
    one, other = one[other >= 0], other[other >= 0]
    pairs = np.unique(np.minimum(one, other) * len(nodes) + np.maximum(one, other))
    one, other = pairs // len(nodes), pairs % len(nodes)
    place = means[nodes].astype(np.float64)
    between = np.linalg.norm(place[one] - place[other], axis=1)
    spacing = float(np.median(between)) if len(one) else 1.0
    light = profiles.light + LEAST_LIGHT
    unknown = np.full(len(one), np.nan)
    return _Groups(profiles, light, place, colors[nodes].astype(np.float64), one, other, unknown), max(spacing, 1e-12)


LEAST_LIGHT = 1e-3
"""Light that every Gaussian is given, so that those which say nothing have an order too."""


def _priced(groups: _Groups, spacing: float) -> _Groups:
    """The groups with the cost of every union."""
    new = np.isnan(groups.cost)
    one, other = groups.one[new], groups.other[new]
    weight, agreeing, dropped = groups.profiles.compare(one, other, HALF_SEEN)
    apart = (weight - agreeing + dropped + PRIOR / 5) / (weight + dropped + PRIOR)
    distance = np.square(groups.place[one] - groups.place[other]).sum(axis=1) / spacing**2
    contrast = np.square(groups.colour[one] - groups.colour[other]).sum(axis=1)
    light = groups.light[one] * groups.light[other] / (groups.light[one] + groups.light[other])
    cost = groups.cost.copy()
    cost[new] = light * (apart + PLACE * distance + COLOUR * contrast + ALIKE)
    return _Groups(groups.profiles, groups.light, groups.place, groups.colour, groups.one, groups.other, cost)


def _mutual_best(groups: _Groups, config: AtomConfig) -> tuple[Int64[ndarray, " unions"], Int64[ndarray, " unions"]]:
    """The pairs that unite now: each is the other's cheapest, ties to the lower number."""
    count = len(groups.light)
    best, partner = np.full(count, np.inf), np.full(count, count)
    for mine in (groups.one, groups.other):
        np.minimum.at(best, mine, groups.cost)
    for mine, theirs in ((groups.one, groups.other), (groups.other, groups.one)):
        cheapest = groups.cost == best[mine]
        np.minimum.at(partner, mine[cheapest], theirs[cheapest])
    willing = np.flatnonzero((partner < count) & ((best <= config.room) | (count > config.most)))
    mutual = willing[partner[partner[willing]] == willing]
    low = mutual[mutual < partner[mutual]]
    return low, partner[low]


def _united(
    groups: _Groups, low: Int64[ndarray, " unions"], high: Int64[ndarray, " unions"]
) -> tuple[Int64[ndarray, " groups"], _Groups]:
    """New number of every group, and the groups with these pairs united; only pairs that change lose their cost."""
    count = len(groups.light)
    label = np.arange(count)
    label[high] = low
    left, label = np.unique(label, return_inverse=True)
    label = label.reshape(-1)
    changed = np.zeros(len(left), bool)
    changed[label[low]] = True
    light = np.bincount(label, groups.light)

    def mean(values: Float64[ndarray, "before 3"]) -> Float64[ndarray, "groups 3"]:
        return np.stack([np.bincount(label, groups.light * column) / light for column in values.T], axis=1)

    one, other = label[groups.one], label[groups.other]
    one, other = np.minimum(one, other), np.maximum(one, other)
    cost = np.where(changed[one] | changed[other], np.nan, groups.cost)
    first = np.unique(one * len(left) + other, return_index=True)[1]
    one, other, cost = one[first], other[first], cost[first]
    kept = one != other
    profiles = groups.profiles.united(label, len(left))
    return label, _Groups(profiles, light, mean(groups.place), mean(groups.colour), one[kept], other[kept], cost[kept])
