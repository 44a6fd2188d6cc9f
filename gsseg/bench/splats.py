"""One step of learning splats, in its parts: 65 thousand Gaussians, 480 x 270 pixels, colours of degree 1."""

import numpy as np

from gsseg.bench.results import Part, Ratio
from gsseg.bench.scene import BenchScene
from gsseg.bench.timing import Progress, interleaved
from gsseg.render.drawing import Drawing, draw, draw_gradient
from gsseg.render.projection import project
from gsseg.render.projection_gradient import project_gradient
from gsseg.splats import SplatConfig, harmonics
from gsseg.splats.initial import extent
from gsseg.splats.model import Model
from gsseg.splats.ssim import photometric

GAUSSIANS = 65_000
SIDE = (480, 270)
DEGREE = 1


def measure_splats(scene: BenchScene, repeats: int, progress: Progress, side: tuple[int, int] = SIDE) -> Part:
    """Times of forward, forward and backward, SSIM, Adam, and of all that a step does."""
    gaussians, camera = scene.gaussians, scene.camera.resized(*side)
    rng = np.random.default_rng(0)
    sh = rng.normal(0.0, 0.2, (len(gaussians), 3 * (DEGREE + 1) ** 2)).astype(np.float32)
    model = Model.new(
        gaussians.means.numpy(), gaussians.log_scales.numpy(), gaussians.quats_wxyz.numpy(),
        gaussians.opacity_logits.numpy()[:, None].copy(), sh,
    )  # fmt: skip
    config, scale = SplatConfig(), extent(scene.cameras)
    # Rates of 0 would skip the work; these are far too small to change what the next round measures.
    rates = [1e-12 * scale, *[1e-12] * 5]

    def forward() -> Drawing:
        projected = project(model.gaussians, camera)
        colors = harmonics.colors(model.sh, model.means, projected.rows, camera.position, DEGREE)
        return draw(projected, colors, camera)

    first = forward()
    photo = np.clip(first.picture + rng.normal(0.0, 0.1, first.picture.shape), 0, 1).astype(np.float32)
    photo[:, :, camera.width :] = 0.0

    def compared(drawing: Drawing) -> np.ndarray:
        return photometric(drawing.picture, photo, camera.width, config.ssim_share)[2]

    slope = compared(first)

    def backward(drawing: Drawing, slope: np.ndarray) -> np.ndarray:
        projected = drawing.projected
        ellipses, colors = draw_gradient(drawing, slope)
        gradients = np.empty((len(projected.rows), 11 + sh.shape[1]), np.float32)
        gradients[:, :11] = project_gradient(model.gaussians, camera, projected, ellipses)
        harmonics.colors_gradient(
            model.sh, model.means, projected.rows, camera.position, DEGREE, drawing.colors, colors, gradients
        )
        return gradients

    gradients = backward(first, slope)

    def step() -> None:
        drawing = forward()
        model.step(drawing.projected.rows, backward(drawing, compared(drawing)), rates)

    figures = interleaved(
        {
            "forward": forward,
            "forward and backward": lambda: backward(forward(), slope),
            "L1 and SSIM with gradient": lambda: compared(first),
            "Adam": lambda: model.step(first.projected.rows, gradients, rates),
            "whole step": step,
        },
        repeats,
        "splats",
        progress,
    )
    return Part(
        "learning splats",
        {"Gaussians": len(gaussians), "pixels": camera.width * camera.height},
        tuple(figures.values()),
        (
            Ratio.of("forward and backward / forward", figures["forward and backward"], figures["forward"]),
            Ratio.of("whole step / forward", figures["whole step"], figures["forward"]),
        ),
        {"visible Gaussians": float(len(first.projected.rows))},
    )
