"""Cameras found from the photos of scenes alone, beside those that the scenes came with.

    python scripts/18_poses.py OUT SCENE ...

Prints for every scene a row: photos that got a camera, mean reprojection error, points, seconds; then, after the
similarity that brings the found centres nearest to the given ones (Umeyama 1991), the mean and the largest distance of
a centre as a share of the extent of all centres, the largest angle between viewing directions, and the difference in
focal length.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from jaxtyping import Float64
from numpy import ndarray

from gsseg.io.posed import photo_key
from gsseg.io.scene_folder import read_cameras
from gsseg.poses.estimate import estimate_poses
from gsseg.scene import Camera


@dataclass(frozen=True)
class Arguments:
    """What to measure."""

    out: Annotated[Path, tyro.conf.Positional]
    """Folder that the scenes with found cameras go to; each must not exist yet."""
    scenes: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Scenes with photos in images/ and cameras."""


def similarity(
    source: Float64[ndarray, "points 3"], target: Float64[ndarray, "points 3"]
) -> tuple[float, Float64[ndarray, "3 3"], Float64[ndarray, " 3"]]:
    """Scale, rotation and translation that bring ``source`` nearest to ``target``."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, singular, vt = np.linalg.svd(b.T @ a)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ flip @ vt
    scale = float((singular * np.diag(flip)).sum() / np.square(a).sum())
    return scale, rotation, target.mean(0) - scale * rotation @ source.mean(0)


def centers(cameras: list[Camera]) -> Float64[ndarray, "cameras 3"]:
    """Where cameras are in the world."""
    return np.array([np.linalg.inv(camera.T_camera_world)[:3, 3] for camera in cameras])


def by_photo(scene: Path) -> dict[str, Camera]:
    """Cameras by the name of their photo, without folders."""
    return {photo_key(each.name).rsplit("/")[-1]: each.camera for each in read_cameras(scene)[0]}


def compare(found: dict[str, Camera], given: dict[str, Camera]) -> str:
    """Cells of the table."""
    names = sorted(found.keys() & given.keys())
    ours, theirs = [found[name] for name in names], [given[name] for name in names]
    scale, rotation, shift = similarity(centers(ours), centers(theirs))
    target = centers(theirs)
    extent = np.linalg.norm(np.ptp(target, axis=0))
    off = np.linalg.norm(scale * centers(ours) @ rotation.T + shift - target, axis=1) / extent
    turns = [a.T_camera_world[2, :3] @ rotation.T @ b.T_camera_world[2, :3] for a, b in zip(ours, theirs, strict=True)]
    angle = np.degrees(np.arccos(np.clip(min(turns), -1, 1)))
    # The pictures were cut after undistortion: focal lengths in pixels are not touched by that.
    focal = np.median([a.fx / b.fx for a, b in zip(ours, theirs, strict=True)]) - 1
    return f"{off.mean():.2%} | {off.max():.2%} | {angle:.2f} deg | {focal:+.1%}"


def main() -> None:
    """Prints the table."""
    arguments = tyro.cli(Arguments, description=__doc__)
    print("| photos | cameras | mean error | points | seconds | centres off | at most | directions | focal length |")
    print("|---|---|---|---|---|---|---|---|---|")
    for scene in arguments.scenes:
        started = time.perf_counter()
        out = arguments.out / scene.name
        summary = estimate_poses(scene / "images", out)
        seconds = time.perf_counter() - started
        print(
            f"| {scene.name} | {summary.registered} of {summary.photos} | {summary.reprojection_error:.2f} px | "
            f"{summary.points} | {seconds:.0f} | {compare(by_photo(out), by_photo(scene))} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
