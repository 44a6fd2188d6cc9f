"""From a place that a user names to what is there."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.cli.run_folder import scene_of
from gsseg.errors import InputError
from gsseg.io.scene_folder import cameras_of_splats, view_names
from gsseg.objects.select import Selection, select_point
from gsseg.run import Run


def at_point(run: Run, point: Float64[ndarray, "3"]) -> Selection | None:
    """The object at a point of the world, or None. An object that is merely the nearest one counts only where the
    point lies in its box, as inside a hollow thing, or less than a tenth of the box's diagonal outside."""
    if not np.isfinite(point).all():
        raise InputError("--point", f"{point.tolist()} is no point", "give three finite numbers")
    hit = select_point(run.gaussians, run.object_ids, point)
    if hit is None or hit.weight > 0:
        return hit
    info = run.objects[hit.object_id]
    low, high = np.array(info.bbox_min), np.array(info.bbox_max)
    margin = 0.1 * float(np.linalg.norm(high - low))
    return hit if (point >= low - margin).all() and (point <= high + margin).all() else None


def pixel_ray(
    run: Run, scene: Path | None, view: str, u: float, v: float
) -> tuple[Float64[ndarray, "3"], Float64[ndarray, "3"]]:
    """Origin and direction of the ray through the middle of the pixel that holds (u, v), at the photo's full size.

    ``scene`` None: the one that RUN/config.yaml names. Raises `InputError` for a view or a pixel that is not there.
    """
    scene, splats = scene_of(run, scene)
    posed, _ = cameras_of_splats(scene, splats)
    cameras = {name: one.camera for name, one in zip(view_names(scene, [p.name for p in posed]), posed, strict=True)}
    if view not in cameras:
        names = sorted(cameras)
        some = ", ".join(names if len(names) <= 6 else [*names[:3], "...", names[-1]])
        raise InputError(scene, f"has no view {view!r}", f"its views are {some}")
    camera = cameras[view]
    if not (0 <= u < camera.width and 0 <= v < camera.height):
        size = f"it has {camera.width} x {camera.height} pixels"
        raise InputError(f"--pixel {u:g} {v:g}", f"is outside view {view}", size)
    return camera.ray(float(np.floor(u)) + 0.5, float(np.floor(v)) + 0.5)
