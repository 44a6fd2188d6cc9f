"""A splat file that has been read: what is on disk, and the Gaussians that it means."""

from dataclasses import dataclass
from pathlib import Path

from numpy import ndarray

from gsseg.scene.gaussians import Gaussians


@dataclass(frozen=True, eq=False)
class SplatFile:
    """A splat file as it is on disk, and as the Gaussians it means."""

    path: Path
    gaussians: Gaussians
    """Repaired, float32, in the file's row order."""
    columns: ndarray
    """(rows,) structured, read-only: every column as the file holds it, memory-mapped where it is binary."""
    notes: list[str]
    """What was repaired, one plain sentence each."""
    comments: tuple[str, ...] = ()
    """Comment lines of the header."""
