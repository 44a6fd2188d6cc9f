"""Ground truth of splats that nobody placed: each belongs to the thing that it shows, if it lies on its surface.

The nearest surface alone does not do. Learnt splats are larger than thin things: one that draws a shelf has its centre
within centimetres of a book, and counts for the book. Light alone does not do either: the tail of a lamp's Gaussian
lies on many pixels of the wall behind it. So two witnesses have to agree, the photos' true pixels and the surfaces.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, Int32, Integer
from numpy import ndarray

from gsseg.files import whole_file
from gsseg.io.label_png import read_label_png
from gsseg.meshes.nearest import nearest_triangles
from gsseg.render import blend_weights
from gsseg.sample import RoomConfig, room_surfaces
from gsseg.scene import Camera, Gaussians, View

FARTHEST = 0.05
"""Metres from the surface of what it shows beyond which a Gaussian belongs to nothing: it hangs in the air.

Twice what a pixel of a photo of 320 x 240 covers across the room, and less than the gaps between things.
"""

MOST = 0.5
"""A Gaussian shows the instance that more than this share of its light falls on, summed over the views; else none."""

Progress = Callable[[int, int], None]


def shown_instances(
    config: RoomConfig,
    gaussians: Gaussians,
    views: Sequence[tuple[Camera, Integer[ndarray, "height width"]]],
    progress: Progress = lambda done, total: None,
) -> Int32[ndarray, " gaussians"]:
    """The instance of the room that each Gaussian shows, if its centre is within `FARTHEST` of its surface; else -1.

    ``views``: cameras, each with its map of instance + 1 (0 = none) at the camera's size. ValueError where a map is of
    another size.
    """
    room = room_surfaces(config)
    light = _light(gaussians, views, int(room.instances.max()) + 1, progress)
    whole = light.sum(1)
    shown = light[:, 1:].argmax(1).astype(np.int32)
    most = light[np.arange(len(light)), shown + 1]
    found = np.where(most > MOST * whole, shown, np.int32(-1))
    means = gaussians.means.numpy()
    for instance in np.unique(found[found >= 0]):
        rows = np.flatnonzero(found == instance)
        _, distance = nearest_triangles(room.vertices, room.triangles[room.instances == instance], means[rows])
        found[rows[distance > FARTHEST]] = -1
    return found


def write_shown_instances(
    scene: Path,
    config: RoomConfig,
    gaussians: Gaussians,
    views: Sequence[View],
    progress: Progress = lambda done, total: None,
) -> None:
    """Writes `shown_instances` where the truth of a SCENE's Gaussians is looked for; maps come from its ``gt/ids``.

    Raises `InputError` where a map cannot be read, or the truth not be written.
    """
    mapped = [(view.camera, read_label_png(scene / "gt" / "ids" / f"{view.name}.png")) for view in views]
    found = shown_instances(config, gaussians, mapped, progress)
    with whole_file(scene / "gt" / "gaussian_instance.npy") as beside, beside.open("wb") as file:
        np.save(file, found)


def _light(
    gaussians: Gaussians,
    views: Sequence[tuple[Camera, Integer[ndarray, "height width"]]],
    instances: int,
    progress: Progress,
) -> Float64[ndarray, "gaussians labels"]:
    """The blending weight of each Gaussian summed over the pixels of each label."""
    light = np.zeros((len(gaussians), instances + 1))
    for done, (camera, ids) in enumerate(views):
        if ids.shape != (camera.height, camera.width):
            raise ValueError(f"a label map of {ids.shape} for a camera of {(camera.height, camera.width)}")
        labels = torch.from_numpy(ids.reshape(-1).astype(np.int64))
        pooled = blend_weights(gaussians, camera).pool(labels, instances + 1)
        row, column = pooled.indices().numpy()
        light[column, row] += pooled.values().numpy()
        progress(done + 1, len(views))
    return light
