"""A finished run of a few Gaussians."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gsseg.export.ply import export_objects
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run
from gsseg.scene import Camera, View
from gsseg.segmentation import NO_CODE, ObjectInfo, Segmentation
from gsseg.segmentation.segmented_ply import write_segmented
from gsseg.segmentation.table import table_json


@dataclass(frozen=True, eq=False)
class SmallRun:
    """A run and what it was made from."""

    run: Run
    input: Path
    """The input splats."""

    @property
    def path(self) -> Path:
        return self.run.path

    @property
    def object_ids(self) -> np.ndarray:
        return self.run.object_ids

    def export(self, out: Path, **options: Any) -> dict[str, Any]:
        """As ``gsseg export`` does it."""
        run = Run.open(self.path)
        return export_objects(run.file, run.columns, out, deleted=run.marks.deleted, **options)


def object_table(object_ids: np.ndarray, means: np.ndarray) -> list[ObjectInfo]:
    """A table of objects that fits the ids."""
    table = []
    for k in range(int(object_ids.max()) + 1):
        mine = means[object_ids == k]
        low, high, middle = (part.tolist() for part in (mine.min(0), mine.max(0), mine.mean(0)))
        table.append(ObjectInfo(k, f"object {k}", len(mine), [k], low, high, middle, [40 * k, 200, 90], 3, 0.75))
    return table


@pytest.fixture
def run(
    tmp_path: Path, make_columns: Callable[..., np.ndarray], make_segmentation: Callable[..., Segmentation]
) -> SmallRun:
    """60 Gaussians of degree 1 with a column of somebody else's; objects 0, 1, 2 and none."""
    columns = make_columns(60, 1)
    splats = tmp_path / "in" / "splats.ply"
    write_splats(splats, columns, {"red": np.arange(60, dtype=np.uint8)}, ["from a test"])
    object_ids = np.repeat(np.array([0, 0, 0, 1, 1, 2, -1, 1, 0, -1], np.int32), 6)
    folder = tmp_path / "run"
    rng = np.random.default_rng(0)
    features, coarse = rng.normal(size=(60, 6)), rng.integers(0, 9, 60)
    found = make_segmentation(object_ids, (coarse, np.full(60, NO_CODE)), features)
    write_segmented(folder / "segmented.ply", read_splats(splats), found)
    means = read_splats(folder / "segmented.ply").gaussians.means.numpy()
    (folder / "objects.json").write_text(table_json(object_table(object_ids, means)))
    return SmallRun(Run.open(folder), splats)


BALLS = np.array([[-0.7, 0.0, 0.0], [0.7, 0.0, 0.0], [0.0, 0.0, 40.0]])


@pytest.fixture
def solid_run(
    tmp_path: Path, make_columns: Callable[..., np.ndarray], make_segmentation: Callable[..., Segmentation]
) -> Run:
    """Three opaque balls of 300 Gaussians each, the last where no camera looks, all with ten strays far away."""
    rng = np.random.default_rng(3)
    object_ids = np.repeat(np.arange(3, dtype=np.int32), 300)
    offsets = rng.normal(size=(900, 3))
    offsets *= 0.4 / np.linalg.norm(offsets, axis=1, keepdims=True)
    offsets[np.arange(900) % 300 < 10] *= 8.0
    columns = make_columns(900)
    for axis, name in enumerate("xyz"):
        columns[name] = BALLS[object_ids, axis] + offsets[:, axis]
    for name in ("scale_0", "scale_1", "scale_2"):
        columns[name] = np.log(0.05)
    columns["opacity"] = 4.0
    write_splats(tmp_path / "in.ply", columns)
    codes = np.zeros(900, np.int32)
    folder = tmp_path / "solid"
    found = make_segmentation(object_ids, (codes, codes))
    write_segmented(folder / "segmented.ply", read_splats(tmp_path / "in.ply"), found)
    means = read_splats(folder / "segmented.ply").gaussians.means.numpy()
    (folder / "objects.json").write_text(table_json(object_table(object_ids, means)))
    return Run.open(folder)


@pytest.fixture(scope="session")
def views() -> list[View]:
    """Twelve views of the first two balls from all round, without photos."""
    found = []
    for k in range(12):
        angle = 2.0 * np.pi * k / 12
        position = 3.0 * np.array([np.cos(angle), np.sin(angle), 0.5 * (-1) ** k])
        forward = -position / np.linalg.norm(position)
        right = np.cross(forward, [0.0, 0.0, 1.0]) / np.linalg.norm(np.cross(forward, [0.0, 0.0, 1.0]))
        pose = np.eye(4)
        pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
        pose[:3, 3] = -pose[:3, :3] @ position
        found.append(View(f"view_{k}", Camera(80, 60, 80.0, 80.0, 40.0, 30.0, pose)))
    return found
