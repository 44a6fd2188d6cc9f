"""A sphere or a box in the scene, with handles to move and turn it, that takes what lies in it."""

from typing import Literal

import numpy as np
import viser
from jaxtyping import Float64
from numpy import ndarray
from viser.transforms import SO3

from gsseg.scene.rotations import rotation_matrices
from gsseg.segmentation.oriented_box import oriented_box
from gsseg_viewer.edits import EditError
from gsseg_viewer.regions import Solid
from gsseg_viewer.selection import How
from gsseg_viewer.session import Session
from gsseg_viewer.taking import take_solid

Shape = Literal["sphere", "box"]

NAME = "/solid"
"""The node of the handles; the shape hangs on it."""

COLOR = (255, 212, 59)

SHARE = 0.1
"""Of the scene's size that a solid has where nothing is selected."""


class SolidGizmo:
    """One browser's sphere or box, if it has one."""

    def __init__(self, session: Session) -> None:
        """None yet."""
        self.session = session
        self.shape: Shape | None = None
        self.extent: Float64[ndarray, "3"] = np.ones(3)
        """Lengths along its own axes, world units."""
        self.handles: viser.TransformControlsHandle | None = None

    def open(self, shape: Shape) -> None:
        """Shows one about what is selected, else about what the camera turns about."""
        session = self.session
        rows = session.document.rows(session.selection.pieces)
        if len(rows):
            box = oriented_box(session.document.gaussians.means.numpy()[rows].astype(np.float64))
            centre, turn = np.array(box.center), np.array(box.rotation)
            extent = np.maximum(np.array(box.extent), 1e-3 * session.surroundings.size)
        else:
            centre, turn = np.asarray(session.client.camera.look_at, np.float64), np.eye(3)
            extent = np.full(3, SHARE * session.surroundings.size)
        if shape == "sphere":
            turn, extent = np.eye(3), np.full(3, float(extent.max()))
        self.close()
        self.shape, self.extent = shape, extent
        self.handles = session.client.scene.add_transform_controls(
            NAME, scale=0.6 * float(extent.max()), disable_rotations=shape == "sphere", depth_test=False,
            position=centre, wxyz=_quaternion(turn),
        )  # fmt: skip
        self._draw()

    def resize(self, extent: Float64[ndarray, "3"]) -> None:
        """Makes it another size; a sphere takes the first of the lengths. `EditError` for what is no size."""
        if self.shape is None:
            raise EditError("show a sphere or a box first")
        if not (np.isfinite(extent).all() and (extent > 0).all()):
            raise EditError("a size is a number above 0")
        self.extent = np.full(3, extent[0]) if self.shape == "sphere" else extent.astype(np.float64)
        self._draw()

    def solid(self) -> Solid:
        """Where it is now; `EditError` where there is none."""
        if self.shape is None or self.handles is None:
            raise EditError("show a sphere or a box first")
        turn = rotation_matrices(np.asarray(self.handles.wxyz, np.float64)[None])[0]
        return Solid(np.asarray(self.handles.position, np.float64), turn, self.extent, self.shape == "sphere")

    def take(self, how: How) -> None:
        """Selects what lies in it, or as ``how`` says."""
        take_solid(self.session, self.solid(), how)

    def close(self) -> None:
        """Takes it away."""
        if self.handles is not None:
            self.handles.remove()
        self.shape = self.handles = None

    def _draw(self) -> None:
        scene = self.session.client.scene
        if self.shape == "sphere":
            scene.add_icosphere(f"{NAME}/shape", float(self.extent[0]) / 2, COLOR, subdivisions=2, wireframe=True)
        else:
            x, y, z = (float(each) for each in self.extent)
            scene.add_box(f"{NAME}/shape", COLOR, (x, y, z), wireframe=True)


def _quaternion(turn: Float64[ndarray, "3 3"]) -> tuple[float, float, float, float]:
    w, x, y, z = SO3.from_matrix(turn).wxyz.tolist()
    return w, x, y, z
