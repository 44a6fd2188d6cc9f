"""A finished run of a few Gaussians."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from gsseg.export.ply import write_segmented
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run
from gsseg.segmentation.table import ObjectInfo, table_json


@dataclass(frozen=True, eq=False)
class SmallRun(Run):
    """A run that remembers what it was made from."""

    source: Path = Path()
    """The input."""


def object_table(object_ids: np.ndarray, means: np.ndarray) -> list[ObjectInfo]:
    """A table of objects that fits the ids."""
    table = []
    for k in range(int(object_ids.max()) + 1):
        mine = means[object_ids == k]
        low, high, middle = (part.tolist() for part in (mine.min(0), mine.max(0), mine.mean(0)))
        table.append(ObjectInfo(k, f"object {k}", len(mine), [k], low, high, middle, [40 * k, 200, 90], 3, 0.75))
    return table


@pytest.fixture
def run(tmp_path: Path, make_columns: Callable[..., np.ndarray]) -> SmallRun:
    """60 Gaussians of degree 1 with a column of somebody else's; objects 0, 1, 2 and none."""
    columns = make_columns(60, 1)
    splats = tmp_path / "in" / "splats.ply"
    write_splats(splats, columns, {"red": np.arange(60, dtype=np.uint8)}, ["from a test"])
    object_ids = np.repeat(np.array([0, 0, 0, 1, 1, 2, -1, 1, 0, -1], np.int32), 6)
    folder = tmp_path / "run"
    rng = np.random.default_rng(0)
    write_segmented(
        splats,
        folder / "segmented.ply",
        rng.normal(size=(60, 6)),
        rng.integers(0, 9, 60),
        np.full(60, 65535),
        object_ids,
    )
    means = read_splats(folder / "segmented.ply").gaussians.means.numpy()
    (folder / "objects.json").write_text(table_json(object_table(object_ids, means)))
    return SmallRun(folder, folder / "segmented.ply", source=splats)
