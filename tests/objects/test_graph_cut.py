"""Minimum cuts: as cheap as the cheapest of all labellings, and what follows from that."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsseg.objects.graph_cut import minimum_cut


def cost(edges: np.ndarray, weights: np.ndarray, leans: np.ndarray, inside: np.ndarray) -> float:
    """The sum of the module's head, term by term."""
    cut = sum(w for (i, j), w in zip(edges.tolist(), weights, strict=True) if inside[i] != inside[j])
    return cut + sum(abs(lean) for lean, there in zip(leans, inside, strict=True) if lean != 0 and there != (lean > 0))


def cheapest(edges: np.ndarray, weights: np.ndarray, leans: np.ndarray) -> float:
    """The least cost of all 2^nodes labellings."""
    labellings = itertools.product([False, True], repeat=len(leans))
    return min(cost(edges, weights, leans, np.array(each)) for each in labellings)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    nodes = draw(st.integers(1, 8))
    ends = st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1))
    edges = draw(st.lists(ends, max_size=16))
    weights = draw(st.lists(st.integers(0, 9), min_size=len(edges), max_size=len(edges)))
    leans = draw(st.lists(st.integers(-9, 9) | st.just(np.inf) | st.just(-np.inf), min_size=nodes, max_size=nodes))
    return np.array(edges, np.int64).reshape(-1, 2), np.array(weights, float), np.array(leans, float)


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_no_labelling_is_cheaper(graph: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    edges, weights, leans = graph
    inside = minimum_cut(edges, weights, leans)
    assert inside[leans == np.inf].all(), "what may not leave stays in"
    assert not inside[leans == -np.inf].any(), "what may not enter stays out"
    finite = np.where(np.isinf(leans), np.sign(leans) * 1e6, leans)
    assert cost(edges, weights, finite, inside) == pytest.approx(cheapest(edges, weights, finite), abs=1e-3)


@settings(max_examples=100, deadline=None)
@given(graphs(), st.floats(1e-6, 1e6))
def test_units_do_not_matter(graph: tuple[np.ndarray, np.ndarray, np.ndarray], unit: float) -> None:
    edges, weights, leans = graph
    scaled = minimum_cut(edges, weights * unit, leans * unit)
    finite = np.where(np.isinf(leans), np.sign(leans) * 1e6, leans)
    assert cost(edges, weights, finite, scaled) == pytest.approx(cheapest(edges, weights, finite), abs=1e-3)


def test_a_border_snaps_to_the_weakest_place() -> None:
    """A chain of twenty nodes, held at both ends, breaks where it is weakest."""
    edges = np.stack([np.arange(19), np.arange(1, 20)], 1)
    weights = np.full(19, 1.0)
    weights[6] = 0.1
    leans = np.zeros(20)
    leans[0], leans[-1] = np.inf, -np.inf
    assert np.flatnonzero(minimum_cut(edges, weights, leans)).tolist() == list(range(7))


def test_what_nothing_pulls_is_out_and_what_leans_alone_goes_where_it_leans() -> None:
    none = np.zeros((0, 2), np.int64)
    assert not minimum_cut(none, np.zeros(0), np.zeros(3)).any()
    assert minimum_cut(none, np.zeros(0), np.array([1.0, -1.0, np.inf])).tolist() == [True, False, True]


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_a_weight_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="weights"):
        minimum_cut(np.array([[0, 1]]), np.array([bad]), np.zeros(2))
