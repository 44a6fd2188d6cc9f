"""Splats on the surfaces of a world, with the faults of trained ones, and the truth of which item each lies on.

Discs drawn at random on what the cameras see; off the surface by a fraction of their width; a few much wider than
their neighbours, most of them at borders between items; a few nearly transparent ones in the air. Their statistics
follow what training leaves behind: opacities have a median of 0.89, a tenth of splats lie below 0.6.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32, Int64
from numpy import ndarray
from scipy.spatial import KDTree

from gsseg.sample.cast import Seen, splat_colors
from gsseg.sample.config import RoomConfig
from gsseg.sample.shading import Gloom, sample_surface, smooth_normals
from gsseg.sample.world import World
from gsseg.scene.sh import SH_0
from gsseg.threads import run_all

_UNSEEN = 0.08
"""How much rarer splats are where no camera looks: training puts few there."""
_TRIAL = 40_000
"""Points drawn first, to learn what share of them is seen."""
"""Degree-0 spherical harmonic: f_dc = (colour - 0.5) / this."""


@dataclass(frozen=True, eq=False)
class Splats:
    """Rows in random order, as training leaves them."""

    means: Float64[ndarray, "gaussians 3"]
    log_scales: Float64[ndarray, "gaussians 3"]
    quats_wxyz: Float64[ndarray, "gaussians 4"]
    opacity_logits: Float64[ndarray, " gaussians"]
    colors: Float64[ndarray, "gaussians 3"]
    """sRGB in 0..1."""
    instance: Int32[ndarray, " gaussians"]
    """The item it was drawn on; -1 for floaters."""
    views_seeing: Int64[ndarray, " gaussians"]
    """Number of training views in which the centre lies in front."""


def make_splats(world: World, gloom: Gloom, seen: list[Seen], config: RoomConfig, rng: np.random.Generator) -> Splats:
    """Draws ``config.gaussians`` splats; ``seen`` are the training views."""
    floating = round(config.floaters * config.gaussians)
    faces, points, visible, spacing = _on_surfaces(world, seen, config, config.gaussians - floating, rng)
    normals = facing_cameras(smooth_normals(world, faces, points), world, faces)
    rgb = splat_colors(world, gloom, faces, points, normals)
    instance = world.instance[faces]
    count = len(points)
    width, border = _fitted(points, normals, instance, config.spread * spacing)
    wide = _straddling(border, config.straddling, rng)
    width = np.where(wide, config.spread * spacing * rng.uniform(2.0, 4.5, count), width)
    scales = np.stack(
        [
            width * np.exp(rng.normal(0, 0.28, count)),
            width * np.exp(rng.normal(0, 0.28, count)),
            config.spread * spacing * config.flatness * np.exp(rng.normal(0, 0.2, count)),
        ],
        1,
    )
    logits = np.where(wide, rng.normal(-0.1, 0.4, count), rng.normal(2.06, 1.1, count)).clip(-3.9, 4.6)
    off = rng.normal(0, config.jitter, count) * config.spread * spacing
    surface = (points + off[:, None] * normals, scales, _turned(normals, rng), logits, rgb, instance, visible)
    air = _floaters(world, points, normals, rgb, float(np.median(width)), floating, seen, rng)
    order = rng.permutation(config.gaussians)
    means, scales, quats, logits, rgb, instance, visible = (
        np.concatenate([a, b])[order] for a, b in zip(surface, air, strict=True)
    )
    rgb = (rgb + rng.normal(0, 0.02, rgb.shape)).clip(0.005, 0.995)
    return Splats(means, np.log(scales), quats, logits, rgb, instance.astype(np.int32), visible)


def views_seeing(
    seen: list[Seen], points: Float64[ndarray, "points 3"], instance: Int32[ndarray, " points"] | None = None
) -> Int64[ndarray, " points"]:
    """In how many views each point is the front-most thing (within 2 cm plus 2 % of its depth).

    With ``instance`` the pixel must show that item, too: a floor under a rug is not seen.
    """

    def in_view(view: Seen) -> ndarray:
        image, z = view.camera.project(points)
        rows = np.flatnonzero(view.camera.sees(image, z) & (z > 0.01))
        pixel = image[rows, 1].astype(np.int64), image[rows, 0].astype(np.int64)
        out = np.zeros(len(points), bool)
        out[rows] = np.abs(z[rows] - view.depths[pixel]) < 0.02 + 0.02 * z[rows]
        if instance is not None:
            out[rows] &= view.instances[pixel] == instance[rows]
        return out

    total = np.zeros(len(points), np.int64)
    for found in run_all([lambda view=view: in_view(view) for view in seen]):
        total += found
    return total


def _on_surfaces(
    world: World, seen: list[Seen], config: RoomConfig, count: int, rng: np.random.Generator
) -> tuple[
    Int64[ndarray, " points"], Float64[ndarray, "points 3"], Int64[ndarray, " points"], Float64[ndarray, " points"]
]:
    """Faces, points, views that see them, and each item's mean distance between neighbours."""
    hits = np.zeros(len(world.areas), np.int64)
    for view in seen:
        hits += np.bincount(view.faces[view.faces >= 0], minlength=len(hits))
    shown = world.areas * np.where(hits > 2, 1.0, _UNSEEN)
    items = int(world.instance.max()) + 1
    area = np.bincount(world.instance, shown, items)
    wanted = area**config.detail
    wanted *= count / wanted.sum()
    wanted = np.maximum(wanted, config.fewest)
    weights = shown * (wanted / area)[world.instance]
    faces, points = sample_surface(world, weights, _TRIAL, rng)
    trial = (views_seeing(seen, points, world.instance[faces]) > 0).mean()
    drawn = int(count / (trial + (1 - trial) * _UNSEEN))
    faces, points = sample_surface(world, weights, drawn, rng)
    visible = views_seeing(seen, points, world.instance[faces])
    # Unseen points go first when there are too many; thinning the seen ones would tear holes.
    luck = rng.random(drawn)
    rank = np.where(visible > 0, 1.0, np.where(luck < _UNSEEN, 0.5, 0.0)) + 0.4 * luck
    keep = np.sort(np.argsort(-rank, kind="stable")[:count])
    faces, points, visible = faces[keep], points[keep], visible[keep]
    spacing = np.ones(len(points))
    tree_gap = KDTree(points).query(points, 4, workers=-1)[0][:, 1:].mean(1)
    for item in range(items):
        rows = world.instance[faces] == item
        if rows.any():
            spacing[rows] = np.median(tree_gap[rows]) * 1.15
    return faces, points, visible, spacing


def facing_cameras(normals: ndarray, world: World, faces: ndarray) -> Float64[ndarray, "points 3"]:
    """Smooth normals on the same side as the triangle's own."""
    a, b, c = np.moveaxis(world.corners[faces], 1, 0)
    flat = np.cross(b - a, c - a)
    return np.where(((normals * flat).sum(1) < 0)[:, None], -normals, normals)


def _fitted(
    points: ndarray, normals: ndarray, instance: ndarray, width: ndarray
) -> tuple[Float64[ndarray, " points"], ndarray]:
    """Widths that shrink towards edges, as training makes them, and which points lie at a border to another item."""
    gaps, rows = KDTree(points).query(points, 10, workers=-1)
    other = instance[rows] != instance[:, None]
    bent = (normals[rows] * normals[:, None]).sum(2) < 0.5
    edge = np.where(other | bent, gaps, np.inf).min(1)
    border = (other & (gaps < 2.5 * width[:, None])).any(1)
    return np.minimum(width, np.maximum(0.25 * width, 0.55 * edge)), border


def _straddling(border: ndarray, share: float, rng: np.random.Generator) -> ndarray:
    """Which splats are drawn too wide: two thirds of them lie at a border to another item."""
    near = min(0.5, 0.67 * share * len(border) / max(1, int(border.sum())))
    far = 0.33 * share * len(border) / max(1, int((~border).sum()))
    return rng.random(len(border)) < np.where(border, near, far)


def _turned(normals: ndarray, rng: np.random.Generator) -> Float64[ndarray, "gaussians 4"]:
    """Rotations that bring z to the normals, turned about it at random; wxyz."""
    x, y, z = normals.T
    # From z = (0, 0, 1) to n the shortest way: (1 + n_z, -n_y, n_x, 0), normalised; downwards it is any half turn.
    tilt = np.stack([1 + z, -y, x, np.zeros_like(x)], 1)
    tilt[z < -0.9999] = [0.0, 1.0, 0.0, 0.0]
    tilt /= np.linalg.norm(tilt, axis=1, keepdims=True)
    half = rng.uniform(0, np.pi, len(normals))
    c, s = np.cos(half), np.sin(half)
    w, a, b, d = tilt.T
    return np.stack([w * c - d * s, a * c + b * s, b * c - a * s, w * s + d * c], 1)


def _floaters(
    world: World,
    points: ndarray,
    normals: ndarray,
    rgb: ndarray,
    width: float,
    count: int,
    seen: list[Seen],
    rng: np.random.Generator,
) -> tuple[ndarray, ...]:
    """Blobs in the air, half of them close to a surface, half on the way from a camera to one."""
    rows = rng.integers(0, len(points), count)
    close = points[rows] + normals[rows] * rng.uniform(0.03, 0.3, (count, 1))
    cameras = np.stack([view.camera.position for view in seen])[rng.integers(0, len(seen), count)]
    between = cameras + (points[rows] - cameras) * rng.uniform(0.3, 0.95, (count, 1))
    means = np.where(rng.random((count, 1)) < 0.5, close, between)
    scales = 1.6 * width * np.exp(rng.normal(0, 0.35, (count, 1)) + rng.normal(0, 0.3, (count, 3)))
    quats = rng.normal(0, 1, (count, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    opacity = rng.uniform(0.02, 0.2, count)
    tint = (0.7 * rgb[rows] + 0.3 * rng.random((count, 3))).clip(0, 1)
    none = np.full(count, -1, np.int32)
    return means, scales, quats, np.log(opacity / (1 - opacity)), tint, none, views_seeing(seen, means)


def ply_columns(splats: Splats) -> ndarray:
    """Rows in the layout of Inria's trainer without view-dependent colour, all float32."""
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"]
    names += ["scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    values = np.concatenate(
        [
            splats.means,
            np.zeros_like(splats.means),
            (splats.colors - 0.5) / SH_0,
            splats.opacity_logits[:, None],
            splats.log_scales,
            splats.quats_wxyz,
        ],
        1,
    ).astype("<f4")
    return np.ascontiguousarray(values).view([(name, "<f4") for name in names])[:, 0]
