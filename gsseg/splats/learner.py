"""What learns: splats that take one photo at a time, on a processor or on a GPU. The loop knows no more of them."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.scene import Gaussians
from gsseg.splats.config import SplatConfig
from gsseg.splats.photos import Photo


@dataclass(frozen=True, eq=False)
class Lesson:
    """One photo, and how far training is."""

    index: int
    """Number of the view."""
    photo: Photo
    """At its size of now."""
    shrink: int
    """By how much photos are shrunk now."""
    step: int
    """Number of the step, from 0."""
    share: float
    """How much of training is done, 0 to 1."""
    degree: int
    """Of the harmonics that are used now."""
    most: int | None
    """Gaussians there may be by now; None: none may be added any more."""


@dataclass(frozen=True)
class Outcome:
    """How far the picture was from the photo, before the step."""

    loss: float
    """What is descended to, without the costs of opacities and scales."""
    square_error: float
    """Mean over the pixels that the photo shows."""


@runtime_checkable
class Learner(Protocol):
    """Splats that are being learnt, and their optimiser."""

    def __len__(self) -> int:
        """How many Gaussians there are."""
        ...

    @property
    def gaussians(self) -> Gaussians:
        """What they are now, in memory of the processor."""
        ...

    def learn(self, lesson: Lesson) -> Outcome:
        """Draws the photo, compares, goes back, takes a step; and adds Gaussians when that is due."""
        ...

    def finish(self) -> None:
        """What is to be done once, after the last step."""
        ...

    def state(self) -> dict[str, ndarray]:
        """Everything that the next step needs, by name."""
        ...

    def restore(self, state: dict[str, ndarray]) -> None:
        """Goes back to a `state`; ValueError or KeyError where it is none of such a training."""
        ...


def rates(config: SplatConfig, share: float, extent: float) -> tuple[float, float, float, float, float, float]:
    """Of means, scales, rotations, opacities, colours and harmonics, when ``share`` of training is done."""
    fall = 0.1**share
    means = 0.0 if config.freeze_points else config.mean_rate * extent * 0.01**share
    return (
        means,
        config.scale_rate * fall,
        config.rotation_rate * fall,
        config.opacity_rate * fall,
        config.color_rate * fall,
        config.harmonics_rate * fall,
    )


def backdrop(config: SplatConfig, lesson: Lesson) -> Float32[ndarray, "3"]:
    """Black behind plain photos; behind masked ones a new colour each time, so that what is clear stays empty."""
    if lesson.photo.clear is None:
        return np.zeros(3, np.float32)
    return np.random.default_rng([config.seed, 2, lesson.step]).random(3, np.float32)


def like(values: ndarray, wanted: ndarray) -> ndarray:
    """``values``; ValueError unless they are of the type and shape of ``wanted``."""
    if values.shape != wanted.shape or values.dtype != wanted.dtype:
        raise ValueError(f"{values.dtype} {values.shape}, expected {wanted.dtype} {wanted.shape}")
    return values
