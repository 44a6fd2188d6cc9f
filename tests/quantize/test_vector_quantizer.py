"""Words and their gradients: what reaches the vectors and the words, level by level."""

import numpy as np
import pytest
import torch
from torch import Tensor

from gsseg.quantize.rqvae.vector_quantizer import ResidualQuantizer, VectorQuantizer


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def residual(gradient: str, levels: int = 3, codes: int = 8, dim: int = 4, beta: float = 0.25) -> ResidualQuantizer:
    layers = []
    for level in range(levels):
        layer = VectorQuantizer(codes, dim, torch.Generator(), beta)
        layer.codebook.data = draw(codes, dim, seed=10 + level) / (1 + level)
        layers.append(layer)
    return ResidualQuantizer(layers, gradient)


def test_a_word_is_its_own_word():
    quantizer = VectorQuantizer(8, 4, torch.Generator().manual_seed(0))
    words, loss, codes = quantizer(quantizer.codebook.detach())
    assert torch.equal(words, quantizer.codebook)
    assert codes.tolist() == list(range(8))
    assert loss.item() == 0


@pytest.mark.parametrize("gradient", ["joint", "per_level"])
def test_quantizing_what_was_quantized_changes_nothing_where_words_are_far_apart(gradient):
    quantizer = residual(gradient)
    for level, layer in enumerate(quantizer.levels):
        # Each level's words are much closer together than those of the one before.
        layer.codebook.data = 10.0**-level * torch.sign(layer.codebook.data)
    total, _, codes = quantizer(draw(50, 4))
    again, loss, same = quantizer(total.detach())
    torch.testing.assert_close(again, total)
    assert torch.equal(quantizer.decode(same), quantizer.decode(codes))
    assert loss.item() >= 0


@pytest.mark.parametrize("gradient", ["joint", "per_level"])
def test_values_are_those_of_greedy_residual_quantization(gradient):
    quantizer, vectors = residual(gradient), draw(40, 4)
    total, loss, codes = quantizer(vectors)
    left, losses = vectors.double(), []
    for layer, chosen in zip(quantizer.levels, codes, strict=True):
        words = layer.codebook.detach().double()
        assert torch.equal((left[:, None] - words).square().sum(-1).argmin(1), chosen)
        left = left - words[chosen]
        losses.append(left.square().mean())
    torch.testing.assert_close(total.double(), vectors.double() - left, rtol=0, atol=1e-6)
    torch.testing.assert_close(loss.double(), 1.25 * torch.stack(losses).mean(), rtol=1e-5, atol=0)
    assert torch.equal(quantizer.encode(vectors), codes)
    torch.testing.assert_close(quantizer.decode(codes), total)


def test_permuting_vectors_permutes_codes():
    quantizer, vectors, order = residual("joint"), draw(40, 4), torch.randperm(40)
    assert torch.equal(quantizer.encode(vectors[order]), quantizer.encode(vectors)[:, order])


def test_nearest_words_far_from_the_origin():
    quantizer = VectorQuantizer(16, 4, torch.Generator())
    quantizer.codebook.data = 4096 + torch.round(draw(16, 4) * 64) / 64  # exact in float32
    vectors = 4096 + torch.round(draw(300, 4, seed=1) * 64) / 64
    exact = (vectors.double()[:, None] - quantizer.codebook.detach().double()).square().sum(-1).argmin(1)
    assert torch.equal(quantizer.nearest(vectors), exact)


def test_sinkhorn_balances_in_training_and_only_there():
    quantizer = VectorQuantizer(4, 2, torch.Generator(), epsilon=0.01)
    quantizer.codebook.data = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0], [3.0, 3.0]])
    vectors = 0.1 * draw(80, 2)
    assert torch.bincount(quantizer.codes_of(vectors), minlength=4).min() >= 15
    assert torch.bincount(quantizer.eval().codes_of(vectors), minlength=4).tolist() == [80, 0, 0, 0]


def commitment_gradient(gradient: str, level: int) -> Tensor:
    """Gradient in the latents of the commitment loss of one level alone."""
    quantizer = residual(gradient, beta=0.0)
    quantizer.levels[level].beta = 1.0
    latents = draw(20, 4).requires_grad_()
    quantizer(latents)[1].backward()
    assert latents.grad is not None
    return latents.grad


def test_commitment_of_later_levels_reaches_the_latents_in_joint_only():
    for level in (1, 2):
        assert commitment_gradient("joint", level).abs().max() > 1e-3
        assert commitment_gradient("per_level", level).abs().max() == 0
    torch.testing.assert_close(commitment_gradient("joint", 0), commitment_gradient("per_level", 0))


def test_reconstruction_reaches_latents_in_both_and_words_in_joint_only():
    for gradient in ("joint", "per_level"):
        quantizer = residual(gradient)
        latents = draw(20, 4).requires_grad_()
        total, _, codes = quantizer(latents)
        pull = draw(20, 4, seed=5)
        (total * pull).sum().backward()
        torch.testing.assert_close(latents.grad, pull)
        for layer, chosen in zip(quantizer.levels, codes, strict=True):
            expected = torch.zeros(8, 4).index_add(0, chosen, pull)
            if gradient == "joint":
                torch.testing.assert_close(layer.codebook.grad, expected)
            else:
                assert layer.codebook.grad is None


def test_loss_moves_words_to_their_vectors():
    quantizer, vectors = residual("joint", levels=1), draw(40, 4)
    _, loss, codes = quantizer(vectors)
    loss.backward()
    layer = quantizer.levels[0]
    for code in codes.unique():
        mine = vectors[codes[0] == code]
        expected = 2 * (layer.codebook[code].detach() - mine).sum(0) / vectors.numel()
        torch.testing.assert_close(layer.codebook.grad[code], expected)


def test_start_lowers_the_error_of_each_level_and_follows_the_seed():
    vectors = 10 * draw(4, 4, seed=3).repeat(30, 1) + 0.1 * draw(120, 4)
    quantizer, same, other = residual("joint"), residual("per_level"), residual("joint")
    for started, seed in ((quantizer, 0), (same, 0), (other, 1)):
        started.start_codebooks_(vectors, seed)
    codes, errors = quantizer.encode(vectors), []
    for levels in range(1, 4):
        partial = ResidualQuantizer(quantizer.levels[:levels]).decode(codes[:levels])
        errors.append(float((vectors - partial).detach().square().mean()))
    assert errors[0] < 0.02
    assert errors == sorted(errors, reverse=True)
    assert torch.equal(quantizer.levels[0].codebook, same.levels[0].codebook)
    assert not torch.equal(quantizer.levels[0].codebook, other.levels[0].codebook)


def test_start_needs_as_many_vectors_as_codes():
    with pytest.raises(ValueError, match="5 items are too few for 8 codes"):
        residual("joint").start_codebooks_(draw(5, 4), 0)


@pytest.mark.parametrize("epsilon", [0.05, None])
def test_gradients_are_those_worked_out_by_hand(epsilon):
    # Of sum(q^2) + loss, all means over n entries: the sum's gradient 2 q goes straight through to the vectors, which
    # the commitment loss pulls to their words by 2 beta (x - q) / n; words get 2 (q - x) / n of each of their vectors.
    vectors, beta = draw(32, 5).requires_grad_(), 0.25
    quantizer = VectorQuantizer(8, 5, torch.Generator().manual_seed(3), beta, epsilon, 50)
    words, loss, codes = quantizer(vectors)
    (words.square().sum() + loss).backward()
    x, q, n = vectors.detach(), quantizer.codebook.detach()[codes], vectors.numel()
    torch.testing.assert_close(words, q)
    torch.testing.assert_close(loss, (1 + beta) * (q - x).square().mean())
    torch.testing.assert_close(vectors.grad, 2 * q + 2 * beta * (x - q) / n)
    pulls = torch.zeros_like(quantizer.codebook).index_add(0, codes, 2 * (q - x) / n)
    torch.testing.assert_close(quantizer.codebook.grad, pulls)


def test_stored_values_and_gradients(shared):
    with np.load(shared / "oracle/rq/sinkhorn.npz", allow_pickle=False) as data:
        arrays = {key: torch.from_numpy(data[key]) for key in data.files if key.startswith("vq_")}
    for name, epsilon, stored_loss in (("sk", 0.05, 1.4853383302688599), ("nosk", None, 1.1549612283706665)):
        quantizer = VectorQuantizer(8, 5, torch.Generator(), 0.25, epsilon, 50)
        quantizer.codebook.data = arrays["vq_codebook"].clone()
        vectors = arrays["vq_x"].clone().requires_grad_()
        words, loss, codes = quantizer(vectors)
        (words.square().sum() + loss).backward()
        assert torch.equal(codes, arrays[f"vq_{name}_indices"])
        assert loss.item() == pytest.approx(stored_loss, rel=1e-6)
        torch.testing.assert_close(words, arrays[f"vq_{name}_xq"], atol=1e-6, rtol=0)
        torch.testing.assert_close(vectors.grad, arrays[f"vq_{name}_grad_x"], atol=1e-6, rtol=0)
        torch.testing.assert_close(quantizer.codebook.grad, arrays[f"vq_{name}_grad_codebook"], atol=1e-6, rtol=0)
