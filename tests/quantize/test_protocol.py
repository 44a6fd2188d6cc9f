"""The laws of all quantizers. A new one is a file below gsseg/quantize and a row of QUANTIZERS."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

import gsseg.quantize
from gsseg.compressed.packing import bits_for, pack
from gsseg.quantize import RQVAE, BinaryCodes, BinaryQuantizer, Quantizer, ResidualKMeans, RQVAEConfig
from gsseg.quantize.rqvae.training import RQVAETraining, train_rqvae

ITEMS, DIM = 160, 12  # a multiple of eight: streams of bits end with a byte
CODES = 12


def make_items() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(20, DIM))[rng.integers(20, size=ITEMS)] + 0.3 * rng.normal(size=(ITEMS, DIM))).astype("f4")


def residual(x: np.ndarray, levels: int, seed: int, balanced: bool = False) -> ResidualKMeans:
    return ResidualKMeans(levels, CODES, balanced, seed).fit(x)


def rqvae(x: np.ndarray, levels: int, seed: int, epsilon: float | None = None) -> RQVAE:
    config = RQVAEConfig.plus(
        DIM, hidden=(16,), levels=levels, codebook_size=CODES, sinkhorn_epsilons=(epsilon,) * levels
    )
    return train_rqvae(RQVAE(config, seed), x, RQVAETraining(epochs=3, batch_size=64, warmup_epochs=1), seed).last


def binary(x: np.ndarray, bits: int, seed: int, **options: Any) -> BinaryQuantizer:
    return BinaryQuantizer.fit(x, bits=bits, seed=seed, **options)


def streams(codes: Any) -> bytes:
    """Codes of (levels, items), a stream of bits for each level."""
    return b"".join(pack(np.asarray(level), bits_for(CODES)).tobytes() for level in codes)


def planes(codes: BinaryCodes) -> bytes:
    """What a file holds of each vector."""
    sums = codes.component_sum.astype(np.uint16)
    return b"".join(part.tobytes() for part in (codes.packed, codes.lower, codes.upper, codes.additional, sums))


@dataclass(frozen=True)
class Row:
    """How a quantizer is fitted and what its codes are as bytes."""

    fit: Callable[[np.ndarray, int, int], Quantizer]
    """(items, levels or bits, seed) -> fitted."""
    sizes: tuple[int, ...]
    """Levels or bits, each better than the one before."""
    packed: Callable[[Any], bytes]
    """The codes of vectors, without what all share."""


QUANTIZERS = {
    "residual k-means": Row(residual, (1, 2, 3), streams),
    "balanced residual k-means": Row(partial(residual, balanced=True), (1, 2, 3), streams),
    "RQ-KMeans+": Row(rqvae, (1, 2, 3), streams),
    "RQ-VAE with Sinkhorn": Row(partial(rqvae, epsilon=0.05), (1, 2, 3), streams),
    "binary": Row(binary, (1, 2, 4, 7, 8), planes),
    "binary, rotated": Row(partial(binary, similarity="dot", rotate=True), (1, 2, 4, 7, 8), planes),
    "binary, exact": Row(partial(binary, intervals="exact"), (1,), planes),
}


X = make_items()


@cache
def fitted(name: str, size: int) -> Quantizer:
    return QUANTIZERS[name].fit(X, size, 0)


every_quantizer = pytest.mark.parametrize("name", QUANTIZERS)
every_size = pytest.mark.parametrize(
    ("name", "size"), [(name, size) for name, row in QUANTIZERS.items() for size in row.sizes]
)


def test_every_quantizer_has_a_row():
    names = dir(gsseg.quantize)
    offered = [kind for kind in (getattr(gsseg.quantize, name) for name in names) if isinstance(kind, type)]
    quantizers = {kind for kind in offered if {"encode", "decode"} <= set(dir(kind))} - {Quantizer}
    assert {type(fitted(name, row.sizes[0])) for name, row in QUANTIZERS.items()} == quantizers


@every_size
def test_decoding_gives_vectors_of_the_same_shape(name, size):
    quantizer = fitted(name, size)
    assert isinstance(quantizer, Quantizer)
    for given in (X, X.astype(np.float64), torch.from_numpy(X)):
        decoded = np.asarray(quantizer.decode(quantizer.encode(given)))
        assert (decoded.shape, decoded.dtype) == (X.shape, np.float32)
        assert np.isfinite(decoded).all()


@every_quantizer
def test_more_levels_or_bits_lower_the_error(name):
    quantizers = [fitted(name, size) for size in QUANTIZERS[name].sizes]
    errors = [np.square(np.asarray(q.decode(q.encode(X))) - X).mean() for q in quantizers]
    assert errors[0] < np.square(X - X.mean(axis=0)).mean()
    assert all(after < before for before, after in pairwise(errors))


@every_quantizer
def test_a_seed_decides_everything(name):
    row = QUANTIZERS[name]
    first, again = (row.packed(row.fit(X, row.sizes[-1], 3).encode(X)) for _ in range(2))
    assert first == again


@every_size
def test_the_bytes_stated_are_those_of_the_packed_codes(name, size):
    quantizer = fitted(name, size)
    assert len(QUANTIZERS[name].packed(quantizer.encode(X))) == ITEMS * quantizer.bytes_per_vector


@every_size
def test_codes_of_an_item_do_not_depend_on_the_others(name, size):
    quantizer = fitted(name, size)
    alone = np.asarray(quantizer.decode(quantizer.encode(X[8:24])))
    np.testing.assert_allclose(alone, np.asarray(quantizer.decode(quantizer.encode(X)))[8:24], atol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@every_quantizer
def test_rows_that_are_not_finite_are_named(name, value):
    row, wrong = QUANTIZERS[name], X.copy()
    wrong[13, 5] = value
    quantizer = fitted(name, row.sizes[0])
    for call in (partial(row.fit, wrong, row.sizes[0], 0), partial(quantizer.encode, wrong)):
        with pytest.raises(ValueError, match=r"(NaN or infin.*\b13\b)|(\b13\b.*NaN or infin)"):
            call()


@every_quantizer
def test_another_width_is_refused(name):
    with pytest.raises(ValueError, match=rf"{DIM - 1}.*{DIM}"):
        fitted(name, QUANTIZERS[name].sizes[0]).encode(X[:, 1:].copy())
