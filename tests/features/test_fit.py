"""Features learnt from masks: what every result obeys, and a scene of three things."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsseg.features.fit import DIM, FeatureConfig, FeatureProblem, feature_step, fit_features, smooth_start

PER_THING = 25
VIEWS = 6
SHORT = FeatureConfig(steps=30)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Things 0, 1, 2; then a Gaussian no view sees, one no mask shows, and one of which views see only the tails."""
    return np.concatenate([np.repeat([0, 1, 2], PER_THING), [-1, -2, -3]])


@pytest.fixture(scope="module")
def evidence(truth, evidence_of):
    """Each view numbers the things anew, misses one in turn, and sees four fifths of the Gaussians."""
    rng = np.random.default_rng(0)
    labels = np.full((VIEWS, len(truth)), -1)
    for view in range(VIEWS):
        ids = rng.permutation([1, 2, 3])
        if view % 2:
            ids[view // 2] = 0
        labels[view] = np.where(truth >= 0, ids[np.maximum(truth, 0)], -1)
        labels[view, rng.random(len(truth)) < 0.2] = -1
    labels[:, -3], labels[:, -2], labels[:, -1] = -1, 0, 1
    central = np.arange(len(truth)) < len(truth) - 3
    central[-2] = True
    return evidence_of(labels, rng.uniform(0.1, 0.9, labels.shape), central)


@pytest.fixture(scope="module")
def means(truth) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.normal(0, 0.3, (len(truth), 3)) + 2.0 * np.eye(3)[np.maximum(truth, 0)]).astype(np.float32)


@pytest.fixture(scope="module")
def field(evidence, means):
    return fit_features(evidence, means, FeatureConfig(), 0)


def test_features_are_of_unit_length_where_a_mask_shows_the_centre_and_zero_elsewhere(field, truth):
    assert field.features.shape == (len(truth), DIM)
    assert field.seen.tolist() == (truth >= 0).tolist()
    lengths = field.features.norm(dim=1)
    assert torch.allclose(lengths[field.seen], torch.ones(int(field.seen.sum())), atol=1e-6)
    assert not field.features[~field.seen].any()


def test_one_seed_one_result_bit_for_bit(evidence, means):
    first, second, other = (fit_features(evidence, means, SHORT, seed) for seed in (3, 3, 4))
    assert torch.equal(first.features, second.features)
    assert first.losses == second.losses
    assert not torch.equal(first.features, other.features)


def test_masks_of_a_view_end_apart_and_gaussians_of_a_mask_together(field, evidence, truth):
    cosines = (field.features @ field.features.T).numpy()
    together = np.equal.outer(truth, truth)
    seen = field.seen.numpy()
    assert cosines[seen][:, seen][together[seen][:, seen]].min() > 0.9
    assert cosines[seen][:, seen][~together[seen][:, seen]].max() < 0.5
    masks = evidence.masks.toarray() * evidence.masked
    view = evidence.row_view[evidence.row_label > 0]
    view, masks = view[masks.any(axis=1)], masks[masks.any(axis=1)].astype(np.float32)
    directions = torch.nn.functional.normalize(torch.from_numpy(masks) @ field.features, dim=1).numpy()
    pairs = [(m, n) for m in range(len(masks)) for n in range(m) if view[m] == view[n]]
    assert len(pairs) == 3 * 3 + 3 * 1, "three views show three things, three views two"
    assert max(float(directions[m] @ directions[n]) for m, n in pairs) < 0.5


def test_losses_fall_and_are_told_step_by_step(evidence, means):
    steps = []
    field = fit_features(evidence, means, SHORT, 0, lambda done, total: steps.append((done, total)))
    assert steps == [(i, 30) for i in range(1, 31)]
    assert set(field.losses) == {"cohesion", "separation"}
    total = np.sum([field.losses["cohesion"], field.losses["separation"]], axis=0)
    assert len(total) == 30
    assert total[-1] < 0.5 * total[0]
    assert (np.diff(total) < 0).mean() > 0.8


def test_each_loss_is_the_plain_one_of_the_features_before_the_step(evidence, means):
    """A run one step longer passes the features a shorter run ends with."""
    config = FeatureConfig(steps=5)
    features = fit_features(evidence, means, config, 0).features.double().numpy()
    losses = fit_features(evidence, means, replace(config, steps=6), 0).losses
    masks, view = evidence.masks.toarray().astype(np.float64), evidence.row_view[evidence.row_label > 0]
    masks = masks * evidence.masked
    view, masks = view[masks.sum(axis=1) > 0], masks[masks.sum(axis=1) > 0]
    shares = np.sqrt(masks.sum(axis=1)) / np.sqrt(masks.sum(axis=1)).sum()
    means_of = [mask @ features / mask.sum() for mask in masks]
    cohesion = sum(
        share * np.average(np.square(features - mean).sum(axis=1), weights=mask)
        for share, mean, mask in zip(shares, means_of, masks, strict=True)
    )
    separation = 0.0
    for m, mean in enumerate(means_of):
        cosines = [
            mean @ other / np.linalg.norm(mean) / np.linalg.norm(other)
            for n, other in enumerate(means_of)
            if n != m and view[n] == view[m]
        ]
        separation += shares[m] * np.log(1 + sum(np.exp((c - 1) / config.temperature) for c in cosines))
    assert losses["cohesion"][5] == pytest.approx(cohesion, rel=1e-4)
    assert losses["separation"][5] == pytest.approx(separation, rel=1e-4)


def test_gaussians_that_are_not_learnt_do_not_matter(evidence, means, truth, field):
    moved = means.copy()
    moved[truth < 0] = 1e6
    assert torch.equal(fit_features(evidence, moved, FeatureConfig(), 0).features, field.features)


def test_a_step_of_the_fit_is_a_step_on_dense_matrices(evidence, means):
    """What the benchmark times: the problem's losses, their gradient and Adam, on ordinary tensors."""
    config = FeatureConfig()
    problem = FeatureProblem.of(evidence)
    assert np.array_equal(problem.learnt, np.flatnonzero(evidence.masked))
    dense = problem.mean_matrix.to_dense()
    assert torch.allclose(dense.sum(1), torch.ones(len(problem.view)), atol=1e-6)
    raws = [smooth_start(means[problem.learnt], config.frequency, 0).requires_grad_(True) for _ in range(2)]
    for raw, given in zip(raws, (problem, replace(problem, mean_matrix=dense)), strict=True):
        optimizer = torch.optim.Adam([raw], lr=config.learning_rate)
        losses = [feature_step(given, raw, optimizer, config) for _ in range(3)]
        assert losses[0][0] > losses[-1][0]
    assert torch.allclose(raws[0], raws[1], atol=1e-3)
    assert not torch.allclose(raws[0], smooth_start(means[problem.learnt], config.frequency, 0), atol=1e-2)


def test_masks_are_numbered_inside_their_view_and_share_by_the_root_of_their_light(evidence):
    problem = FeatureProblem.of(evidence)
    for view in problem.view.unique():
        assert problem.slot[problem.view == view].tolist() == list(range(int((problem.view == view).sum())))
    places = zip(evidence.row_view.tolist(), evidence.row_label.tolist(), strict=True)
    rows = {place: row for row, place in enumerate(places)}
    light = evidence.matrix.toarray()[:, problem.learnt].sum(axis=1)
    ours = np.array([light[rows[int(v), int(label)]] for v, label in zip(problem.view, problem.label, strict=True)])
    assert torch.allclose(problem.shares, torch.from_numpy(np.sqrt(ours) / np.sqrt(ours).sum()).float(), atol=1e-6)


def test_a_single_mask_over_a_single_gaussian(evidence_of):
    field = fit_features(evidence_of(np.array([[1]])), np.zeros((1, 3), np.float32), SHORT, 0)
    assert field.features.norm().item() == pytest.approx(1.0, abs=1e-6)
    assert field.losses["separation"] == [0.0] * 30
