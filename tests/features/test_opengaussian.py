"""The published per-pixel objective on blending weights, against the same losses on dense matrices."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsseg.features.losses import inverse_distance_separation
from gsseg.features.opengaussian import OpenGaussianConfig, fit_opengaussian
from gsseg.render import BlendWeights

PER_THING, PIXELS = 12, 90
QUICK = OpenGaussianConfig(passes=30, learning_rate=0.03)


def weights_of(dense: np.ndarray) -> BlendWeights:
    rows, columns = np.nonzero(dense)
    indptr = np.searchsorted(rows, np.arange(len(dense) + 1))
    arrays = (indptr, columns.astype(np.int32), dense[rows, columns].astype(np.float32))
    return BlendWeights(*map(torch.from_numpy, arrays), dense.shape[1])


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Three things, and a Gaussian that no pixel sees."""
    return np.append(np.repeat([0, 1, 2], PER_THING), -1)


@pytest.fixture(scope="module")
def views(truth):
    """Four views; a pixel shows three Gaussians of one thing; every view numbers the things anew."""
    rng = np.random.default_rng(0)
    out = []
    for _ in range(4):
        thing = rng.integers(0, 3, PIXELS)
        dense = np.zeros((PIXELS, len(truth)))
        for p in range(PIXELS):
            shown = rng.choice(np.flatnonzero(truth == thing[p]), 3, replace=False)
            dense[p, shown] = rng.dirichlet([1, 1, 1]) * 0.95
        labels = torch.from_numpy(rng.permutation([0, 4, 7])[thing])
        out.append((weights_of(dense), labels))
    return out


@pytest.fixture(scope="module")
def masked(truth) -> torch.Tensor:
    return torch.from_numpy(truth >= 0)


def fit(views, masked, config, seed=0, progress=lambda done, total: None):
    return fit_opengaussian([lambda v=view: v for view in views], masked, config, seed, progress)


def test_losses_fall_and_things_come_apart(views, masked, truth):
    told = []
    field = fit(views, masked, QUICK, progress=lambda *step: told.append(step))
    assert told == [(i, 120) for i in range(1, 121)]
    total = 0.1 * np.array(field.losses["cohesion"]) + np.array(field.losses["separation"])
    assert len(total) == 30
    assert total[-1] < 0.8 * total[0]
    cosines = (field.features @ field.features.T).numpy()[:-1, :-1]
    together = np.equal.outer(truth[:-1], truth[:-1])
    assert cosines[together].mean() > cosines[~together].mean() + 0.5


def test_features_are_of_unit_length_where_masked_and_zero_elsewhere(views, masked):
    field = fit(views, masked, replace(QUICK, passes=2))
    assert torch.allclose(field.features.norm(dim=1), masked.float(), atol=1e-6)
    assert torch.equal(field.seen, masked)


def test_one_seed_one_result_bit_for_bit(views, masked):
    first, second, other = (fit(views, masked, replace(QUICK, passes=3), seed) for seed in (1, 1, 2))
    assert torch.equal(first.features, second.features)
    assert first.losses == second.losses
    assert not torch.equal(first.features, other.features)


def test_losses_are_the_published_ones_of_the_rendered_features(views, masked):
    """With a learning rate of zero the features that come back are those whose losses were told."""
    field = fit(views, masked, OpenGaussianConfig(passes=1, learning_rate=0.0))
    together, apart = [], []
    for weights, labels in views:
        rendered = weights.to_dense() @ field.features
        of_masks = [rendered[labels == label] for label in labels.unique() if label > 0]
        together.append(torch.stack([(m - m.mean(0)).norm(dim=1).mean() for m in of_masks]).mean().item())
        apart.append(inverse_distance_separation(torch.stack([m.mean(0) for m in of_masks])).item())
    assert field.losses["cohesion"] == pytest.approx([np.mean(together)], rel=1e-4)
    assert field.losses["separation"] == pytest.approx([np.mean(apart)], rel=1e-4)


def test_a_step_is_adam_on_the_plain_gradient(views, masked):
    """With one view, Adam's first step moves every number that has a gradient by the learning rate against its sign."""
    rate = 1e-3
    still = fit(views[:1], masked, OpenGaussianConfig(passes=1, learning_rate=0.0))
    moved = fit(views[:1], masked, OpenGaussianConfig(passes=1, learning_rate=rate))
    raw = torch.rand(len(masked), 6, generator=torch.Generator().manual_seed(0)).mul(2).sub(1).requires_grad_(True)
    unit = torch.nn.functional.normalize(raw, dim=1)
    assert torch.allclose(unit[:-1], still.features[:-1], atol=1e-6)
    weights, labels = views[0]
    rendered = weights.to_dense() @ unit
    of_masks = [rendered[labels == label] for label in labels.unique() if label > 0]
    together = torch.stack([(m - m.mean(0)).norm(dim=1).mean() for m in of_masks]).mean()
    (0.1 * together + inverse_distance_separation(torch.stack([m.mean(0) for m in of_masks]))).backward()
    clear = raw.grad.abs() > 1e-6
    assert clear.float().mean() > 0.5
    expected = torch.nn.functional.normalize(raw.detach() - rate * raw.grad.sign(), dim=1)
    whole = clear.all(dim=1)
    assert whole.sum() > 5
    assert torch.allclose(moved.features[whole], expected[whole], atol=1e-6)


def test_views_without_masks_are_passed_over(views, masked):
    blank = (views[0][0], torch.zeros(PIXELS, dtype=torch.int64))
    config = OpenGaussianConfig(passes=2, learning_rate=0.0)
    field = fit([*views[:1], blank], masked, config)
    alone = fit(views[:1], masked, config)
    assert torch.equal(field.features, alone.features)
    assert field.losses["separation"][0] == alone.losses["separation"][0]
    assert fit([blank], masked, config).losses == {"cohesion": [], "separation": []}
