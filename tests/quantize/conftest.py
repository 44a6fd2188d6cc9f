"""Vectors to be quantized, and what it means that two sets of codes are the same."""

from collections.abc import Callable

import numpy as np
import pytest

from gsseg.quantize.binary.codes import BinaryCodes


@pytest.fixture(scope="session")
def gaussian() -> Callable[..., np.ndarray]:
    """A function (rows, dim, seed=0) -> float32 (rows, dim): normal about a centroid that is not 0, each component of
    another width."""

    def make(rows: int, dim: int, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        centroid, widths = 0.3 * rng.normal(size=dim), rng.lognormal(0, 0.4, dim)
        return (centroid + widths * rng.normal(size=(rows, dim))).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def assert_same() -> Callable[[BinaryCodes, BinaryCodes], None]:
    """A function that fails unless two sets of codes are the same, bit for bit and in type."""

    def check(first: BinaryCodes, second: BinaryCodes) -> None:
        for name in ("packed", "lower", "upper", "additional", "component_sum", "centroid"):
            a, b = getattr(first, name), getattr(second, name)
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        assert (first.similarity, first.bits, first.rotation) == (second.similarity, second.bits, second.rotation)

    return check
