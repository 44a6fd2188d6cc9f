"""Taking Gaussians: four ways to combine them with what is selected, whole objects, growing, traits."""

from typing import Any

import numpy as np
import pytest
from gsseg_viewer import actions, nearby, traits
from gsseg_viewer.edits import EditError
from gsseg_viewer.pointing import Sight
from gsseg_viewer.regions import Solid, Stroke, rectangle
from gsseg_viewer.selection import HOWS, How
from gsseg_viewer.taking import draw, invert, selected_rows, take, take_objects, take_solid
from gsseg_viewer_test_stage import objects

from gsseg.scene.sh import base_colors


def means_of(session: Any) -> np.ndarray:
    return session.document.gaussians.means.numpy()


def masks(session: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    means = means_of(session)
    one, other = (np.linalg.norm(means - means[rng.integers(2800)], axis=1) < rng.uniform(0.2, 1.0) for _ in range(2))
    return one, other


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("seed", range(3))
def test_exactly_what_is_said_is_selected(stage: Any, how: How, seed: int) -> None:
    session = stage.enter()
    one, other = masks(session, seed)
    take(session, one, "set")
    assert np.array_equal(selected_rows(session), one)
    take(session, other, how)
    wanted = {"set": other, "add": one | other, "remove": one & ~other, "intersect": one & other}[how]
    assert np.array_equal(selected_rows(session), wanted)
    assert not session.document.unsaved, "selecting edits nothing"


def test_painting_over_what_is_selected_cuts_nothing(stage: Any) -> None:
    session = stage.enter()
    one, other = masks(session, 0)
    take(session, one | other, "set")
    count = len(session.document.division)
    take(session, one, "add")
    assert len(session.document.division) == count


def test_what_is_hidden_is_not_taken(stage: Any) -> None:
    session = stage.enter()
    everything = np.ones(len(means_of(session)), bool)
    take_objects(session, session.document.object_ids(session.document.state) == 1, "set")
    actions.hide(session)
    take(session, everything, "set")
    assert np.array_equal(selected_rows(session), session.document.shown(session.document.state))


def test_a_part_that_was_taken_becomes_an_object_and_comes_back(stage: Any) -> None:
    session = stage.enter()
    document = session.document
    before = document.object_ids(document.state)
    one, _ = masks(session, 1)
    take(session, one, "set")
    actions.make_object(session)
    new = document.state.next_id - 1
    assert np.array_equal(document.object_ids(document.state), np.where(one, new, before))
    session.undo()
    assert np.array_equal(document.object_ids(document.state), before)


def test_inverting_twice_is_nothing(stage: Any) -> None:
    session = stage.enter()
    one, _ = masks(session, 2)
    take(session, one, "set")
    invert(session)
    assert np.array_equal(selected_rows(session), ~one)
    invert(session)
    assert np.array_equal(selected_rows(session), one)


def test_drawing_takes_what_lies_under_it(stage: Any) -> None:
    session = stage.enter()
    means, sight = means_of(session), Sight.of(session.client.camera)
    stroke = Stroke(np.array([[0.3, 0.66], [0.6, 0.68]]), 0.05)
    draw(session, stroke, "set")
    through = selected_rows(session)
    assert np.array_equal(through, stroke.holds(sight, means))
    session.only_seen = True
    draw(session, stroke, "set")
    seen = selected_rows(session)
    assert 0 < seen.sum() < through.sum()
    assert (through | ~seen).all()
    session.only_seen = False
    session.tools = type(session.tools)(depth=0.5)
    draw(session, stroke, "set")
    near = selected_rows(session)
    assert 0 < near.sum() < through.sum()
    depth = sight.project(means)[1]
    assert depth[near].max() <= depth[through & ~near].min()


def test_whole_objects_are_taken_by_half(stage: Any) -> None:
    session = stage.enter()
    session.tools = type(session.tools)(whole=True)
    u, v = Sight.of(session.client.camera).project(stage.document.gaussians.means.numpy()[:700].mean(0)[None])[0][0]
    draw(session, rectangle((u - 0.2, v - 0.3), (u + 0.03, v + 0.3)), "set")
    assert objects(session) == [0]
    assert selected_rows(session).sum() == 700


def test_a_solid_takes_what_is_in_it(stage: Any, balls: Any) -> None:
    session = stage.enter()
    solid = Solid(balls.centres[2], np.eye(3), np.full(3, 0.3), True)
    take_solid(session, solid, "set")
    assert np.array_equal(selected_rows(session), np.linalg.norm(means_of(session) - balls.centres[2], axis=1) <= 0.15)


def test_growing_and_shrinking_follow_the_neighbours(stage: Any) -> None:
    document = stage.document
    means = document.gaussians.means.numpy().astype(np.float64)
    graph, everything = nearby.graph_of(document), np.ones(len(means), bool)
    far = np.linalg.norm(means[:, None] - means[None], axis=2)
    np.fill_diagonal(far, np.inf)
    near = np.zeros_like(far, bool)
    np.put_along_axis(near, np.argsort(far, axis=1)[:, : nearby.NEIGHBOURS], True, axis=1)
    assert np.array_equal(graph.toarray(), near | near.T)
    mask = means[:, 0] < -0.4
    assert np.array_equal(nearby.grown(graph, mask, everything), mask | (near | near.T)[mask].any(0))
    assert np.array_equal(nearby.shrunk(graph, mask, everything), ~nearby.grown(graph, ~mask, everything))
    only = means[:, 2] > 0
    assert np.array_equal(nearby.grown(graph, mask, only) & ~only, mask & ~only), "what is not drawn is not taken"
    assert not (nearby.shrunk(graph, mask, everything) & ~mask).any()


def test_traits_are_what_they_are_called(stage: Any) -> None:
    document, state = stage.document, stage.document.state
    rgb = base_colors(document.gaussians).numpy()
    told = {each: traits.values_of(document, state, each, (0.2, 0.4, 0.6)) for each in traits.TRAITS[:4]}
    assert np.allclose(told["colour"], np.linalg.norm(rgb - (0.2, 0.4, 0.6), axis=1), atol=1e-6)
    assert np.allclose(10 ** told["size"], 0.04, rtol=1e-5)
    assert np.allclose(told["opacity"], 1 / (1 + np.exp(-2.0)))
    ids = document.object_ids(state)
    assert np.allclose(told["agreement"][ids >= 0], 0.5 + 0.1 * ids[ids >= 0])
    assert np.isnan(told["agreement"][ids < 0]).all()
    with pytest.raises(EditError, match="how sure"):
        traits.values_of(document, state, "confidence", (0, 0, 0))


def test_a_histogram_counts_what_is_drawn_and_a_range_takes_its_share() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=1000).astype(np.float32)
    values[:10] = np.nan
    among = rng.random(1000) < 0.5
    found = traits.histogram(values, among)
    assert found.counts.sum() == (among & np.isfinite(values)).sum()
    middle = (found.low + found.high) / 2
    halves = [traits.within(values, *ends) & among for ends in ((found.low, middle), (middle, found.high))]
    assert sum(each.sum() for each in halves) == found.counts.sum()
    assert traits.histogram(values, np.zeros(1000, bool)).counts.sum() == 0


def test_like_this_is_what_has_a_feature_near_to_it(stage: Any) -> None:
    document, state = stage.document, stage.document.state
    features = document.run.columns.discrete
    rows = np.flatnonzero(document.object_ids(state) == 1)[:5]
    near = np.linalg.norm(features[:, None] - features[rows][None], axis=2).min(1) <= traits.LIKE
    assert np.array_equal(traits.like(document, state, rows), near & features.any(1))
    nobody = np.flatnonzero(document.object_ids(state) == -1)[:3]
    assert traits.like(document, state, nobody)[nobody].all(), "by colour where no mask shows it"
