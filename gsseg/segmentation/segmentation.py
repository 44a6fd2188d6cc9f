"""The segmentation of a scene as the files of a run hold it."""

from dataclasses import dataclass

from jaxtyping import Float32, Int32
from numpy import ndarray

from gsseg.segmentation.table import ObjectInfo

NO_CODE = 65535
"""`code_coarse` and `code_fine` of a Gaussian that has no code, because no view sees it."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Object, codes and features of every Gaussian, in the row order of the splats."""

    object_ids: Int32[ndarray, " gaussians"]
    """Object, -1 = none."""
    code_coarse: Int32[ndarray, " gaussians"]
    """Coarse code; `NO_CODE` = none."""
    code_fine: Int32[ndarray, " gaussians"]
    """Fine code, counted through all coarse codes; `NO_CODE` = none."""
    discrete: Float32[ndarray, "gaussians 6"]
    """Discrete features: bit-identical for all Gaussians of a code."""
    learnt: Float32[ndarray, "gaussians 6"]
    """Features as they were learnt, before they became discrete; near, but not at, unit length once compressed."""
    objects: list[ObjectInfo]
    """The table of objects, largest first."""
