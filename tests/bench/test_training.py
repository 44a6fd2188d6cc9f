"""What is compared is the same step: by W and by the rasterizer the losses and gradients agree."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from gsseg.bench import training as bench
from gsseg.bench.rasterized import RasterizedMeans, RasterizedView
from gsseg.bench.training import CONFIG, Training, measure_training
from gsseg.codebook.pseudo_features import PseudoFeatureLoss
from gsseg.features import MaskEvidence
from gsseg.features.fit import FeatureProblem
from gsseg.threads import one_torch_thread


@pytest.fixture(scope="module")
def training(small_scene):
    with one_torch_thread():
        yield Training.of(small_scene(3000))


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_views_are_opaque_and_have_masks_of_surfaces(training):
    assert len(training.views) == 4
    for view, weights in zip(training.views, training.whole, strict=True):
        assert weights.alpha.mean() > 0.8
        assert 3 < len(np.unique(view.labels)) < 60
        assert view.labels.min() == 1
    assert training.evidence.views == 4
    assert training.evidence.masked.mean() > 0.3


def test_both_ways_to_draw_and_to_backproject_agree(training):
    for weights, drawn in zip(training.whole, training.rasterized, strict=True):
        features, maps = random(weights.gaussians, 6), random(weights.rows, 6, seed=1)
        assert torch.allclose(drawn.render(features), weights.render(features), atol=1e-4)
        expected = weights.backproject(maps)
        for _ in range(2):  # after a `render`, and without one
            assert torch.allclose(drawn.backproject(maps), expected, atol=1e-4 * expected.abs().max().item())


def test_both_ways_to_a_pseudo_feature_gradient_agree(training):
    losses = training.losses()
    discrete = random(len(training.problem.learnt), 6)
    (one, by_weights), (other, by_rasterizer) = losses["all pixels"](discrete), losses["rasterizer"](discrete)
    assert one == pytest.approx(other, rel=1e-4)
    # A sign flips where the difference is as small as the two renderers' roundings.
    assert np.quantile((by_weights - by_rasterizer).abs().numpy(), 0.99) < 1e-3
    assert by_weights.abs().max() > 0.5


def test_the_loss_on_some_pixels_estimates_that_on_all(training):
    """Which is why training may sample them."""
    discrete = random(len(training.problem.learnt), 6)
    features = torch.zeros(len(training.scene.gaussians), 6)
    features[training.problem.learnt] = torch.nn.functional.normalize(training.raw, dim=1)
    some = torch.arange(0, 4800, 7)
    views = [lambda w=weights: (w.sampled(some), torch.ones(len(some)).long()) for weights in training.whole]
    found = PseudoFeatureLoss(features, training.problem.learnt, views)(discrete)[0]
    assert found == pytest.approx(training.losses()["all pixels"](discrete)[0], rel=0.05)


def test_both_ways_to_a_feature_gradient_agree_where_all_pixels_speak(training):
    """Evidence that is A = M W, without its preference for the pixel under a centre, is what a rasterizer draws."""
    pooled = [
        weights.pool(torch.from_numpy(view.labels.reshape(-1).astype(np.int64)))
        for view, weights in zip(training.views, training.whole, strict=True)
    ]
    matrix = sp.csr_array(np.concatenate([each.to_dense().numpy() for each in pooled]))
    counts = [each.shape[0] for each in pooled]
    label = np.concatenate([np.arange(count) for count in counts]).astype(np.int32)
    gaussians = matrix.shape[1]
    evidence = MaskEvidence(
        matrix,
        np.repeat(np.arange(len(pooled)), counts).astype(np.int32),
        label,
        np.ones(gaussians, bool),
        matrix.sum(axis=0).astype(np.float32),
        np.zeros((len(pooled), 3), np.float32),
    )
    problem = FeatureProblem.of(evidence)
    drawn = replace(problem, mean_matrix=RasterizedMeans.of(problem, training.views, training.rasterized))
    features = torch.nn.functional.normalize(random(len(problem.learnt), 6), dim=1)
    assert torch.allclose(problem.mean_matrix @ features, drawn.mean_matrix @ features, atol=1e-3)
    gradients = []
    for each in (problem, drawn):
        leaf = features.clone().requires_grad_()
        sum(each.losses(leaf, CONFIG.features.temperature)).backward()
        gradients.append(leaf.grad)
    scale = gradients[0].abs().max().item()
    assert scale > 0
    assert torch.allclose(gradients[0], gradients[1], rtol=1e-2, atol=1e-3 * scale)


def test_steps_learn(training):
    """They are steps of training, so they lower their losses; the rasterizer's too."""
    for step in (training.feature_steps(), training.feature_steps(rasterizer=True)):
        losses = [sum(step()) for _ in range(20)]
        assert losses[-1] < losses[0]
    loss, run = training.losses()["sampled"], training.passes()["coarse"]
    before, level = run(loss)
    assert loss(level.discrete)[0] < before


def test_figures_ratios_and_progress(small_scene, quick_rounds):
    told = []
    with one_torch_thread():
        part = measure_training(small_scene(2000), 2, lambda *event: told.append(event))
    assert told == [("2000 Gaussians", done, 2) for done in range(3)]
    assert all(0 < figure.minimum <= figure.median for figure in part.figures)
    assert all(ratio.value > 0 for ratio in part.ratios)
    assert part.counts["pixels a view"] == 80 * 60
    assert bench.EVIDENCE in {figure.name for figure in part.figures}


def test_a_rasterized_view_takes_any_number_of_channels(training):
    drawn = RasterizedView(training.scene.gaussians, training.scene.camera)
    drawn.render(random(3000, 6))
    visibility = drawn.backproject(torch.ones(4800, 1))[:, 0]
    assert torch.allclose(visibility, training.whole[0].visibility, rtol=1e-3, atol=1e-3)
