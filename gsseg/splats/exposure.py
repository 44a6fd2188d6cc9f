"""Brightness and contrast of every photo, learnt beside the splats: photo = gain * picture + offset, each channel."""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.splats.config import SplatConfig
from gsseg.splats.learner import like

NONE = np.array([[1.0], [0.0]], np.float32)
"""Gain and offset of a photo as it is."""
FADE = 0.7
"""Share of what is left of training over which exposures fade: the last steps are without any."""


def as_they_are(views: int) -> Float32[ndarray, "views 2 3"]:
    """Gain 1 and offset 0 of so many photos."""
    return np.tile(NONE, (views, 1, 3))


class Exposures:
    """Gains and offsets, and Adam's moments of them. The mean photo has gain 1 and offset 0."""

    def __init__(self, config: SplatConfig, measured: Float32[ndarray, "views 2 3"]) -> None:
        """``measured``: where learning starts and is held near, `gsseg.splats.brightness`."""
        self._config, self._measured = config, measured
        self.values: Float32[ndarray, "views 2 3"] = measured.copy()
        self._moments = np.zeros((2, *measured.shape), np.float32)
        self._ages = np.zeros(len(measured), np.int32)

    def at(self, index: int, share: float) -> Float32[ndarray, "2 3"]:
        """Gain and offset of a photo when ``share`` of training is done.

        While they are learnt, splats settle without the photos' differences. Then exposures fade, and splats take the
        brightness that photos of each place have: of a photo that was kept apart nobody knows more.
        """
        until = self._config.exposure_until
        fading = (share - until) / max(FADE * (1.0 - until), 1e-9)
        return NONE + np.float32(min(1.0, max(0.0, 1.0 - fading))) * (self.values[index] - NONE)

    def learn(self, index: int, gradient: Float32[ndarray, "2 3"], share: float) -> None:
        """A step of Adam for one photo's gain and offset, and of all towards their mean; none while they fade.

        The cost of exposures holds what photos leave open: where cameras hardly overlap, splats twice as bright in
        photos half as bright are as good, and photos that were kept apart would tell.
        """
        if not self._config.exposure or len(self.values) < 2 or share >= self._config.exposure_until:
            return
        gradient = gradient + 2.0 * self._config.exposure_cost * (self.values[index] - self._measured[index])
        self._ages[index] += 1
        age = self._ages[index]
        mean, square = self._moments[:, index]
        mean += 0.1 * (gradient - mean)
        square += 0.001 * (gradient**2 - square)
        pace = np.sqrt(1 - 0.999**age) / (1 - 0.9**age)
        self.values[index] -= self._config.exposure_rate * pace * mean / (np.sqrt(square) + 1e-15)
        self.values -= self.values.mean(0) - NONE

    def state(self) -> dict[str, ndarray]:
        """What the next step needs, by name."""
        return {"exposures": self.values, "exposure_moments": self._moments, "exposure_ages": self._ages}

    def restore(self, state: dict[str, ndarray]) -> None:
        """Goes back to a `state`; ValueError or KeyError where it is of other photos."""
        known = self.state()
        values, moments, ages = (like(state[name], known[name]) for name in known)
        self.values, self._moments, self._ages = values, moments, ages
