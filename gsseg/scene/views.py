"""A view: a camera and, where they exist, the photo and the 2-D instance masks taken from it."""

from dataclasses import dataclass
from pathlib import Path

from jaxtyping import UInt16
from numpy import ndarray

from gsseg.scene.cameras import Camera, Lens
from gsseg.scene.gaussians import Gaussians


@dataclass(frozen=True, eq=False)
class View:
    """One posed image of the scene, at the resolution the scene was loaded with."""

    name: str
    """The photo's file stem."""
    camera: Camera
    """Pinhole camera; masks and photos are brought to its size and freed of lens distortion."""
    labels: UInt16[ndarray, "height width"] | None = None
    """Instance masks as a label map, 0 = none. A label means nothing outside its own view."""
    photo: Path | None = None
    """The photo on disk, if there is one."""
    lens: Lens | None = None
    """The photo's distortion; None where it is already a pinhole picture."""


@dataclass(frozen=True, eq=False)
class Scene:
    """All that gsseg is given: splats and views."""

    path: Path
    """The SCENE folder."""
    splats_path: Path
    """The splat file that `gaussians` was read from."""
    gaussians: Gaussians
    """In the file's row order."""
    views: list[View]
    """Sorted by name."""
    notes: list[str]
    """What was repaired or left out while reading, one plain sentence each."""

    def view(self, name: str) -> View:
        """The view of that name; KeyError with the names there are, where there is none."""
        for view in self.views:
            if view.name == name:
                return view
        raise KeyError(f"no view {name!r}; there are {', '.join(view.name for view in self.views)}")
