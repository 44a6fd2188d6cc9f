"""Laws of W, whoever computed it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsseg.render import BlendWeights, RenderConfig, blend_weights, render_map
from gsseg.render.sparse_matrix import product_on_device
from gsseg.scene import View


@pytest.fixture(scope="module")
def gaussians(make_gaussians):
    return make_gaussians("plain", 300, seed=3)


@pytest.fixture(scope="module")
def camera(make_camera):
    return make_camera(41, 29)


@pytest.fixture(scope="module")
def weights(gaussians, camera, renderer):
    return blend_weights(gaussians, camera, renderer=renderer)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_rows_sum_to_alpha_and_never_beyond_one(weights):
    dense = weights.to_dense()
    assert torch.allclose(weights.alpha, dense.sum(1), atol=1e-6)
    assert (weights.alpha <= 1.0).all()
    assert (weights.values > 0).all()
    assert weights.alpha.max() > 0.5


def test_visibility_is_the_sum_of_columns(weights):
    assert torch.allclose(weights.visibility, weights.to_dense().sum(0), atol=1e-4)


def test_permuting_gaussians_permutes_columns(gaussians, camera, renderer, weights):
    order = torch.randperm(len(gaussians), generator=torch.Generator().manual_seed(1))
    permuted = blend_weights(gaussians.subset(order), camera, renderer=renderer)
    assert torch.allclose(permuted.to_dense(), weights.to_dense()[:, order], atol=1e-7)


def test_some_pixels_are_the_same_rows(gaussians, camera, renderer, weights):
    pixels = torch.arange(5, camera.width * camera.height, 7)
    some = blend_weights(gaussians, camera, pixels=pixels, renderer=renderer)
    assert torch.equal(some.pixels, pixels)
    assert torch.equal(some.to_dense(), weights.to_dense()[pixels])
    picked = weights.sampled(pixels)
    assert torch.equal(picked.to_dense(), some.to_dense())
    assert torch.equal(picked.pixels, pixels)


@pytest.mark.parametrize("dim", [1, 3, 6, 17])
def test_products_are_those_of_the_dense_matrix(weights, dim):
    dense = weights.to_dense()
    features, maps = random(weights.gaussians, dim), random(weights.rows, dim, seed=1)
    assert torch.allclose(weights.render(features), dense @ features, atol=1e-5)
    assert torch.allclose(weights.backproject(maps), dense.T @ maps, atol=1e-4)
    assert torch.allclose(product_on_device(weights.matrix, features), dense @ features, atol=1e-5)
    assert torch.allclose(product_on_device(weights.matrix.T, maps), dense.T @ maps, atol=1e-4)


@pytest.mark.parametrize("dim", [1, 6, 17])
def test_packing_changes_no_product(weights, dim):
    packed = weights.packed()
    features, maps = random(weights.gaussians, dim), random(weights.rows, dim, seed=1)
    assert torch.equal(packed.render(features), weights.render(features))
    assert torch.allclose(packed.backproject(maps), weights.backproject(maps), atol=1e-5)
    assert packed.packed() is packed
    assert packed.nbytes > weights.nbytes
    assert torch.equal(packed.indices, weights.indices)
    held, first = np.unique(weights.indices.numpy(), return_index=True)
    assert packed.packing.columns.tolist() == held[np.argsort(first)].tolist()
    assert np.array_equal(packed.packing.columns[packed.packing.indices], weights.indices.numpy())


def test_rendering_is_linear(weights):
    a, b = random(weights.gaussians, 6), random(weights.gaussians, 6, seed=1)
    assert torch.allclose(weights.render(2 * a - 3 * b), 2 * weights.render(a) - 3 * weights.render(b), atol=1e-5)


def test_backprojection_is_the_adjoint(weights):
    features, maps = random(weights.gaussians, 6), random(weights.rows, 6, seed=1)
    left, right = (weights.render(features) * maps).sum(), (features * weights.backproject(maps)).sum()
    assert torch.isclose(left, right, rtol=1e-4)


def test_gradients_are_the_other_product(weights):
    features = random(weights.gaussians, 6).requires_grad_()
    maps = random(weights.rows, 6, seed=1).requires_grad_()
    weights.render(features).backward(maps.detach())
    weights.backproject(maps).backward(features.detach())
    assert torch.equal(features.grad, weights.backproject(maps.detach()))
    assert torch.equal(maps.grad, weights.render(features.detach()))


def test_pool_is_the_one_hot_product(weights):
    labels = torch.randint(-1, 5, (weights.rows,), generator=torch.Generator().manual_seed(2))
    labels[labels == 3] = 2  # a label that no pixel has
    pooled = weights.pool(labels, 7)
    hot = torch.stack([(labels == label).float() for label in range(7)])
    assert pooled.is_coalesced()
    assert pooled.shape == (7, weights.gaussians)
    assert torch.allclose(pooled.to_dense(), hot @ weights.to_dense(), atol=1e-5)
    again = torch.sparse_coo_tensor(
        pooled.indices(), pooled.values(), pooled.shape, check_invariants=True, is_coalesced=False
    ).coalesce()
    assert torch.equal(again.indices(), pooled.indices())
    assert weights.pool(labels).shape[0] == 5


def test_pool_of_no_labels_at_all(weights):
    pooled = weights.pool(torch.full((weights.rows,), -1))
    assert pooled.shape == (0, weights.gaussians)


def test_a_picture_is_the_map_in_the_image_s_shape(gaussians, camera, weights):
    view = View("photo", camera)
    colors = random(weights.gaussians, 3)
    picture = render_map(colors, gaussians, view)
    assert picture.shape == (29, 41, 3)
    assert torch.allclose(picture.reshape(-1, 3), weights.render(colors), atol=1e-4)
    silhouette = render_map(torch.ones(weights.gaussians, 1), gaussians, camera)
    assert torch.allclose(silhouette.reshape(-1), weights.alpha, atol=1e-4)


def test_wrong_sizes_are_named(weights):
    with pytest.raises(ValueError, match=f"W has {weights.gaussians} Gaussians, the features have 2 rows"):
        weights.render(torch.zeros(2, 6))
    with pytest.raises(ValueError, match=f"W has {weights.rows} pixels, the map has 2 rows"):
        weights.backproject(torch.zeros(2, 6))
    with pytest.raises(ValueError, match="there are 3 labels"):
        weights.pool(torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match="label 4 has no row among 4"):
        weights.pool(torch.full((weights.rows,), 4), 4)


def test_pixels_are_checked(gaussians, camera, renderer):
    for pixels, message in (
        (torch.tensor([3, 2]), "ascend"),
        (torch.tensor([2, 2]), "ascend"),
        (torch.tensor([-1, 2]), "-1..2 of an image"),
        (torch.tensor([0, camera.width * camera.height]), "of an image of 41 x 29"),
    ):
        with pytest.raises(ValueError, match=message):
            blend_weights(gaussians, camera, pixels=pixels, renderer=renderer)


def test_nothing_in_view_is_an_empty_matrix(gaussians, camera, renderer):
    behind = replace(gaussians, means=gaussians.means - torch.tensor([0.0, 20.0, 0.0]))
    for scene in (behind, gaussians.subset(torch.zeros(0, dtype=torch.int64))):
        weights = blend_weights(scene, camera, renderer=renderer)
        assert weights.rows == camera.width * camera.height
        assert len(weights.indices) == 0
        assert weights.render(torch.ones(len(scene), 6)).abs().sum() == 0
        assert weights.packed().render(torch.ones(len(scene), 6)).abs().sum() == 0
        assert weights.packed().backproject(torch.ones(weights.rows, 6)).shape == (len(scene), 6)
        assert weights.pool(torch.zeros(weights.rows, dtype=torch.int64))._nnz() == 0


def test_what_cannot_be_drawn_has_no_column(gaussians, camera, renderer, weights):
    assert not gaussians.drawable.all()
    assert weights.visibility[~gaussians.drawable].abs().sum() == 0


def test_near_plane_removes_what_is_nearer(gaussians, camera, renderer):
    weights = blend_weights(replace(gaussians, render=RenderConfig(near_plane=3.0)), camera, renderer=renderer)
    depth = gaussians.means[:, 1] + 3.0
    assert weights.visibility[depth < 3.0].sum() == 0
    assert weights.visibility[depth > 3.0].sum() > 0


def test_weights_stay_as_they_are_on_their_own_device(weights):
    """Packing included: whoever asks for the processor's weights once a step must not lose it."""
    packed = weights.packed()
    assert weights.to("cpu") is weights
    assert packed.to(torch.device("cpu")) is packed


def test_moving_to_another_device_keeps_everything_but_the_packing(weights):
    picked = weights.sampled(torch.arange(0, weights.rows, 3)).packed()
    moved = picked.to("meta")
    assert isinstance(moved, BlendWeights)
    assert moved.packing is None
    assert {moved.indptr.device.type, moved.indices.device.type, moved.values.device.type} == {"meta"}
    assert moved.pixels.device.type == "meta"
    assert moved.gaussians == picked.gaussians
    assert moved.rows == picked.rows


def test_six_columns_are_those_of_seven(weights):
    """The vector code for six channels adds in the order of the plain loop, so a seventh column changes nothing."""
    for given in (weights, weights.packed()):
        features, maps = random(given.gaussians, 7), random(given.rows, 7, seed=1)
        assert torch.allclose(given.render(features)[:, :6], given.render(features[:, :6]), atol=1e-6)
        assert torch.equal(given.backproject(maps)[:, :6], given.backproject(maps[:, :6].contiguous()))
