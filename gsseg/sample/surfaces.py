"""What a made scene really is: the surfaces that its photos were taken of, and whose they are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32, Int64
from numpy import ndarray

from gsseg.sample.config import RoomConfig
from gsseg.sample.mesh import joined
from gsseg.sample.write import furnished


@dataclass(frozen=True, eq=False)
class Surfaces:
    """The triangles of all instances."""

    vertices: Float64[ndarray, "vertices 3"]
    """Metres, in the world of the cameras."""
    triangles: Int64[ndarray, "triangles 3"]
    """Rows of `vertices`."""
    instances: Int32[ndarray, " triangles"]
    """Whose each triangle is, as ``gt/names.json`` numbers instances."""


def room_surfaces(config: RoomConfig) -> Surfaces:
    """The surfaces of the scene that `gsseg.sample.write.write_room` makes from the same configuration."""
    meshes = [item.world() for item in furnished(config)[0].items]
    room = joined(meshes)
    instances = np.repeat(np.arange(len(meshes)), [len(mesh.faces) for mesh in meshes]).astype(np.int32)
    return Surfaces(room.vertices, room.faces, instances)
