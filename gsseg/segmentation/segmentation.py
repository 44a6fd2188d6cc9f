"""The one type of a segmentation, and what offers the same columns without holding them."""

from dataclasses import dataclass

from jaxtyping import Float32, Int32
from numpy import ndarray
from typing_extensions import Protocol, runtime_checkable  # whose checks do not read a lazy column

from gsseg.segmentation.table import ObjectInfo


@runtime_checkable
class SegmentationColumns(Protocol):
    """Object, codes and features of every Gaussian, in the row order of the splats, and the table of objects.

    A `Segmentation` is one in memory; files of a run offer the same columns and read each when it is asked for.
    """

    @property
    def object_ids(self) -> Int32[ndarray, " gaussians"]:
        """Row of each Gaussian's object in `objects`, `NO_OBJECT` = none."""
        ...

    @property
    def code_coarse(self) -> Int32[ndarray, " gaussians"]:
        """Coarse code, `NO_CODE` = none."""
        ...

    @property
    def code_fine(self) -> Int32[ndarray, " gaussians"]:
        """Fine code, counted through all coarse codes, `NO_CODE` = none."""
        ...

    @property
    def discrete(self) -> Float32[ndarray, "gaussians 6"]:
        """Discrete features: bit-identical for all Gaussians of a code."""
        ...

    @property
    def learnt(self) -> Float32[ndarray, "gaussians 6"]:
        """Features as they were learnt, before they became discrete; near, but not at, unit length once compressed."""
        ...

    @property
    def objects(self) -> list[ObjectInfo]:
        """The table of objects; ``objects[k].id == k``, and as trained the largest is first."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmentation:
    """The segmentation of a scene, as values."""

    object_ids: Int32[ndarray, " gaussians"]
    """Row of each Gaussian's object in `objects`, `NO_OBJECT` = none."""
    code_coarse: Int32[ndarray, " gaussians"]
    """Coarse code, `NO_CODE` = none."""
    code_fine: Int32[ndarray, " gaussians"]
    """Fine code, counted through all coarse codes, `NO_CODE` = none."""
    discrete: Float32[ndarray, "gaussians 6"]
    """Discrete features: bit-identical for all Gaussians of a code."""
    learnt: Float32[ndarray, "gaussians 6"]
    """Features as they were learnt; zero for Gaussians that no mask shows."""
    objects: list[ObjectInfo]
    """The table of objects; ``objects[k].id == k``, and as trained the largest is first."""

    @classmethod
    def of(cls, columns: SegmentationColumns) -> "Segmentation":
        """All columns, read."""
        return cls(
            object_ids=columns.object_ids,
            code_coarse=columns.code_coarse,
            code_fine=columns.code_fine,
            discrete=columns.discrete,
            learnt=columns.learnt,
            objects=columns.objects,
        )
