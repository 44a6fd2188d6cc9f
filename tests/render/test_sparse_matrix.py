"""A sparse matrix times a dense one is what the dense product is, forward and backward, transposed or not."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from gsseg.render.sparse_matrix import SparseMatrix, product_on_device


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module", params=["plain", "packed"])
def matrix(request):
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(70, 200)) * (rng.random((70, 200)) > 0.8)
    dense[3] = dense[:, 5] = 0
    matrix = SparseMatrix.of(sp.csr_array(dense.astype(np.float32)))
    return matrix.packed() if request.param == "packed" else matrix


def both(matrix):
    return matrix, matrix.T


def test_the_transpose_is_that_of_the_dense_matrix_and_undone_by_itself(matrix):
    assert matrix.shape == (70, 200)
    assert matrix.T.shape == (200, 70)
    assert torch.equal(matrix.T.to_dense(), matrix.to_dense().T)
    assert torch.equal(matrix.T.T.to_dense(), matrix.to_dense())
    assert matrix.T.values is matrix.values
    assert matrix.T.packing is matrix.packing


@pytest.mark.parametrize("dim", [1, 5, 6, 7])
def test_product_and_gradient_are_those_of_the_dense_matrix(matrix, dim):
    for ours in both(matrix):
        plain = ours.to_dense()
        factors = [random(ours.shape[1], dim).requires_grad_(True) for _ in range(2)]
        wanted = random(ours.shape[0], dim, seed=1)
        products = [ours @ factors[0], plain @ factors[1]]
        for product in products:
            (product * wanted).square().sum().backward()
        assert torch.allclose(products[0], products[1], atol=1e-4)
        assert torch.allclose(factors[0].grad, factors[1].grad, rtol=1e-4, atol=1e-3)
        assert torch.allclose(product_on_device(ours, factors[0].detach()), products[1], atol=1e-4)


def test_the_gradient_is_that_of_finite_differences(matrix):
    """A linear map is its own derivative: (M (x + d) - M x) . g = d . (M.T g), however large d is."""
    for ours in both(matrix):
        x, step = random(ours.shape[1], 6).requires_grad_(True), random(ours.shape[1], 6, seed=2)
        g = random(ours.shape[0], 6, seed=1)
        ((ours @ x) * g).sum().backward()
        change = ((ours @ (x.detach() + step)) - (ours @ x.detach())).double().mul(g).sum()
        assert (x.grad.double() * step).sum() == pytest.approx(change.item(), rel=1e-4)


def test_factors_need_not_be_contiguous_or_float32(matrix):
    factor = random(6, 200).T
    assert torch.equal(matrix @ factor, matrix @ factor.contiguous())
    assert torch.equal(matrix @ factor.double(), matrix @ factor.contiguous())
    leaf = random(200, 6).requires_grad_(True)
    (matrix @ leaf).sum().backward()  # the gradient of a sum is expanded, not stored
    assert torch.allclose(leaf.grad, matrix.to_dense().sum(0)[:, None].expand(-1, 6), atol=1e-4)


def test_scipy_may_choose_the_width_of_its_indices(matrix):
    held = sp.csr_array(matrix.to_dense().numpy())
    wide = sp.csr_array((held.data.astype(np.float64), held.indices.astype(np.int64), held.indptr), held.shape)
    assert torch.equal(SparseMatrix.of(wide).to_dense(), matrix.to_dense())


def test_an_empty_matrix():
    empty = SparseMatrix.of(sp.csr_array((3, 4), dtype=np.float32))
    for ours in (empty, empty.packed()):
        assert (ours @ torch.ones(4, 6)).tolist() == torch.zeros(3, 6).tolist()
        assert (ours.T @ torch.ones(3, 6)).tolist() == torch.zeros(4, 6).tolist()


def test_sizes_that_do_not_fit_are_named(matrix):
    with pytest.raises(ValueError, match="a 70 x 200 matrix times 70 rows"):
        matrix @ torch.ones(70, 6)
    with pytest.raises(ValueError, match="a 200 x 70 matrix times 200 rows"):
        matrix.T @ torch.ones(200, 6)
