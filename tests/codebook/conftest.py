"""Items with features and places, and maps of them, small enough to compute everything on dense matrices."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from gsseg.threads import one_torch_thread

ITEMS, PIXELS, DIM = 90, 70, 6


class DenseMap:
    """A view's weights as an ordinary matrix."""

    def __init__(self, matrix: Tensor) -> None:
        self.matrix = matrix

    def render(self, features: Tensor) -> Tensor:
        return self.matrix @ features

    def backproject(self, maps: Tensor) -> Tensor:
        return self.matrix.T @ maps


@dataclass(frozen=True)
class Toy:
    """Things alike in feature two by two, each somewhere else; the last ten items are not seen."""

    features: Tensor
    positions: Tensor
    seen: Tensor
    thing: np.ndarray
    maps: list[tuple[DenseMap, Tensor]]

    @property
    def views(self) -> list[Callable[[], tuple[DenseMap, Tensor]]]:
        return [lambda pair=pair: pair for pair in self.maps]

    def loss(self, discrete: Tensor) -> float:
        """|W F - W D|_1, mean over pixels of all views and channels."""
        pseudo = (self.features * self.seen[:, None]).double()
        differences = [view.matrix.double() @ (pseudo - discrete.double()) for view, _ in self.maps]
        return float(torch.cat(differences).abs().mean())


@pytest.fixture(scope="session")
def toy() -> Toy:
    rng = np.random.default_rng(0)
    thing = rng.integers(0, 6, ITEMS)
    looks = rng.normal(size=(3, DIM))
    features = looks[thing % 3] + rng.normal(0, 0.15, (ITEMS, DIM))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    positions = 4.0 * rng.normal(size=(6, 3))[thing] + rng.normal(0, 0.3, (ITEMS, 3))
    seen = np.arange(ITEMS) < ITEMS - 10
    maps = []
    for _ in range(3):
        shown = rng.integers(0, 6, PIXELS)
        matrix = np.zeros((PIXELS, ITEMS), np.float32)
        for p in range(PIXELS):
            matrix[p, rng.choice(np.flatnonzero(thing == shown[p]), 4)] = rng.dirichlet(np.ones(4)) * 0.9
        maps.append((DenseMap(torch.from_numpy(matrix)), torch.from_numpy(rng.permutation(6)[shown])))
    return Toy(
        torch.from_numpy(features.astype(np.float32)), torch.from_numpy(positions.astype(np.float32)),
        torch.from_numpy(seen), thing, maps,
    )  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """As `gsseg.train` does: operations as small as these only wait for each other on more."""
    with one_torch_thread():
        yield
