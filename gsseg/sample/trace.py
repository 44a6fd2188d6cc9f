"""Which triangle does a ray meet first? A tree of boxes over the triangles, walked near side first.

Compiled by Numba (Moller and Trumbore 1997 for the triangle itself); a test compares it with Open3D's answers.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int32
from numpy import ndarray

from gsseg.compiled import njit

_LEAF = 3
"""Triangles in a leaf: below, walking the tree costs more than testing them."""
_BINS = 16
"""Places along each axis at which a cut is considered."""
_DEPTH = 128
"""Entries of the walk's stack; a tree deeper than that is cut off with larger leaves."""


@dataclass(frozen=True, eq=False)
class Tree:
    """Boxes of boxes. Node 0 is the root; children lie side by side."""

    bounds: Float64[ndarray, "nodes 6"]
    """Lowest and highest corner of each node's box."""
    first: Int32[ndarray, " nodes"]
    """Of an inner node: its left child (the right one follows); of a leaf: its first triangle in `corners`."""
    count: Int32[ndarray, " nodes"]
    """Triangles in a leaf; 0 for an inner node."""
    corners: Float64[ndarray, "faces 9"]
    """Triangles in the leaves' order: a corner and the two edges from it."""
    order: Int32[ndarray, " faces"]
    """Their rows in the input."""


def build(triangles: Float64[ndarray, "faces 3 3"]) -> Tree:
    """Cuts the triangles into a tree where the surface area heuristic (MacDonald and Booth 1990) is least."""
    order = np.arange(len(triangles), dtype=np.int32)
    low, high = triangles.min(1), triangles.max(1)
    bounds, first, count, nodes = _split_all(low, high, (low + high) / 2, order)
    sorted_triangles = triangles[order]
    corner, edges = sorted_triangles[:, 0], sorted_triangles[:, 1:] - sorted_triangles[:, :1]
    packed = np.concatenate([corner, edges.reshape(-1, 6)], 1)
    return Tree(bounds[:nodes].copy(), first[:nodes].copy(), count[:nodes].copy(), packed, order)


@njit(nogil=True, cache=True)
def _half_area(box):
    """Half the surface of a box given as six numbers; 0 for an empty one."""
    x, y, z = box[3] - box[0], box[4] - box[1], box[5] - box[2]
    return x * y + y * z + z * x if x >= 0.0 else 0.0


@njit(nogil=True, cache=True)
def _grow(box, low, high):
    """Widens ``box`` in place until it holds the corners."""
    for axis in range(3):
        box[axis] = min(box[axis], low[axis])
        box[3 + axis] = max(box[3 + axis], high[axis])


@njit(nogil=True, cache=True)
def _split_all(low, high, centres, order):
    """Builds the nodes and sorts ``order`` in place so that every leaf is a run of it."""
    faces = len(order)
    bounds = np.empty((2 * faces + 1, 6))
    first, count = np.zeros(2 * faces + 1, np.int32), np.zeros(2 * faces + 1, np.int32)
    starts, ends, depths = (
        np.zeros(2 * faces + 1, np.int64),
        np.zeros(2 * faces + 1, np.int64),
        np.zeros(2 * faces + 1, np.int64),
    )
    empty = np.array([np.inf, np.inf, np.inf, -np.inf, -np.inf, -np.inf])
    sizes, boxes, rights = np.empty(_BINS, np.int64), np.empty((_BINS, 6)), np.empty(_BINS)
    ends[0], nodes, node = faces, 1, 0
    while node < nodes:
        start, end = starts[node], ends[node]
        bounds[node], spread = empty, empty.copy()
        for k in range(start, end):
            _grow(bounds[node], low[order[k]], high[order[k]])
            _grow(spread, centres[order[k]], centres[order[k]])
        best_cost, best_axis, best_cut = np.inf, -1, 0.0
        if end - start > _LEAF and depths[node] < _DEPTH // 2:
            for axis in range(3):
                width = spread[3 + axis] - spread[axis]
                if width <= 1e-9:
                    continue
                sizes[:] = 0
                boxes[:] = empty
                for k in range(start, end):
                    bin_ = min(_BINS - 1, int((centres[order[k], axis] - spread[axis]) / width * _BINS))
                    sizes[bin_] += 1
                    _grow(boxes[bin_], low[order[k]], high[order[k]])
                side, held = empty.copy(), 0
                for bin_ in range(_BINS - 1, 0, -1):
                    _grow(side, boxes[bin_, :3], boxes[bin_, 3:])
                    held += sizes[bin_]
                    rights[bin_] = held * _half_area(side)
                side, held = empty.copy(), 0
                for bin_ in range(_BINS - 1):
                    _grow(side, boxes[bin_, :3], boxes[bin_, 3:])
                    held += sizes[bin_]
                    cost = held * _half_area(side) + rights[bin_ + 1]
                    if 0 < held < end - start and cost < best_cost:
                        best_cost, best_axis = cost, axis
                        best_cut = (bin_ + 1) / _BINS * width + spread[axis]
        middle = start
        if best_axis >= 0:
            for k in range(start, end):
                if centres[order[k], best_axis] < best_cut:
                    order[k], order[middle] = order[middle], order[k]
                    middle += 1
        if middle in (start, end):
            first[node], count[node] = start, end - start
        else:
            first[node] = nodes
            for child in range(2):
                starts[nodes + child] = start if child == 0 else middle
                ends[nodes + child] = middle if child == 0 else end
                depths[nodes + child] = depths[node] + 1
            nodes += 2
        node += 1
    return bounds, first, count, nodes


def first_hits(
    tree: Tree, origins: Float64[ndarray, "rays 3"], directions: Float64[ndarray, "rays 3"]
) -> tuple[Float64[ndarray, " rays"], Int32[ndarray, " rays"]]:
    """Distance along each ray (in lengths of its direction; infinite where nothing is met) and the triangle, or -1."""
    distance, triangle = np.full(len(origins), np.inf), np.full(len(origins), -1, np.int32)
    _walk(*_arrays(tree), origins, directions, False, distance, triangle)
    return distance, triangle


def blocked(
    tree: Tree, origins: Float64[ndarray, "rays 3"], directions: Float64[ndarray, "rays 3"]
) -> Bool[ndarray, " rays"]:
    """Whether anything lies between each origin and origin + direction."""
    distance, triangle = np.full(len(origins), 1.0), np.full(len(origins), -1, np.int32)
    _walk(*_arrays(tree), origins, directions, True, distance, triangle)
    return triangle >= 0


def _arrays(tree: Tree) -> tuple[ndarray, ndarray, ndarray, ndarray, ndarray]:
    return tree.bounds, tree.first, tree.count, tree.corners, tree.order


@njit(nogil=True, cache=True)
def _entry(bounds, node, ox, oy, oz, ix, iy, iz, far):
    """Distance at which the ray enters the node's box; infinite where it misses it or enters beyond ``far``."""
    a, b = (bounds[node, 0] - ox) * ix, (bounds[node, 3] - ox) * ix
    near, far = max(0.0, min(a, b)), min(far, max(a, b))
    a, b = (bounds[node, 1] - oy) * iy, (bounds[node, 4] - oy) * iy
    near, far = max(near, min(a, b)), min(far, max(a, b))
    a, b = (bounds[node, 2] - oz) * iz, (bounds[node, 5] - oz) * iz
    near, far = max(near, min(a, b)), min(far, max(a, b))
    return near if near <= far else np.inf


@njit(nogil=True, cache=True)
def _meet(corners, slot, ox, oy, oz, dx, dy, dz):
    """Distance at which the ray meets a triangle, from either side; infinite where it does not."""
    e1x, e1y, e1z = corners[slot, 3], corners[slot, 4], corners[slot, 5]
    e2x, e2y, e2z = corners[slot, 6], corners[slot, 7], corners[slot, 8]
    px, py, pz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
    determinant = e1x * px + e1y * py + e1z * pz
    if abs(determinant) < 1e-14:
        return np.inf
    inverse = 1.0 / determinant
    sx, sy, sz = ox - corners[slot, 0], oy - corners[slot, 1], oz - corners[slot, 2]
    u = (sx * px + sy * py + sz * pz) * inverse
    if u < 0.0 or u > 1.0:
        return np.inf
    qx, qy, qz = sy * e1z - sz * e1y, sz * e1x - sx * e1z, sx * e1y - sy * e1x
    v = (dx * qx + dy * qy + dz * qz) * inverse
    if v < 0.0 or u + v > 1.0:
        return np.inf
    t = (e2x * qx + e2y * qy + e2z * qz) * inverse
    return t if t > 0.0 else np.inf


@njit(nogil=True, cache=True)
def _inverse(x):
    """1 / x, large instead of infinite: 0 times it stays a number."""
    return 1.0 / x if abs(x) > 1e-12 else 1e12


@njit(nogil=True, cache=True)
def _walk(bounds, first, count, corners, order, origins, directions, any_hit, distance, triangle):
    """Fills ``distance`` (which comes in as the farthest that counts) and ``triangle`` for every ray."""
    nodes, entries = np.empty(_DEPTH, np.int64), np.empty(_DEPTH)
    for ray in range(len(origins)):
        ox, oy, oz = origins[ray, 0], origins[ray, 1], origins[ray, 2]
        dx, dy, dz = directions[ray, 0], directions[ray, 1], directions[ray, 2]
        ix, iy, iz = _inverse(dx), _inverse(dy), _inverse(dz)
        best, hit = distance[ray], -1
        nodes[0], entries[0], depth = 0, 0.0, 1
        while depth > 0:
            depth -= 1
            if entries[depth] >= best:
                continue
            node = nodes[depth]
            if count[node] > 0:
                for slot in range(first[node], first[node] + count[node]):
                    t = _meet(corners, slot, ox, oy, oz, dx, dy, dz)
                    if t < best:
                        best, hit = t, order[slot]
                if any_hit and hit >= 0:
                    break
                continue
            left = first[node]
            right = left + 1
            a = _entry(bounds, left, ox, oy, oz, ix, iy, iz, best)
            b = _entry(bounds, right, ox, oy, oz, ix, iy, iz, best)
            if a > b:
                left, right, a, b = right, left, b, a
            if b < np.inf:
                nodes[depth], entries[depth] = right, b
                depth += 1
            if a < np.inf:
                nodes[depth], entries[depth] = left, a
                depth += 1
        distance[ray], triangle[ray] = best, hit
