"""Loss and gradient are those of plain torch."""

import numpy as np
import pytest
import torch

from gsseg.splats.ssim import C1, C2, WINDOW, photometric


def oracle(
    x: torch.Tensor, y: torch.Tensor, share: float, seen: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """As Inria's trainer computes it: a full 11 x 11 convolution of every map."""
    if seen is not None:
        x, y = x * seen, y * seen
    line = torch.tensor(WINDOW, dtype=torch.float64)
    kernel = (line[:, None] * line)[None, None].expand(3, 1, 11, 11)

    def blur(values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(values[None], kernel, padding=5, groups=3)[0]

    m, n = blur(x), blur(y)
    upper = (2 * m * n + C1) * (2 * (blur(x * y) - m * n) + C2)
    lower = (m * m + n * n + C1) * (blur(x * x) - m * m + blur(y * y) - n * n + C2)
    ssim = (upper / lower).mean()
    return (1 - share) * (x - y).abs().mean() + share * (1 - ssim), ssim


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_loss_and_gradient_are_the_oracles(share: float, masked: bool):
    rng = np.random.default_rng(0)
    x, y = np.zeros((2, 3, 23, 40), np.float32)
    x[:, :, :37] = rng.random((3, 23, 37))
    y[:, :, :37] = np.clip(x[:, :, :37] + 0.2 * rng.normal(size=(3, 23, 37)), 0, 1)
    seen = None
    if masked:
        seen = np.zeros((23, 40), np.float32)
        seen[3:, :30] = 1
    leaf = torch.tensor(x[:, :, :37], dtype=torch.float64, requires_grad=True)
    plain = None if seen is None else torch.tensor(seen[:, :37], dtype=torch.float64)
    exact, likeness = oracle(leaf, torch.tensor(y[:, :, :37], dtype=torch.float64), share, plain)
    exact.backward()
    loss, ssim, gradient = photometric(x, y, 37, share, seen)
    assert loss == pytest.approx(exact.item(), rel=1e-5)
    assert ssim == pytest.approx(likeness.item(), rel=1e-5)
    slope = torch.as_tensor(leaf.grad).numpy()
    assert np.abs(gradient[:, :, :37] - slope).max() <= 1e-5 * np.abs(slope).max()
    assert not gradient[:, :, 37:].any()


def test_a_picture_is_most_like_itself():
    x = np.zeros((3, 16, 16), np.float32)
    x[:] = np.random.default_rng(1).random((3, 16, 16))
    loss, ssim, gradient = photometric(x, x.copy(), 16, 0.2)
    assert loss == pytest.approx(0, abs=1e-6)
    assert ssim == pytest.approx(1, abs=1e-6)
    assert np.abs(gradient).max() < 1e-6
