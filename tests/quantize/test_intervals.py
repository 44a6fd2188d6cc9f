"""Intervals: the descent never raises the loss and is Lucene's; the exact cut is the best of all cuts."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsseg.quantize.binary.intervals import LAMBDA, ROUNDS, descend, first_interval, interval_loss, moments, split

WEIGHT = float(LAMBDA)


def start(x: np.ndarray, bits: int) -> tuple[np.float32, np.float32, np.float32]:
    """Squared length and first interval of a vector; compiled code returns Python's wider floats."""
    least, greatest, norm2, mean, deviation = moments(x)
    lower, upper = first_interval(bits, np.float32(least), np.float32(greatest), mean, deviation)
    return np.float32(norm2), np.float32(lower), np.float32(upper)


def loss_of(x: np.ndarray, codes: np.ndarray, lower: float, upper: float) -> float:
    x = x.astype(np.float64)
    error = x - np.where(codes, np.float64(upper), np.float64(lower))
    return float((1 - WEIGHT) * (x @ error) ** 2 / (x @ x) + WEIGHT * (error @ error))


def vectors(seed: int, dim: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(rng.normal(), 1, dim) * rng.lognormal(size=dim)).astype(np.float32)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 150), st.sampled_from([1, 2, 4, 7, 8]))
def test_the_descent_never_raises_the_loss(seed, dim, bits):
    x = vectors(seed, dim)
    norm2, lower, upper = start(x, bits)
    losses = []
    for rounds in range(ROUNDS + 1):
        ends = descend(x, norm2, 1 << bits, lower, upper, rounds)
        losses.append(interval_loss(x, norm2, 1 << bits, *map(np.float32, ends)))
    assert losses == sorted(losses, reverse=True)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 150))
def test_the_exact_cut_never_loses_to_the_descent(seed, dim):
    x = vectors(seed, dim)
    norm2, lower, upper = start(x, 1)
    ends = map(np.float32, descend(x, norm2, 2, lower, upper, ROUNDS))
    a, b, cut = split(x)
    assert loss_of(x, x > cut, a, b) <= interval_loss(x, norm2, 2, *ends) * (1 + 1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_the_exact_cut_is_the_best_of_all_codes(seed):
    x = vectors(seed, 9)
    wide = x.astype(np.float64)
    scale = (1 - WEIGHT) / (wide @ wide)
    losses = []
    for ones in range(10):
        for chosen in combinations(range(9), ones):
            s = np.isin(np.arange(9), chosen)
            sums = np.array([wide[~s].sum(), wide[s].sum()])
            matrix = scale * np.outer(sums, sums) + WEIGHT * np.diag([(~s).sum(), s.sum()])
            losses.append(loss_of(x, s, *np.linalg.lstsq(matrix, sums, rcond=None)[0]))
    a, b, cut = split(x)
    assert loss_of(x, x > cut, a, b) == pytest.approx(min(losses), rel=1e-5)


@pytest.mark.parametrize("value", [0.0, -3.5, 1e-20])
def test_equal_components_are_kept_exactly(value):
    x = np.full(10, value, np.float32)
    lower, upper, cut = split(x)
    assert lower == upper == pytest.approx(value, rel=1e-6)
    assert not (x > cut).any()


def test_moments_against_numpy():
    x = vectors(3, 200)
    least, greatest, norm2, mean, deviation = moments(x)
    assert (least, greatest) == (x.min(), x.max())
    assert norm2 == pytest.approx(np.square(x, dtype=np.float64).sum(), rel=1e-5)
    assert (mean, deviation) == pytest.approx((x.mean(dtype=np.float64), x.std(dtype=np.float64)), rel=1e-12)


@pytest.mark.parametrize("dim", [2, 6, 64, 300])
def test_the_exact_cut_is_the_best_of_all_cuts(dim):
    for seed in range(4):
        x = vectors(seed, dim)
        wide = x.astype(np.float64)
        losses = []
        for threshold in np.sort(x):
            s = x > threshold
            sums = np.array([wide[~s].sum(), wide[s].sum()])
            matrix = (1 - WEIGHT) / (wide @ wide) * np.outer(sums, sums) + WEIGHT * np.diag([(~s).sum(), s.sum()])
            losses.append(loss_of(x, s, *np.linalg.lstsq(matrix, sums, rcond=None)[0]))
        a, b, cut = split(x)
        assert loss_of(x, x > cut, a, b) == pytest.approx(min(losses), rel=1e-5)


def test_stored_exact_cuts(shared):
    folder = shared / "oracle" / "bbq"
    truth = np.load(folder / "exact_split_1bit.npz")
    for name in truth:
        given_vectors = np.load(folder / f"{name}.npz")
        for x, (loss, lower, upper, _), descended in zip(
            given_vectors["index_centered"], truth[name], given_vectors["index_loss_final"], strict=True
        ):
            a, b, cut = split(x)
            assert (a, b) == pytest.approx((lower, upper), rel=1e-4)
            ours = loss_of(x, x > cut, a, b)
            assert ours == pytest.approx(loss, rel=1e-5)
            assert ours <= descended * (1 + 1e-6)
