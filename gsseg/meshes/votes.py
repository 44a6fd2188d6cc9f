"""Which object a vertex of the scene's surface belongs to: the one that most views show there."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.meshes.depth import Frame
from gsseg.threads import run_all, spans


def vote(
    frames: Sequence[Frame], vertices: Float32[ndarray, "vertices 3"], tolerance: float
) -> Int32[ndarray, " vertices"]:
    """The object that the views that see a vertex agree on; -1 where they see none, or it is not seen.

    A view sees a vertex where its depth is that of the pixel to within ``tolerance`` (world units). The one object that
    more than half of them show is found by the majority vote of Boyer and Moore 1981, which keeps two numbers a vertex,
    however many objects and views there are; where none has so many, the answer is one of those shown.
    """
    winner, lead = np.full(len(vertices), -1, np.int32), np.zeros(len(vertices), np.int32)
    for frame in frames:
        camera = frame.camera
        lens = np.array([camera.fx, camera.fy, camera.cx, camera.cy])
        pose = np.ascontiguousarray(camera.T_camera_world, np.float64)
        fixed = (frame.depth, frame.objects, pose, lens, vertices, tolerance, winner, lead)
        run_all([lambda a=a, b=b, fixed=fixed: _count(*fixed, a, b) for a, b in spans(len(vertices))])
    return winner


@njit(nogil=True, cache=True)
def _count(depth, objects, pose, lens, vertices, tolerance, winner, lead, start, stop):
    height, width = depth.shape
    for v in range(start, stop):
        x, y, z = float(vertices[v, 0]), float(vertices[v, 1]), float(vertices[v, 2])
        far = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3]
        if far <= 0.0:
            continue
        across = (pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3]) / far * lens[0] + lens[2]
        down = (pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3]) / far * lens[1] + lens[3]
        if not (across >= 0.0 and across < width and down >= 0.0 and down < height):
            continue
        row, column = int(down), int(across)
        seen = objects[row, column]
        if depth[row, column] == 0.0 or abs(depth[row, column] - far) > tolerance:
            continue
        if winner[v] == seen:
            lead[v] += 1
        elif lead[v] == 0:
            winner[v] = seen
            lead[v] = 1
        else:
            lead[v] -= 1
