"""The ``.splat`` file of web viewers: 32 bytes a Gaussian and nothing else.

    position 3 float32 | scale 3 float32, linear | red green blue opacity 4 uint8 | rotation 4 uint8, w first

A colour is 0.5 + C0 f_dc, a rotation component 128 + 128 q. Source: antimatter15/splat.
"""

from pathlib import Path

import numpy as np

from gsseg.errors import InputError
from gsseg.io.compressed_ply import SH_C0
from gsseg.io.splat_file import COLOUR, POSITION, ROTATION, SCALE
from gsseg.io.splat_format import SplatColumns, inria_dtype

_ROW = np.dtype([("position", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)])


class DotSplat:
    """The format's row in the table."""

    name = ".splat"
    endings = (".splat",)

    def begins(self, head: bytes) -> bool:
        """Never: its first bytes are a position."""
        return False

    def read(self, path: Path) -> SplatColumns:
        """The Gaussians as Inria's float32 columns; `InputError` where the size is no multiple of 32 bytes."""
        note = "A .splat file holds colours, opacities and rotations in 8 bits; they are read as float columns."
        return SplatColumns(_decode(path), [note])


def _decode(path: Path) -> np.ndarray:
    size = path.stat().st_size
    if size % _ROW.itemsize:
        raise InputError(path, f"is not a .splat file: {size} bytes are no multiple of 32", "copy it again")
    packed = np.fromfile(path, _ROW)
    if packed.nbytes != size:  # numpy takes a disk that fails in the middle for the end of the file
        raise InputError(path, f"cannot be read beyond byte {packed.nbytes} of {size}", "check its disk")
    out = np.empty(len(packed), inria_dtype(0))
    with np.errstate(divide="ignore", invalid="ignore"):  # a scale of 0, an opacity of 0 or 1: infinite, and counted
        for i in range(3):
            out[POSITION[i]] = packed["position"][:, i]
            out[SCALE[i]] = np.log(packed["scale"][:, i])
            out[COLOUR[i]] = (packed["rgba"][:, i] / np.float32(255) - np.float32(0.5)) / np.float32(SH_C0)
        opacity = packed["rgba"][:, 3] / np.float32(255)
        out["opacity"] = np.log(opacity) - np.log1p(-opacity)
    for i, name in enumerate(ROTATION):
        out[name] = (packed["rotation"][:, i].astype(np.float32) - 128) / 128
    out.setflags(write=False)
    return out
