"""Splats and cameras to a surface and the object of each of its triangles."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Int32, Integer, UInt8
from numpy import ndarray

from gsseg.io.photos import read_photo
from gsseg.meshes.depth import Frame, render_frame
from gsseg.meshes.fusion import default_voxel, fuse
from gsseg.meshes.surface import EMPTY, Surface, triangle_labels
from gsseg.meshes.votes import vote
from gsseg.render import render_map
from gsseg.scene import Camera, Gaussians, View
from gsseg.scene.sh import base_colors

_LONGEST_SIDE = 640
"""Pixels of the longer side of a depth map at most: the depth of splats is smoother than their colour."""

_MOST_PIXELS = 32_000_000
"""Pixels of all depth maps together, at most: they are held at once, 11 bytes each with object and colour."""

_TOLERANCE = 2.5
"""Voxels between a vertex and the depth of a view that sees it: as far as a depth speaks in the fusion."""


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """The surface of a scene, and whose each triangle is."""

    surface: Surface
    objects: Int32[ndarray, " triangles"]
    """Object of each triangle; -1 = none."""
    voxel: float
    """Edge of the voxels that it was made with, world units."""

    def of_object(self, object_id: int) -> Surface:
        """The surface of one object, without its dust; empty where no view shows it."""
        return self.surface.part(self.objects == object_id).tidied()

    def without(self, object_ids: Sequence[int]) -> Surface:
        """The surface of all but some objects: a hole where they stood, for nobody has seen what is behind."""
        return self.surface.part(~np.isin(self.objects, object_ids)).tidied()

    def painted(self, palette: Float32[ndarray, "colors 3"]) -> "Reconstruction":
        """The same in one colour an object, sRGB in 0..1; the last of the palette is for what belongs to none."""
        colors = self.surface.colors.copy()
        colors[self.surface.triangles] = palette[self.objects][:, None]
        return replace(self, surface=replace(self.surface, colors=colors))


def reconstruct(
    gaussians: Gaussians,
    views: Sequence[View],
    object_ids: Integer[ndarray, " gaussians"],
    voxel: float | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Reconstruction:
    """The surface that the views see: median depths (`gsseg.meshes.depth`) fused, then cut by object.

    All objects come from one fusion; each vertex goes to the object that most views show there. Colours are those of
    the photos, or of the splats where a view has none. ``voxel``: edge in world units; None: `default_voxel`.
    ``progress`` is told the views done and their number. The surface is empty, and the voxel 0, where no view sees
    anything. Raises `InputError` for a damaged photo and for voxels too small for memory.
    """
    frames: list[Frame] = []
    pictures: list[UInt8[ndarray, "_ _ 3"]] = []
    for view in views:
        small = View(view.name, fitted(view.camera, len(views)), None, view.photo, view.lens)
        frames.append(render_frame(gaussians, small.camera, object_ids))
        pictures.append(_picture(gaussians, small))
        progress(len(frames), len(views))
    if not any((frame.depth > 0).any() for frame in frames):
        return Reconstruction(EMPTY, np.zeros(0, np.int32), 0.0)
    edge = default_voxel(frames) if voxel is None else voxel
    surface = fuse(frames, pictures, edge)
    labels = vote(frames, surface.vertices, _TOLERANCE * edge)
    return Reconstruction(surface, triangle_labels(surface.triangles, labels).astype(np.int32), edge)


def fitted(camera: Camera, views: int) -> Camera:
    """The camera with so few pixels that ``views`` like it keep to the limits above; never more than it has."""
    shrink = max(
        1.0,
        max(camera.width, camera.height) / _LONGEST_SIDE,
        math.sqrt(camera.width * camera.height * views / _MOST_PIXELS),
    )
    return camera.resized(max(1, int(camera.width / shrink)), max(1, int(camera.height / shrink)))


def _picture(gaussians: Gaussians, view: View) -> UInt8[ndarray, "height width 3"]:
    if view.photo is not None:
        return read_photo(view)
    colors = render_map(base_colors(gaussians), gaussians, view.camera).cpu().numpy()
    return np.round(np.clip(colors, 0.0, 1.0) * 255.0).astype(np.uint8)
