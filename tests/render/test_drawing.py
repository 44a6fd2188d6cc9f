"""The way back through the compiled renderer gives the gradient of the float64 oracle, and of finite differences."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsseg.render import reference
from gsseg.render.drawing import draw, draw_gradient
from gsseg.render.projection import project
from gsseg.render.projection_gradient import project_gradient
from gsseg.scene import Camera, Gaussians, RenderConfig

NAMES = {"means": slice(0, 3), "log_scales": slice(3, 6), "quats_wxyz": slice(6, 10), "opacity_logits": slice(10, 11)}


def camera(width: int = 27, height: int = 33) -> Camera:
    turn = np.array([[0.96, 0.0, -0.28], [0.0, 1.0, 0.0], [0.28, 0.0, 0.96]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn, (0.1, -0.05, 0.3)
    return Camera(width, height, 30.0, 33.0, 12.5, 17.0, pose)


def scene(case: str, count: int = 40) -> Gaussians:
    rng = np.random.default_rng(sum(map(ord, case)))
    means = rng.uniform((-1.2, -1.2, 1.5), (1.2, 1.2, 4.0), (count, 3))
    scales = rng.uniform(-3.0, -1.0, (count, 3))
    logits = rng.uniform(-2.0, 2.0, count)
    if case == "needles":
        scales = np.where(np.arange(3) == rng.integers(0, 3, (count, 1)), -0.7, -6.0)
    if case == "near":
        means[: count // 2, 2] = rng.uniform(-1.0, 0.4, count // 2)
    if case == "clipped":  # wide Gaussians whose centres lie beyond the margin of the frustum
        means[: count // 2, 0] = rng.choice([-1, 1], count // 2) * rng.uniform(2.5, 4.0, count // 2)
        scales[: count // 2] = rng.uniform(-0.5, 0.3, (count // 2, 3))
    if case == "opaque":
        logits = rng.uniform(3.0, 9.0, count)
    if case == "equal":
        pose = camera().T_camera_world
        means = (np.c_[means[:, :2], np.full(count, 2.5)] - pose[:3, 3]) @ pose[:3, :3]
    quats = rng.normal(size=(count, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    values = (torch.tensor(each, dtype=torch.float32) for each in (means, scales, quats, logits))
    return Gaussians(
        next(values),
        next(values),
        next(values),
        next(values),
        torch.zeros(count, 1, 3),
        torch.ones(count, dtype=torch.bool),
    )


CASES = ("plain", "needles", "near", "clipped", "opaque", "equal")


def compiled(gaussians: Gaussians, view: Camera, colors: torch.Tensor, slopes: torch.Tensor, background: torch.Tensor):
    """Loss and gradients (rows of 11, colours) of sum(slopes * picture over the background)."""
    projected = project(gaussians, view)
    drawing = draw(projected, np.ascontiguousarray(colors.numpy()[projected.rows], np.float32), view)
    gradient = np.zeros(drawing.picture.shape, np.float32)
    gradient[:, :, : view.width] = slopes.reshape(view.height, view.width, 3).permute(2, 0, 1).numpy()
    light = np.einsum("chs,c->hs", gradient, background.numpy()).astype(np.float32)
    ellipses, mine = draw_gradient(drawing, gradient, light)
    loss = float((drawing.picture * gradient).sum(dtype=np.float64) + (drawing.light * light).sum(dtype=np.float64))
    rows, own = np.zeros((len(gaussians), 11)), np.zeros((len(gaussians), 3))
    rows[projected.rows] = project_gradient(gaussians, view, projected, ellipses)
    own[projected.rows] = mine
    return loss, rows, own


def oracle(gaussians: Gaussians, view: Camera, colors: torch.Tensor, slopes: torch.Tensor, background: torch.Tensor):
    """The same by autograd through the float64 reference, quaternions normalised inside."""
    leaves = {name: getattr(gaussians, name).double().requires_grad_() for name in NAMES}
    leaf = colors.double().requires_grad_()
    quats = torch.nn.functional.normalize(leaves["quats_wxyz"], dim=1)
    blend = reference.blend(replace(gaussians, **{**leaves, "quats_wxyz": quats}), view)
    weights = blend.weights
    picture = weights @ leaf + (1.0 - weights.sum(1, keepdim=True)) * background.double()
    loss = (slopes.double() * picture).sum()
    loss.backward()
    rows = torch.cat([torch.as_tensor(leaves[name].grad).reshape(len(gaussians), -1) for name in NAMES], 1)
    assert leaf.grad is not None
    return float(loss.detach()), rows.numpy(), leaf.grad.numpy()


@pytest.fixture(scope="module", params=CASES)
def both(request: pytest.FixtureRequest):
    gaussians, view = scene(request.param), camera()
    generator = torch.Generator().manual_seed(1)
    colors = torch.rand(len(gaussians), 3, generator=generator) * 1.4
    slopes = torch.randn(view.width * view.height, 3, generator=generator)
    given = (gaussians, view, colors, slopes, torch.tensor([0.2, 0.5, 0.9]))
    return given, compiled(*given), oracle(*given)


def test_the_picture_is_the_oracles(both):
    _, (loss, _, _), (exact, _, _) = both
    assert loss == pytest.approx(exact, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("name", [*NAMES, "colors"])
def test_gradients_are_the_oracles(both, name):
    _, (_, rows, colors), (_, exact_rows, exact_colors) = both
    mine, exact = (colors, exact_colors) if name == "colors" else (rows[:, NAMES[name]], exact_rows[:, NAMES[name]])
    assert np.abs(exact).max() > 0
    assert np.abs(mine - exact).max() <= 2e-4 * np.abs(exact).max()


def test_gradients_are_finite_differences(both):
    """Of the oracle's loss, for three rows a parameter: thresholds of drawing make a loss jump, so a median."""
    given, (_, rows, _), _ = both
    depths = given[0].means @ torch.tensor(given[1].T_camera_world[2, :3]).float()
    jumps = len(torch.unique((1e5 * depths).round())) < len(depths) / 2  # whoever moves in depth changes the order
    gaussians, rest = given[0], given[1:]
    rng = np.random.default_rng(3)
    for name, columns in list(NAMES.items())[1 if jumps else 0 :]:
        errors = []
        for row in rng.choice(np.flatnonzero(np.abs(rows[:, columns]).max(1) > 1e-3), 3):
            column = int(np.abs(rows[row, columns]).argmax())
            ends = []
            for step in (1e-6, -1e-6):
                values = getattr(gaussians, name).double().clone()
                values.reshape(len(gaussians), -1)[row, column] += step
                if name == "quats_wxyz":
                    values = torch.nn.functional.normalize(values, dim=1)
                ends.append(oracle(replace(gaussians, **{name: values}), *rest)[0])
            exact = (ends[0] - ends[1]) / 2e-6
            errors.append(abs(rows[row, columns][column] - exact) / max(abs(exact), 1e-3))
        assert np.median(errors) < 1e-3, name


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    gaussians, view = scene("plain", 300), camera(120, 130)
    generator = torch.Generator().manual_seed(1)
    colors, slopes = torch.rand(300, 3, generator=generator), torch.randn(120 * 130, 3, generator=generator)
    given = (gaussians, view, colors, slopes, torch.zeros(3))
    _, rows, own = compiled(*given)
    for threads in (1, 3):
        monkeypatch.setattr("gsseg.render.strips.thread_count", lambda threads=threads: threads)
        monkeypatch.setattr("gsseg.threads.thread_count", lambda threads=threads: threads)
        _, again, mine = compiled(*given)
        assert np.array_equal(rows, again)
        assert np.array_equal(own, mine)


def test_antialiased_splats_are_refused():
    gaussians = replace(scene("plain", 3), render=RenderConfig(antialiased=True))
    projected = project(gaussians, camera())
    with pytest.raises(ValueError, match="antialiased"):
        project_gradient(gaussians, camera(), projected, np.zeros((len(projected.rows), 6)))
