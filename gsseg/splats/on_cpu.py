"""Learning on the processor: the project's own renderer, its gradient, and growth by what several photos miss."""

from dataclasses import fields

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from gsseg.render.drawing import Drawing, draw, draw_gradient
from gsseg.render.projection import project
from gsseg.render.projection_gradient import project_gradient
from gsseg.scene import Gaussians
from gsseg.scene.sh import SH_0
from gsseg.splats import harmonics
from gsseg.splats.brightness import first_exposures
from gsseg.splats.config import SplatConfig
from gsseg.splats.exposure import Exposures
from gsseg.splats.initial import Points, initial_model
from gsseg.splats.learner import Lesson, Outcome, backdrop, rates
from gsseg.splats.model import Model
from gsseg.splats.photos import Photo, PhotoCache
from gsseg.splats.refine import blame, refined
from gsseg.splats.solve import solved_colors
from gsseg.splats.ssim import photometric


class CpuLearner:
    """A `Learner`: the same seed gives the same bits on any number of threads."""

    def __init__(self, config: SplatConfig, photos: PhotoCache, extent: float, points: Points) -> None:
        self.config, self.photos, self.extent = config, photos, extent
        self.model = initial_model(points, config.sh_degree)
        self._free = points.free if config.clear_space and not config.freeze_points else None
        self.exposures = Exposures(config, first_exposures(config.exposure, photos, points))

    def __len__(self) -> int:
        return len(self.model)

    @property
    def gaussians(self) -> Gaussians:
        """As `Learner` says; without a copy."""
        return self.model.gaussians

    def learn(self, lesson: Lesson) -> Outcome:
        """As `Learner` says."""
        photo, config = lesson.photo, self.config
        drawing = self._draw(photo, lesson.degree)
        behind = backdrop(config, lesson)
        picture = drawing.picture + drawing.light * behind[:, None, None]
        gain, offset = self.exposures.at(lesson.index, lesson.share)[:, :, None, None]
        exposed = gain * picture + offset
        exposed[:, :, photo.camera.width :] = 0.0
        target = photo.pixels if photo.clear is None else photo.pixels + photo.clear * behind[:, None, None]
        loss, _, slope = photometric(exposed, target, photo.camera.width, config.ssim_share, photo.seen)
        outcome = Outcome(float(loss), _square_error(exposed, target, photo))
        self._step(lesson, drawing, slope * gain, behind)
        by_exposure = np.stack([np.einsum("chs,chs->c", slope, picture), slope.sum((1, 2))])
        self.exposures.learn(lesson.index, by_exposure, lesson.share)
        if (lesson.step + 1) % config.refine_every == 0:
            self._clear()
            if lesson.most is not None:
                self._refine(lesson, lesson.most)
        return outcome

    def finish(self) -> None:
        """As `Learner` says."""
        self._clear()
        if self.config.solve_colors:
            self.model.sh[:, :3] += solved_colors(self.gaussians, self.photos, self.exposures, self.config.seed) / SH_0

    def state(self) -> dict[str, ndarray]:
        """As `Learner` says."""
        return {each.name: getattr(self.model, each.name) for each in fields(Model)} | self.exposures.state()

    def restore(self, state: dict[str, ndarray]) -> None:
        """As `Learner` says."""
        model = Model(**{each.name: state[each.name] for each in fields(Model)})
        rows = {values.shape[1 if name == "moments" else 0] for name, values in vars(model).items()}
        if len(rows) != 1 or not all(np.isfinite(values).all() for values in vars(model).values()):
            raise ValueError("its arrays do not belong together")
        self.exposures.restore(state)
        self.model = model

    def _draw(self, photo: Photo, degree: int) -> Drawing:
        model = self.model
        projected = project(model.gaussians, photo.camera)
        seen = harmonics.colors(model.sh, model.means, projected.rows, photo.camera.position, degree)
        return draw(projected, seen, photo.camera)

    def _step(
        self,
        lesson: Lesson,
        drawing: Drawing,
        slope: Float32[ndarray, "3 height stride"],
        behind: Float32[ndarray, "3"],
    ) -> None:
        """From dL / d picture to a step of Adam. ``behind``: the backdrop's colour."""
        config, model, projected, photo = self.config, self.model, drawing.projected, lesson.photo
        light = None if photo.clear is None else np.einsum("chs,c->hs", slope, behind)
        ellipses, colors = draw_gradient(drawing, slope, light)
        rows = projected.rows
        gradients = np.empty((len(rows), 11 + 3 * (lesson.degree + 1) ** 2), np.float32)
        gradients[:, :11] = project_gradient(model.gaussians, photo.camera, projected, ellipses)
        harmonics.colors_gradient(
            model.sh, model.means, rows, photo.camera.position, lesson.degree, drawing.colors, colors, gradients
        )
        opacities = 1.0 / (1.0 + np.exp(-model.logits[rows, 0]))
        gradients[:, 10] += config.opacity_cost / len(model) * opacities * (1.0 - opacities)
        gradients[:, 3:6] += config.scale_cost / len(model) / (3.0 * self.extent) * np.exp(model.log_scales[rows])
        model.step(rows, gradients, list(rates(config, lesson.share, self.extent)))

    def _clear(self) -> None:
        """Takes away what hangs where nothing is, unless that is everything."""
        if self._free is None:
            return
        kept = np.flatnonzero(~self._free.empty(self.model.means.astype(np.float64)))
        if 0 < len(kept) < len(self.model):
            self.model = self.model.taken(kept)

    def _refine(self, lesson: Lesson, most: int) -> None:
        """Adds Gaussians where some photos agree that they are missing, and takes the faded away."""
        rng = np.random.default_rng([self.config.seed, 3, lesson.step + 1])
        chosen = rng.permutation(len(self.photos.views))[: self.config.refine_views]
        score: Float64[ndarray, " rows"] = np.zeros(len(self.model))
        for index in chosen:
            photo = self.photos.read(int(index), lesson.shrink)
            drawing = self._draw(photo, lesson.degree)
            gain, offset = self.exposures.at(int(index), lesson.share)[:, :, None, None]
            error = np.abs(gain * drawing.picture + offset - photo.pixels).mean(0)
            error[:, photo.camera.width :] = 0.0
            if photo.seen is not None:
                error *= photo.seen
            if photo.clear is not None:
                error *= 1.0 - photo.clear
            score += blame(drawing, error, len(self.model))
        self.model = refined(self.model, score, most, self.config.dead_opacity, rng)


def _square_error(exposed: ndarray, target: ndarray, photo: Photo) -> float:
    difference = exposed - target if photo.seen is None else (exposed - target) * photo.seen
    count = 3 * (exposed.shape[1] * photo.camera.width if photo.seen is None else float(photo.seen.sum()))
    return float((difference**2).sum(dtype=np.float64)) / max(count, 1.0)
