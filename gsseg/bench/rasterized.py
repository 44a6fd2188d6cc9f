"""The rasterizer in the places of W and of the evidence: the same training steps, drawn anew each time.

Both classes keep the projection of the Gaussians, which a frozen geometry allows; all else is done again in every
step, as training through a rasterizer does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gsseg.features.fit import FeatureProblem
from gsseg.render.projection import Projected, project
from gsseg.render.rasterize import rasterize
from gsseg.scene import Camera, Gaussians, View


class RasterizedView:
    """What `BlendWeights` offers the codebook, by drawing: `render` forward, `backproject` backward."""

    def __init__(self, gaussians: Gaussians, camera: Camera) -> None:
        self.gaussians, self.camera = gaussians, camera
        self.projected: Projected = project(gaussians, camera)
        self._drawn: tuple[Tensor, Tensor] | None = None

    def rasterized(self, features: Float[Tensor, "gaussians dim"]) -> Float[Tensor, "pixels dim"]:
        """The map, differentiable in the features."""
        return rasterize(features, self.gaussians, self.camera, self.projected)

    def render(self, features: Float[Tensor, "gaussians dim"]) -> Float[Tensor, "pixels dim"]:
        """The map; remembered until the next, so that `backproject` is one backward pass."""
        leaf = features.detach().requires_grad_()
        drawn = self.rasterized(leaf)
        self._drawn = (leaf, drawn)
        return drawn.detach()

    def backproject(self, maps: Float[Tensor, "pixels dim"]) -> Float[Tensor, "gaussians dim"]:
        """The gradient of the features for a gradient of the map; a linear map has one wherever it is taken."""
        if self._drawn is None or self._drawn[1].shape != maps.shape:
            self.render(torch.zeros(len(self.gaussians), maps.shape[1]))
        assert self._drawn is not None
        leaf, drawn = self._drawn
        self._drawn = None
        return torch.autograd.grad(drawn, leaf, maps)[0]


@dataclass(frozen=True, eq=False)
class RasterizedMeans:
    """The masks' mean features as a rasterizer has them: draw every view, then average inside its masks.

    A `MeanMatrix`: it takes the features of the learnt Gaussians; all others are drawn with zeros.
    """

    views: Sequence[RasterizedView]
    """Views with masks."""
    slots: Sequence[Int64[Tensor, " pixels"]]
    """For each view the row of each pixel's mask among all masks; the number of masks where it has none."""
    learnt: Int64[Tensor, " learnt"]
    """The Gaussians whose features are given."""
    light: Float[Tensor, " masks"]
    """Sum of the learnt Gaussians' weights in the pixels of each mask."""

    @staticmethod
    def of(problem: FeatureProblem, views: Sequence[View], rasterized: Sequence[RasterizedView]) -> "RasterizedMeans":
        """For the masks of a `FeatureProblem`; ``views`` as its evidence counts them."""
        masks = len(problem.view)
        slots = []
        for number, view in enumerate(views):
            assert view.labels is not None
            rows = torch.full((int(view.labels.max()) + 1,), masks)
            own = torch.nonzero(problem.view == number)[:, 0]
            rows[problem.label[own]] = own
            slots.append(rows[torch.from_numpy(view.labels.reshape(-1).astype(np.int64))])
        learnt = torch.from_numpy(problem.learnt)
        unscaled = RasterizedMeans(rasterized, slots, learnt, torch.ones(masks))
        return RasterizedMeans(rasterized, slots, learnt, (unscaled @ torch.ones(len(learnt), 1))[:, 0])

    def __matmul__(self, dense: Float[Tensor, "learnt dim"]) -> Float[Tensor, "masks dim"]:
        """The means, differentiable in the features."""
        features = dense.new_zeros(len(self.views[0].gaussians), dense.shape[1]).index_put((self.learnt,), dense)
        sums = dense.new_zeros(len(self.light) + 1, dense.shape[1])
        for view, slots in zip(self.views, self.slots, strict=True):
            sums = sums.index_add(0, slots, view.rasterized(features))
        return sums[:-1] / self.light[:, None]
