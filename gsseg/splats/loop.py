"""The loop: which photo is next, at what size, with how many Gaussians; what is learnt from it is a `Learner`'s."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from gsseg.scene import Gaussians, View
from gsseg.splats.config import SplatConfig
from gsseg.splats.initial import Points, extent
from gsseg.splats.learner import Learner, Lesson
from gsseg.splats.on_cpu import CpuLearner
from gsseg.splats.photos import PhotoCache

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

    def __init__(
        self, config: SplatConfig, views: Sequence[View], points: Points, device: Literal["cpu", "cuda"] = "cpu"
    ) -> None:
        """``points``: where the first Gaussians are; `gsseg.splats.initial.random_points` where nothing is known."""
        self.config, self.views, self.device = config, views, device
        self.photos = PhotoCache(views, config.cache_mb)
        if len(points.positions) > config.max_gaussians and not config.freeze_points:
            points = points.some(config.max_gaussians, config.seed)
        self.learner = _learner(config, self.photos, extent([view.camera for view in views]), points, device)
        self.start = len(self.learner)
        self.steps = 0
        self.seconds = 0.0
        """Spent in steps so far, those before a resumption included."""
        self.square_error = float("nan")
        self.history = History()

    def __len__(self) -> int:
        """How many Gaussians there are."""
        return len(self.learner)

    @property
    def gaussians(self) -> Gaussians:
        """What they are now."""
        return self.learner.gaussians

    @property
    def psnr(self) -> float:
        """Running PSNR of the training photos, dB."""
        return float(-10.0 * np.log10(self.square_error))

    def share(self, budget: float | None = None) -> float:
        """How much of training is done, 0 to 1: of the steps, or of ``budget`` seconds where that is more."""
        share = self.steps / self.config.iterations
        return min(1.0, share if budget is None else max(share, self.seconds / budget))

    def run(self, progress: Callable[["SplatTrainer"], None], budget: float | None = None) -> None:
        """Trains to the end, or until ``budget`` seconds are spent, and reports after every step. To be called once."""
        while self.share(budget) < 1.0 and not self.settled(budget):
            self.step(budget)
            progress(self)
        self.learner.finish()

    def settled(self, budget: float | None = None) -> bool:
        """Whether the training photos have stopped gaining, at full size and after growth."""
        config, share = self.config, self.share(budget)
        window = max(2, config.iterations // (10 * config.refine_every))
        if config.settled_db <= 0 or share < max(config.grow_until, config.half_until, config.harmonics_from) + 0.15:
            return False
        past = self.history.psnr[-window:]
        return len(past) == window and past[-1] - past[0] < config.settled_db

    def step(self, budget: float | None = None) -> None:
        """One photo, and a note of how it went."""
        started = time.perf_counter()
        config, share = self.config, self.share(budget)
        epoch, place = divmod(self.steps, len(self.views))
        index = int(np.random.default_rng([config.seed, 1, epoch]).permutation(len(self.views))[place])
        grows = share < config.grow_until and not config.freeze_points
        outcome = self.learner.learn(
            Lesson(
                index=index,
                photo=self.photos.read(index, self.shrink(share)),
                shrink=self.shrink(share),
                step=self.steps,
                share=share,
                degree=config.sh_degree if share >= config.harmonics_from else 0,
                most=self.target(share) if grows else None,
            )
        )
        fresh = not np.isfinite(self.square_error)
        error = outcome.square_error
        self.square_error = error if fresh else RUNNING * self.square_error + (1 - RUNNING) * error
        self.steps += 1
        if self.steps % config.refine_every == 0:
            self.history.steps.append(self.steps)
            self.history.loss.append(outcome.loss)
            self.history.psnr.append(self.psnr)
            self.history.gaussians.append(len(self))
        self.seconds += time.perf_counter() - started

    def shrink(self, share: float) -> int:
        """By how much photos are shrunk at this point: coarse things first, with few Gaussians and few pixels."""
        return 4 if share < self.config.quarter_until else 2 if share < self.config.half_until else 1

    def target(self, share: float) -> int:
        """How many Gaussians there may be by now, from the number of points to the most.

        They grow with the square of the time, because small pictures cannot say where many of them belong: as many
        Gaussians as pixels draw every photo perfectly, and nothing between them.
        """
        reached = min(1.0, share / max(self.config.grow_until * 0.9, 1e-9)) ** 2
        return round(self.start + (self.config.max_gaussians - self.start) * reached)


def _learner(
    config: SplatConfig, photos: PhotoCache, extent: float, points: Points, device: Literal["cpu", "cuda"]
) -> Learner:
    if device == "cpu":
        return CpuLearner(config, photos, extent, points)
    # Here, because gsplat takes a second to load and is not there on every system.
    from gsseg.splats.on_gpu import GpuLearner

    return GpuLearner(config, photos, extent, points)
