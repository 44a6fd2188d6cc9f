"""A view: a camera and, where they exist, the photo and the 2-D instance masks taken from it."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import UInt16
from numpy import ndarray

from gsseg.render_config import RenderConfig
from gsseg.scene.cameras import Camera, Lens
from gsseg.scene.gaussians import Gaussians
from gsseg.scene.splat_file import SplatFile


@dataclass(frozen=True, eq=False)
class View:
    """One posed image of the scene, at the resolution the scene was loaded with."""

    name: str
    """The photo's file stem."""
    camera: Camera
    """Pinhole camera; masks and photos are brought to its size and freed of lens distortion."""
    labels: UInt16[ndarray, "height width"] | None = None
    """Instance masks as a label map: 0 = none, 1..n = the view's masks, each of which has a pixel (dense from 1). A
    label means nothing outside its own view. None where the view has no mask."""
    photo: Path | None = None
    """The photo on disk, if there is one."""
    lens: Lens | None = None
    """The photo's distortion; None where it is already a pinhole picture."""


@dataclass(frozen=True, eq=False)
class Scene:
    """All that gsseg is given: splats and views."""

    path: Path
    """The SCENE folder."""
    splats: SplatFile
    """The splat file, as it was read."""
    gaussians: Gaussians
    """Those of the splat file, in its row order, as they are to be drawn and where: any device."""
    views: list[View]
    """Sorted by name."""
    notes: list[str]
    """What was repaired or left out while reading, one plain sentence each."""

    @property
    def render(self) -> RenderConfig:
        """Settings of the rasterizer that the splats were trained with and are drawn with."""
        return self.gaussians.render

    def to(self, device: torch.device | str) -> "Scene":
        """The same scene with its Gaussians on another device: blending weights are computed where they are."""
        return replace(self, gaussians=self.gaussians.to(device))

    def view(self, name: str) -> View:
        """The view of that name; KeyError with the names there are, where there is none."""
        for view in self.views:
            if view.name == name:
                return view
        raise KeyError(f"no view {name!r}; there are {', '.join(view.name for view in self.views)}")
