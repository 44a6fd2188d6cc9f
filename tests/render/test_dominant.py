"""Whose pixel it is: as a dense product says."""

import numpy as np
import torch

from gsseg.render import blend_weights
from gsseg.render.dominant import NOBODY, dominant_labels


def test_as_the_dense_product_says(make_gaussians, make_camera):
    gaussians, camera = make_gaussians(), make_camera()
    weights = blend_weights(gaussians, camera)
    labels = np.random.default_rng(0).integers(-1, 5, len(gaussians)).astype(np.int32)
    one_hot = torch.nn.functional.one_hot(torch.from_numpy(labels).long() + 1, 6).float()
    shares = weights.to_dense() @ one_hot
    expected = np.where(weights.alpha.numpy() >= 0.5, shares.numpy().argmax(1) - 1, NOBODY)
    found = dominant_labels(weights, labels)
    top = np.sort(shares.numpy(), axis=1)
    clear = (top[:, -1] - top[:, -2] > 1e-5) & (np.abs(weights.alpha.numpy() - 0.5) > 1e-5)
    assert clear.mean() > 0.5
    assert np.array_equal(found[clear], expected[clear])
    assert len(np.unique(found)) > 2


def test_one_label_and_none(make_gaussians, make_camera):
    gaussians, camera = make_gaussians(), make_camera()
    weights = blend_weights(gaussians, camera)
    alone = dominant_labels(weights, np.zeros(len(gaussians), np.int32))
    assert np.array_equal(alone == 0, weights.alpha.numpy() >= 0.5)
    assert (dominant_labels(weights, np.full(len(gaussians), -1, np.int32)) == NOBODY).all()
