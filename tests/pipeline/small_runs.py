"""Runs small enough to be made in a fraction of a second, and how two of them are compared."""

from collections.abc import Callable
from pathlib import Path

import gsseg
from gsseg.codebook.levels import CodebookConfig
from gsseg.features.fit import FeatureConfig

CONFIG = gsseg.TrainConfig(
    features=FeatureConfig(steps=20), codebook=CodebookConfig(coarse=4, fine=3, steps=3), pixels_per_view=256
)
"""Small enough to train in a fraction of a second."""
STAGES = ("weights", "features", "codebook", "objects", "write")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def assert_same(run: gsseg.Run, other: gsseg.Run) -> None:
    for name in ("segmented.ply", "objects.json", "confidence.json", "features.safetensors", "codebook.safetensors"):
        assert (run.path / name).read_bytes() == (other.path / name).read_bytes(), name


def interrupt_at(stage: str, done: int) -> Callable[[str, int, int], None]:
    def progress(name: str, at: int, total: int) -> None:
        if name == stage and at >= done:
            raise KeyboardInterrupt

    return progress
