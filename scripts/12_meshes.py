"""Meshes against the true surfaces of the sample room: how exact, how complete, and how much of them is a neighbour's.

    python scripts/12_meshes.py DEMO

DEMO is the folder of ``gsseg demo``. First the depths, by three definitions, against the true ones; last what boxes
cost and how they fit the true Gaussians of an object, and which Gaussians ``gsseg export --clean`` leaves out.
"""

import sys
import time
from pathlib import Path

import numpy as np

import gsseg
from gsseg.io.scene_folder import load_views
from gsseg.memory import peak_memory_mb
from gsseg.meshes import Surface, reconstruct
from gsseg.meshes.depth import render_frame
from gsseg.meshes.open3d_loader import open3d
from gsseg.meshes.outliers import statistical_outliers
from gsseg.sample import preset
from gsseg.sample.cast import look
from gsseg.sample.world import World, make_world
from gsseg.sample.write import furnished
from gsseg.scene import View
from gsseg.segmentation.oriented_box import oriented_box
from gsseg.segmentation.table import OrientedBox

COMPLETE = 0.02
"""Metres between a true point and a mesh that has it."""


def main() -> None:
    """Prints all of it."""
    demo = Path(sys.argv[1])
    run = gsseg.Run.open(demo / "run")
    views = load_views(demo / "scene", run.file.path)[0]
    world = make_world(furnished(preset("room")[0])[0])
    compare_depths(run, world, views[::12])

    started = time.perf_counter()
    found = reconstruct(run.gaussians, views, run.object_ids)
    seconds = time.perf_counter() - started
    parts = [found.of_object(row.id) for row in run.objects]
    size = f"{len(found.surface.vertices)} vertices, voxels of {found.voxel * 1000:.1f} mm"
    print(f"\n{size}, {seconds:.1f} s, {peak_memory_mb():.0f} MB at most")
    points, items = seen_points(world, views)
    report("scene", *compare(world, found.surface, points, None))
    truth = np.load(demo / "scene" / "gt" / "gaussian_instance.npy")
    rows = []
    for row, part in zip(run.objects, parts, strict=True):
        item = most_common(truth[run.object_ids == row.id])
        wanted = points[items == item]
        if len(part) and len(wanted):
            rows.append(compare(world, part, wanted, item))
    report(f"median of {len(rows)} objects", *np.median(rows, axis=0))
    report("mean", *np.mean(rows, axis=0))
    compare_boxes(run, truth)
    compare_clean(run, truth)


def report(name: str, distance: float, strange: float, complete: float) -> None:
    """One line of the second table."""
    print(f"{name:20} {distance * 1000:5.1f} mm off, {strange:5.1%} on other things, {complete:5.1%} complete")


def compare_depths(run: gsseg.Run, world: World, views: list[View]) -> None:
    """Median and mean depth, of Gaussians' centres and of their peaks on the ray, against the traced depth."""
    errors: dict[str, list[np.ndarray]] = {}
    means = run.gaussians.means.numpy().astype(np.float64)
    for view in views:
        camera = view.camera
        true = look(world, camera).depths.reshape(-1)
        weights = gsseg.blend_weights(run.gaussians, view)
        centre = means @ camera.T_camera_world[2, :3] + camera.T_camera_world[2, 3]
        rows = np.repeat(np.arange(weights.rows), np.diff(weights.indptr.numpy()))
        values, indices = weights.values.numpy(), weights.indices.numpy()
        alpha = np.bincount(rows, values, weights.rows)
        frame = render_frame(run.gaussians, camera, np.arange(len(means)))
        depth, median = frame.depth.reshape(-1), frame.objects.reshape(-1)
        both = (depth > 0) & np.isfinite(true)
        found = {
            "mean, centres": np.bincount(rows, values * centre[indices], weights.rows) / np.maximum(alpha, 1e-9),
            "median, centres": centre[median],
            "median, on the ray": depth,
        }
        for name, values in found.items():
            errors.setdefault(name, []).append(np.abs(values - true)[both])
    for name, parts in errors.items():
        middle, most = np.quantile(np.concatenate(parts), [0.5, 0.9])
        print(f"depth: {name:20} {middle * 1000:5.1f} mm off in the middle, nine in ten within {most * 1000:5.1f} mm")


def compare_boxes(run: gsseg.Run, truth: np.ndarray) -> None:
    """Boxes of the found objects, oriented and around all centres, against the box of the true Gaussians."""
    means, rng = run.gaussians.means.numpy().astype(np.float64), np.random.default_rng(0)
    groups = [means[run.object_ids == row.id] for row in run.objects]
    started = time.process_time()
    boxes = [oriented_box(points) for points in groups]
    seconds = time.process_time() - started
    overlaps = []
    for row, box in zip(run.objects, boxes, strict=True):
        true = oriented_box(means[truth == most_common(truth[run.object_ids == row.id])])
        low, high = np.array(row.bbox_min), np.array(row.bbox_max)
        plain = OrientedBox(((low + high) / 2).tolist(), (high - low).tolist(), np.eye(3).tolist())
        overlaps.append([box_iou(each, true, rng) for each in (box, plain)])
    oriented, around_all = np.mean(overlaps, axis=0)
    print(f"\nboxes: {seconds:.2f} s of processor time; mean IoU with the true Gaussians' box {oriented:.2f}")
    print(f"boxes around all centres, along the world's axes: {around_all:.2f}")


def box_iou(one: OrientedBox, other: OrientedBox, rng: np.random.Generator) -> float:
    """By 20 000 points of the first box."""
    points = (rng.random((20_000, 3)) - 0.5) * one.extent @ np.array(one.rotation).T + one.center
    local = (points - np.array(other.center)) @ np.array(other.rotation)
    shared = float((np.abs(local) <= np.array(other.extent) / 2).all(axis=1).mean() * np.prod(one.extent))
    return shared / float(np.prod(one.extent) + np.prod(other.extent) - shared)


def compare_clean(run: gsseg.Run, truth: np.ndarray) -> None:
    """What share of the Gaussians that are of another item than their object is taken out, and of the others."""
    means, taken = run.gaussians.means.numpy(), np.zeros(len(truth), bool)
    right = np.zeros(len(truth), bool)
    for row in run.objects:
        rows = np.flatnonzero(run.object_ids == row.id)
        taken[rows] = statistical_outliers(means[rows])
        right[rows] = truth[rows] == most_common(truth[rows])
    wrong = ~right & (run.object_ids >= 0)
    print(f"clean: takes out {taken[wrong].mean():.1%} of {wrong.sum()} wrong Gaussians, ", end="")
    print(f"{taken[right].mean():.2%} of {right.sum()} right ones")


def most_common(instances: np.ndarray) -> int:
    """The item that most of these Gaussians lie on."""
    return int(np.bincount(instances + 1, minlength=2)[1:].argmax())


def seen_points(world: World, views: list[View]) -> tuple[np.ndarray, np.ndarray]:
    """Points of the true surfaces that the views see, one a cubic centimetre, and the item of each."""
    points, items = [], []
    for view in views:
        seen, camera = look(world, view.camera), view.camera
        y, x = np.nonzero(seen.instances >= 0)
        rays = np.stack([(x + 0.5 - camera.cx) / camera.fx, (y + 0.5 - camera.cy) / camera.fy, np.ones(len(x))], 1)
        points.append(camera.position + rays @ camera.T_camera_world[:3, :3] * seen.depths[y, x, None])
        items.append(seen.instances[y, x])
    all_points, all_items = np.concatenate(points), np.concatenate(items)
    cells = np.concatenate([np.floor(all_points * 100), all_items[:, None]], 1)
    first = np.unique(cells, axis=0, return_index=True)[1]
    return all_points[first], all_items[first]


def compare(world: World, surface: Surface, wanted: np.ndarray, item: int | None) -> tuple[float, float, float]:
    """Mean distance of vertices to the truth, share of them at other items, share of ``wanted`` that is there."""
    faces = world.mesh.faces if item is None else world.mesh.faces[world.instance == item]
    distance = _caster(world.mesh.vertices, faces).compute_distance(_tensor(surface.vertices)).numpy()
    nearest = _caster(world.mesh.vertices, world.mesh.faces).compute_closest_points(_tensor(surface.vertices))
    owner = world.instance[nearest["primitive_ids"].numpy()]
    there = _caster(surface.vertices, surface.triangles).compute_distance(_tensor(wanted)).numpy() < COMPLETE
    strange = 0.0 if item is None else float((owner != item).mean())
    return float(distance.mean()), strange, float(there.mean())


def _caster(vertices: np.ndarray, triangles: np.ndarray):
    scene = open3d().t.geometry.RaycastingScene()
    scene.add_triangles(_tensor(vertices), open3d().core.Tensor(triangles.astype(np.uint32)))
    return scene


def _tensor(points: np.ndarray):
    return open3d().core.Tensor(np.ascontiguousarray(points, np.float32))


if __name__ == "__main__":
    main()
