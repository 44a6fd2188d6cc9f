"""The loop: draw, compare, go back, step; now and then look where Gaussians are missing."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from gsseg.render.drawing import Drawing, draw, draw_gradient
from gsseg.render.projection import project
from gsseg.render.projection_gradient import project_gradient
from gsseg.scene import View
from gsseg.splats import harmonics
from gsseg.splats.config import SplatConfig
from gsseg.splats.initial import Points, extent, initial_model
from gsseg.splats.photos import Photo, PhotoCache
from gsseg.splats.refine import blame, refined
from gsseg.splats.ssim import photometric

RUNNING = 0.98
"""How much of the running mean square error a step leaves."""


@dataclass
class History:
    """What the curves of the report show, one entry every `refine_every` steps."""

    steps: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)
    """Running, of the training photos at the size they had."""
    gaussians: list[int] = field(default_factory=list)


class SplatTrainer:
    """Splats that are being learnt from some views' photos. One `step` is one photo."""

    def __init__(self, config: SplatConfig, views: Sequence[View], points: Points) -> None:
        """``points``: where the first Gaussians are; `gsseg.splats.initial.random_points` where nothing is known."""
        self.config, self.views = config, views
        self.photos = PhotoCache(views, config.cache_mb)
        self.extent = extent([view.camera for view in views])
        if len(points.positions) > config.max_gaussians and not config.freeze_points:
            points = points.some(config.max_gaussians, config.seed)
        self.model = initial_model(points, config.sh_degree)
        self.start = len(self.model)
        self.exposures = np.tile(np.array([1.0, 0.0], np.float32)[:, None], (len(views), 1, 3))
        """(views, gain and offset, channel)."""
        self.exposure_moments = np.zeros((2, len(views), 2, 3), np.float32)
        self.exposure_ages = np.zeros(len(views), np.int32)
        self.steps = 0
        self.seconds = 0.0
        """Spent in steps so far, those before a resumption included."""
        self.square_error = float("nan")
        self.loss = float("nan")
        self.history = History()

    @property
    def psnr(self) -> float:
        """Running PSNR of the training photos, dB."""
        return float(-10.0 * np.log10(self.square_error))

    def share(self, budget: float | None = None) -> float:
        """How much of training is done, 0 to 1: of the steps, or of ``budget`` seconds where that is more."""
        share = self.steps / self.config.iterations
        return min(1.0, share if budget is None else max(share, self.seconds / budget))

    def run(self, progress: Callable[["SplatTrainer"], None], budget: float | None = None) -> None:
        """Trains to the end, or until ``budget`` seconds are spent, and reports after every step."""
        while self.share(budget) < 1.0 and not self.settled(budget):
            self.step(budget)
            progress(self)

    def settled(self, budget: float | None = None) -> bool:
        """Whether the training photos have stopped gaining, at full size and after growth."""
        config, share = self.config, self.share(budget)
        window = max(2, config.iterations // (10 * config.refine_every))
        if config.settled_db <= 0 or share < max(config.grow_until, config.half_until, config.harmonics_from) + 0.15:
            return False
        past = self.history.psnr[-window:]
        return len(past) == window and past[-1] - past[0] < config.settled_db

    def step(self, budget: float | None = None) -> None:
        """One photo: draw it, compare, go back, step; and what is due after so many steps."""
        started = time.perf_counter()
        share = self.share(budget)
        epoch, place = divmod(self.steps, len(self.views))
        index = int(np.random.default_rng([self.config.seed, 1, epoch]).permutation(len(self.views))[place])
        photo = self.photos.read(index, self.shrink(share))
        drawing, degree = self.draw(photo, share)
        picture, backdrop = self._over_backdrop(drawing, photo)
        gain, offset = self.exposures[index][:, :, None, None]
        exposed = gain * picture + offset
        exposed[:, :, photo.camera.width :] = 0.0
        target = photo.pixels if photo.clear is None else photo.pixels + photo.clear * backdrop[:, None, None]
        self.loss, _, slope = photometric(exposed, target, photo.camera.width, self.config.ssim_share, photo.seen)
        self._learn(photo, drawing, degree, slope * gain, backdrop, share)
        self._note(exposed, target, photo)
        if self.config.exposure and len(self.views) > 1:
            self._learn_exposure(index, picture, slope)
        self.steps += 1
        if self.steps % self.config.refine_every == 0:
            self.history.steps.append(self.steps)
            self.history.loss.append(float(self.loss))
            self.history.psnr.append(self.psnr)
            self.history.gaussians.append(len(self.model))
            if share < self.config.grow_until and not self.config.freeze_points:
                self.refine(share)
        self.seconds += time.perf_counter() - started

    def shrink(self, share: float) -> int:
        """By how much photos are shrunk at this point: coarse things first, with few Gaussians and few pixels."""
        return 4 if share < self.config.quarter_until else 2 if share < self.config.half_until else 1

    def draw(self, photo: Photo, share: float = 1.0) -> tuple[Drawing, int]:
        """The splats as the photo's camera sees them, and the degree of the harmonics used."""
        degree = self.config.sh_degree if share >= self.config.harmonics_from else 0
        projected = project(self.model.gaussians, photo.camera)
        seen = harmonics.colors(self.model.sh, self.model.means, projected.rows, photo.camera.position, degree)
        return draw(projected, seen, photo.camera), degree

    def _over_backdrop(
        self, drawing: Drawing, photo: Photo
    ) -> tuple[Float32[ndarray, "3 height stride"], Float32[ndarray, "3"]]:
        """Black behind plain photos; behind masked ones a new colour each time, so that what is clear stays empty."""
        backdrop = np.zeros(3, np.float32)
        if photo.clear is not None:
            backdrop = np.random.default_rng([self.config.seed, 2, self.steps]).random(3, np.float32)
        return drawing.picture + drawing.light * backdrop[:, None, None], backdrop

    def _learn(
        self, photo: Photo, drawing: Drawing, degree: int, slope: ndarray, backdrop: Float32[ndarray, "3"], share: float
    ) -> None:
        config, model, projected = self.config, self.model, drawing.projected
        light = None if photo.clear is None else np.einsum("chs,c->hs", slope, backdrop)
        ellipses, colors = draw_gradient(drawing, slope, light)
        rows = projected.rows
        gradients = np.empty((len(rows), 11 + 3 * (degree + 1) ** 2), np.float32)
        gradients[:, :11] = project_gradient(model.gaussians, photo.camera, projected, ellipses)
        harmonics.colors_gradient(
            model.sh, model.means, rows, photo.camera.position, degree, drawing.colors, colors, gradients
        )
        opacities = 1.0 / (1.0 + np.exp(-model.logits[rows, 0]))
        gradients[:, 10] += config.opacity_cost / len(model) * opacities * (1.0 - opacities)
        gradients[:, 3:6] += config.scale_cost / len(model) / (3.0 * self.extent) * np.exp(model.log_scales[rows])
        fall = 0.1**share
        means = 0.0 if config.freeze_points else config.mean_rate * self.extent * 0.01**share
        rates = (config.scale_rate, config.rotation_rate, config.opacity_rate, config.color_rate, config.harmonics_rate)
        model.step(rows, gradients, [means, *(rate * fall for rate in rates)])

    def _learn_exposure(self, index: int, picture: ndarray, slope: ndarray) -> None:
        """A step of Adam for one photo's gain and offset; then the mean photo has gain 1 and offset 0 again."""
        gradient = np.stack([np.einsum("chs,chs->c", slope, picture), slope.sum((1, 2))])
        gradient += 2.0 * self.config.exposure_cost * (self.exposures[index] - np.array([[1.0], [0.0]], np.float32))
        self.exposure_ages[index] += 1
        age = self.exposure_ages[index]
        mean, square = self.exposure_moments[:, index]
        mean += 0.1 * (gradient - mean)
        square += 0.001 * (gradient**2 - square)
        pace = np.sqrt(1 - 0.999**age) / (1 - 0.9**age)
        self.exposures[index] -= self.config.exposure_rate * pace * mean / (np.sqrt(square) + 1e-15)
        self.exposures -= self.exposures.mean(0) - np.array([[1.0], [0.0]], np.float32)

    def _note(self, exposed: ndarray, target: ndarray, photo: Photo) -> None:
        difference = exposed - target if photo.seen is None else (exposed - target) * photo.seen
        count = 3 * (exposed.shape[1] * photo.camera.width if photo.seen is None else float(photo.seen.sum()))
        error = float((difference**2).sum(dtype=np.float64)) / max(count, 1.0)
        fresh = not np.isfinite(self.square_error)
        self.square_error = error if fresh else RUNNING * self.square_error + (1 - RUNNING) * error

    def refine(self, share: float) -> None:
        """Adds Gaussians where some photos agree that they are missing, and takes the faded away."""
        rng = np.random.default_rng([self.config.seed, 3, self.steps])
        chosen = rng.permutation(len(self.views))[: self.config.refine_views]
        score: Float64[ndarray, " rows"] = np.zeros(len(self.model))
        for index in chosen:
            photo = self.photos.read(int(index), self.shrink(share))
            drawing, _ = self.draw(photo, share)
            gain, offset = self.exposures[index][:, :, None, None]
            error = np.abs(gain * drawing.picture + offset - photo.pixels).mean(0)
            error[:, photo.camera.width :] = 0.0
            if photo.seen is not None:
                error *= photo.seen
            if photo.clear is not None:
                error *= 1.0 - photo.clear
            score += blame(drawing, error, len(self.model))
        self.model = refined(self.model, score, self.target(share), self.config.dead_opacity, rng)

    def target(self, share: float) -> int:
        """How many Gaussians there may be by now, from the number of points to the most.

        They grow with the square of the time, because small pictures cannot say where many of them belong: as many
        Gaussians as pixels draw every photo perfectly, and nothing between them.
        """
        reached = min(1.0, share / max(self.config.grow_until * 0.9, 1e-9)) ** 2
        return round(self.start + (self.config.max_gaussians - self.start) * reached)
