"""A row of the fuzzer's table: a reader, and how its input is damaged."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gsseg.scene import Gaussians

Damage = Callable[[np.random.Generator, Path, Path], None]
"""(rng, folder of the seeds, folder to fill)"""


@dataclass(frozen=True)
class Reader:
    """A row of the table."""

    name: str
    damage: Damage
    """Puts the damaged input into a folder."""
    read: Callable[[Path], None]
    """Reads what is in the folder and checks what it got."""
    share: float = 1.0
    """Of the cases that others get: less where one takes a second."""


def check_gaussians(gaussians: Gaussians) -> None:
    """Every number of an accepted file can be computed with."""
    for name, tensor in gaussians.tensors().items():
        assert tensor.dtype == torch.bool or bool(torch.isfinite(tensor).all()), f"{name} is not finite"
    assert bool(torch.isfinite(gaussians.scales).all())


def only_file(folder: Path) -> Path:
    """The file in a folder that holds one, or what lies in its place."""
    return sorted(folder.iterdir())[0]
