"""Ground truth of splats that nobody placed: each belongs to the object whose true surface is nearest to it."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray

from gsseg.files import whole_file
from gsseg.meshes.nearest import nearest_triangles
from gsseg.sample import RoomConfig, room_surfaces

FARTHEST = 0.05
"""Metres from the nearest surface beyond which a Gaussian belongs to nothing: it hangs in the air.

Twice what a pixel of a photo of 320 x 240 covers across the room, and less than the gaps between things.
"""


def nearest_instances(config: RoomConfig, means: Float32[ndarray, "gaussians 3"]) -> Int32[ndarray, " gaussians"]:
    """The instance of the room's surface nearest to each Gaussian's centre; -1 where none is within `FARTHEST`."""
    room = room_surfaces(config)
    triangle, distance = nearest_triangles(room.vertices, room.triangles, means)
    return np.where(distance <= FARTHEST, room.instances[triangle], -1).astype(np.int32)


def write_nearest_instances(scene: Path, config: RoomConfig, means: Float32[ndarray, "gaussians 3"]) -> None:
    """Writes `nearest_instances` where the truth of a SCENE's Gaussians is looked for.

    Raises `InputError` where it cannot be written.
    """
    with whole_file(scene / "gt" / "gaussian_instance.npy") as beside, beside.open("wb") as file:
        np.save(file, nearest_instances(config, means))
