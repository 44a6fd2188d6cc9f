"""From unit quaternions wxyz to rotation matrices, the same way everywhere outside compiled kernels."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def rotation_matrices(quats_wxyz: Float[ndarray, "rows 4"]) -> Float[ndarray, "rows 3 3"]:
    """R = I + 2 w [v] + 2 [v]^2 of each quaternion (w, v), written out; in the precision of the quaternions.

    Of quaternions that are not of unit length the result is no rotation.
    """
    w, x, y, z = quats_wxyz.T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    out = np.empty((len(quats_wxyz), 3, 3), quats_wxyz.dtype)
    for i, row in enumerate(rows):
        for j, entries in enumerate(row):
            out[:, i, j] = entries
    return out
