"""Balanced clusters: the assignment is the optimum, and the sizes hold whatever the data."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment, linprog

from gsseg.clustering.balanced import balanced_kmeans, size_bounds
from gsseg.clustering.transport import SMALL, transport
from gsseg.quantize.residual.quantizer import ResidualKMeans


@pytest.fixture
def few_swaps(monkeypatch) -> None:
    """Sizes do not depend on how good the codes are."""
    for kind in ("kmeans", "balanced"):
        monkeypatch.setattr(f"gsseg.clustering.{kind}.MOST_SWAPS", 3)


def cost_of(x: np.ndarray, centers: np.ndarray, labels: np.ndarray) -> float:
    return float(np.square(x.astype(np.float64) - centers.astype(np.float64)[labels]).sum())


def optimum(x: np.ndarray, centers: np.ndarray, size_min: int, size_max: int) -> float:
    """By linear programming; its polytope has whole-numbered corners."""
    items, codes = len(x), len(centers)
    costs = np.square(x[:, None].astype(np.float64) - centers).sum(axis=-1)
    one_code = np.kron(np.eye(items), np.ones(codes))
    sizes = np.kron(np.ones(items), np.eye(codes))
    bounds = np.concatenate([np.full(codes, size_max), np.full(codes, -size_min)])
    found = linprog(costs.ravel(), np.vstack([sizes, -sizes]), bounds, one_code, np.ones(items), method="highs")
    return float(found.fun)


def check_sizes(labels: np.ndarray, codes: int, size_min: int, size_max: int) -> None:
    sizes = np.bincount(labels, minlength=codes)
    assert size_min <= sizes.min()
    assert sizes.max() <= size_max


CASES = {
    "even": (120, 6, 3, 20, 20),
    "slack of one": (200, 7, 6, 27, 29),
    "wide": (300, 5, 2, 20, 150),
    "upper bound": (150, 10, 4, 0, 18),
    "lower bound": (150, 10, 4, 12, 150),
    "tight and uneven": (101, 10, 5, 10, 11),
    "one item a code": (12, 12, 3, 1, 1),
}
"""Items, codes, dim, least and greatest size."""


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e6])
def test_linear_programming_finds_the_same_optimum_at_any_scale(case, scale):
    items, codes, dim, size_min, size_max = CASES[case]
    rng = np.random.default_rng(items)
    x = rng.normal(size=(items, dim)) * rng.lognormal(size=(items, 1))
    centers = x[:codes] + 0.1
    labels, _ = transport(x * scale, centers * scale, size_min, size_max)
    check_sizes(labels, codes, size_min, size_max)
    assert cost_of(x, centers, labels) == pytest.approx(optimum(x, centers, size_min, size_max), rel=1e-9)


def test_stored_optima(shared):
    arrays = np.load(shared / "oracle/rq/assignment.npz")
    for case, facts in json.loads((shared / "oracle/rq/assignment.json").read_text()).items():
        x, centers = (arrays[f"{case}/{name}"].astype(np.float64) for name in ("X", "centers"))
        labels, _ = transport(x, centers, facts["size_min"], facts["size_max"])
        check_sizes(labels, facts["K"], facts["size_min"], facts["size_max"])
        assert cost_of(x, centers, labels) == pytest.approx(facts["optimal_cost"], rel=1e-9), case


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_linear_programming_finds_nothing_better(data):
    codes = data.draw(st.integers(1, 6))
    items = data.draw(st.integers(codes, 24))
    size_min = data.draw(st.integers(0, items // codes))
    size_max = data.draw(st.integers(-(-items // codes), items))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    if data.draw(st.booleans()):
        x, centers = rng.normal(size=(items, 2)), rng.normal(size=(codes, 2))
    else:  # a coarse grid: many costs tie
        x, centers = rng.integers(0, 3, (items, 2)) * 1.0, rng.integers(0, 3, (codes, 2)) * 1.0
    labels, _ = transport(x, centers, size_min, size_max)
    check_sizes(labels, codes, size_min, size_max)
    assert cost_of(x, centers, labels) == pytest.approx(optimum(x, centers, size_min, size_max), rel=1e-9, abs=1e-9)


def test_one_item_a_code_is_the_linear_assignment():
    rng = np.random.default_rng(0)
    x, centers = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    costs = np.square(x[:, None] - centers).sum(axis=-1)
    rows, columns = linear_sum_assignment(costs)
    labels, _ = transport(x, centers, 1, 1)
    assert cost_of(x, centers, labels) == pytest.approx(costs[rows, columns].sum(), rel=1e-12)


@pytest.mark.parametrize("kind", ["blobs", "atoms"])
def test_prices_prove_the_optimum_of_many_items(kind):
    # Duality: sum_i min_k (cost_ik + p_k) - sum_k (size_max p_k where p_k > 0, size_min p_k where p_k < 0) never
    # exceeds the cost of any assignment within the bounds; equality proves both.
    rng = np.random.default_rng(1)
    items, codes = 5 * SMALL, 12
    x = rng.normal(size=(items, 3)) * rng.choice([0.1, 1.0], (items, 1))
    if kind == "atoms":
        x[rng.random(items) < 0.4] = 0.0
        x[rng.random(items) < 0.2] = 1.0
    centers = rng.normal(size=(codes, 3))
    size_min, size_max = size_bounds(items, codes)
    labels, prices = transport(x, centers, size_min, size_max)
    check_sizes(labels, codes, size_min, size_max)
    least = (np.square(x[:, None] - centers).sum(axis=-1) + prices).min(axis=1).sum()
    bound = least - np.where(prices > 0, size_max * prices, size_min * prices).sum()
    assert cost_of(x, centers, labels) == pytest.approx(bound, rel=1e-9)


def test_any_prices_to_begin_with_lead_to_the_optimum():
    rng = np.random.default_rng(2)
    x, centers = rng.normal(size=(300, 2)), rng.normal(size=(7, 2))
    expected = cost_of(x, centers, transport(x, centers, 40, 45)[0])
    for prices in (rng.normal(size=7), np.full(7, 1e3), -10 * rng.random(7)):
        labels, _ = transport(x, centers, 40, 45, prices)
        check_sizes(labels, 7, 40, 45)
        assert cost_of(x, centers, labels) == pytest.approx(expected, rel=1e-9)


@pytest.mark.usefixtures("few_swaps")
@pytest.mark.parametrize(("items", "codes"), [(1, 1), (5, 5), (7, 5), (9, 5), (10, 3), (64, 32), (101, 10), (500, 33)])
@pytest.mark.parametrize("kind", ["normal", "equal", "two values", "lines", "outlier"])
def test_sizes_hold_whatever_the_data(items, codes, kind):
    rng = np.random.default_rng(items)
    x = {
        "normal": rng.normal(size=(items, 4)),
        "equal": np.full((items, 4), 3.0),
        "two values": np.repeat(rng.integers(0, 2, (items, 1)), 4, axis=1) * 1.0,
        "lines": np.round(rng.normal(size=(items, 4)), 1) * [1.0, 0.0, 0.0, 0.0],
        "outlier": np.where(np.arange(items)[:, None] == 0, 1e6, rng.normal(size=(items, 4))),
    }[kind]
    model = ResidualKMeans(2, codes, balanced=True).fit(x)
    least, most = max(1, items // codes - 1), items // codes + 1
    assert model.cluster_sizes.min() >= least
    assert model.cluster_sizes.max() <= most
    assert model.residual_mse[0] * (1 + 1e-9) >= model.residual_mse[1] >= model.residual_mse[2] * (1 - 1e-9)


def test_sizes_hold_where_codes_are_found_on_a_sample(monkeypatch):
    monkeypatch.setattr("gsseg.clustering.balanced.SAMPLE", 1000)
    monkeypatch.setattr("gsseg.clustering.balanced.PER_CODE", 10)
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(10_000, 2)) * rng.choice([0.1, 1.0], (10_000, 1))).astype(np.float32)
    found = balanced_kmeans(x, 8, rng)
    check_sizes(found.labels, 8, *size_bounds(10_000, 8))
    means = np.stack([x[found.labels == code].mean(axis=0, dtype=np.float64) for code in range(8)])
    np.testing.assert_allclose(found.centers, means, atol=1e-9)


def test_never_worse_than_the_stored_constrained_k_means(shared):
    arrays = np.load(shared / "oracle/rq/residual_kmeans.npz")
    table = json.loads((shared / "oracle/rq/residual_kmeans.json").read_text())
    for name in ("n2000_d6", "n2000_d64"):
        model = ResidualKMeans(3, 16, balanced=True).fit(arrays[f"{name}/X"])
        stored = np.array(table[name]["constrained"]["mse_per_level"])
        assert (np.array(model.residual_mse) <= stored * (1 + 1e-7)).all()
        assert [[row.min(), row.max()] for row in model.cluster_sizes] == [[124, 126]] * 3
