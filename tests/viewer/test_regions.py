"""Regions of the screen and of the world hold what plain NumPy says, and each law that follows from what they are."""

from itertools import pairwise

import numpy as np
import pytest
from gsseg_viewer.pointing import Sight
from gsseg_viewer.regions import Outline, Solid, Stroke, nearer_than, rectangle

SIGHT = Sight(np.array([0.0, 0.0, -4.0]), np.eye(3), 1.0, 1.5)


def points(seed: int, count: int = 4000) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-3, 3, (count, 3)).astype(np.float32)


def crossings(screen: np.ndarray, chain: np.ndarray) -> np.ndarray:
    """Even-odd rule in NumPy, an edge at a time."""
    x, y = screen.astype(np.float64).T
    odd = np.zeros(len(screen), bool)
    for (ax, ay), (bx, by) in zip(np.roll(chain, 1, axis=0), chain, strict=True):
        between = (ay > y) != (by > y)
        safe = np.where(between, by - ay, 1.0)
        odd ^= between & (x < ax + (y - ay) / safe * (bx - ax))
    return odd


@pytest.mark.parametrize("seed", range(6))
def test_an_outline_holds_what_the_even_odd_rule_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chain, there = rng.uniform(-0.2, 1.2, (rng.integers(3, 40), 2)), points(seed)
    screen, depth = SIGHT.project(there)
    held = Outline(chain).holds(SIGHT, there)
    assert np.array_equal(held, crossings(screen, chain) & (depth > 0))
    assert np.array_equal(held, Outline(chain[::-1]).holds(SIGHT, there)), "the other way around is the same"
    assert np.array_equal(held, Outline(np.roll(chain, 3, axis=0)).holds(SIGHT, there)), "wherever it begins"
    assert held.any()


def test_a_rectangle_is_what_lies_between_its_sides() -> None:
    there = points(1)
    screen, depth = SIGHT.project(there)
    wanted = (depth > 0) & ((screen > (0.2, 0.3)) & (screen < (0.7, 0.6))).all(axis=1)
    for first, last in (((0.2, 0.3), (0.7, 0.6)), ((0.7, 0.3), (0.2, 0.6))):
        assert np.array_equal(rectangle(first, last).holds(SIGHT, there), wanted)


@pytest.mark.parametrize("seed", range(4))
def test_a_stroke_holds_what_is_near_its_line(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chain, there = rng.uniform(0, 1, (rng.integers(1, 9), 2)), points(seed)
    screen, depth = SIGHT.project(there)
    wide = np.array([SIGHT.aspect, 1.0])
    fine = np.linspace(chain[:-1], chain[1:], 4001).reshape(-1, 2) if len(chain) > 1 else chain
    far = np.array([np.linalg.norm((fine - each) * wide, axis=1).min() for each in screen[:400]])
    held = Stroke(chain, 0.1).holds(SIGHT, there)[:400]
    clear = np.abs(far - 0.1) > 1e-3
    assert np.array_equal(held[clear], ((far < 0.1) & (depth[:400] > 0))[clear])
    wider = Stroke(chain, 0.2).holds(SIGHT, there)
    assert (wider | ~Stroke(chain, 0.1).holds(SIGHT, there)).all(), "a wider brush holds more"


def test_what_is_behind_the_camera_is_in_no_region() -> None:
    behind = np.array([[0.0, 0.0, -5.0]], np.float32)
    assert not rectangle((0, 0), (1, 1)).holds(SIGHT, behind).any()
    assert not Stroke(np.array([[0.5, 0.5]]), 1.0).holds(SIGHT, behind).any()
    assert not nearer_than(SIGHT, behind, 1.0).any()


@pytest.mark.parametrize("is_round", [False, True])
def test_solids_hold_what_their_formulas_say_however_they_lie(is_round: bool) -> None:
    there = points(3).astype(np.float64)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    solid = Solid(np.array([0.3, -0.2, 0.5]), turn, np.array([2.0, 3.0, 1.0]), is_round)
    own = (turn.T @ (there - solid.centre).T).T
    limits = np.array([1.0, 1.5, 0.5])
    wanted = ((own / limits) ** 2).sum(1) <= 1 if is_round else (np.abs(own) <= limits).all(1)
    assert np.array_equal(solid.holds(there), wanted)
    moved = Solid(solid.centre + 10, turn, solid.extent, is_round)
    assert np.array_equal(moved.holds(there + 10), wanted)


def test_the_depth_limit_grows_from_the_nearest_to_all() -> None:
    there = points(5)
    depth = SIGHT.project(there)[1]
    kept = [nearer_than(SIGHT, there, share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert all((wide | ~narrow).all() for narrow, wide in pairwise(kept))
    assert np.array_equal(kept[-1], depth > 0)
    for mask in kept[1:-1]:
        assert depth[mask].max() <= depth[(depth > 0) & ~mask].min()
