"""The segmentation of a run as its files hold it: each column is read when it is first asked for."""

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray
from safetensors import SafetensorError, safe_open

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.files.json_file import MOST_BYTES, read_text
from gsseg.lazy_property import lazy_property
from gsseg.run.layout import RunLayout
from gsseg.scene import SplatFile
from gsseg.segmentation import NO_OBJECT, ObjectInfo
from gsseg.segmentation.describe import default_colors, default_name, describe_objects
from gsseg.segmentation.segmented_ply import SegmentedPly
from gsseg.segmentation.table import table_from_json

AGAIN = "run gsseg train again"

_MOST_GAPS = 10_000
"""Objects of no Gaussians that the table of a file by itself may have; an id in it may be any number."""


class _PlyColumns:
    """The columns that a segmented.ply holds and that nothing beside it changes."""

    def __init__(self, splats: SplatFile, remedy: str) -> None:
        self._ply = SegmentedPly(splats, remedy)

    @property
    def code_coarse(self) -> Int32[ndarray, " gaussians"]:
        """Coarse code of each Gaussian."""
        return self._ply.code_coarse

    @property
    def code_fine(self) -> Int32[ndarray, " gaussians"]:
        """Fine code of each Gaussian."""
        return self._ply.code_fine

    @property
    def discrete(self) -> Float32[ndarray, "gaussians 6"]:
        """Discrete features."""
        return self._ply.discrete


class FolderColumns(_PlyColumns):
    """The columns of a RUN folder: of its segmented.ply, its objects.json and its features.safetensors."""

    def __init__(self, layout: RunLayout, splats: SplatFile) -> None:
        """Reads nothing yet; ``splats``: the folder's segmented.ply."""
        super().__init__(splats, AGAIN)
        self._layout = layout

    @lazy_property
    def object_ids(self) -> Int32[ndarray, " gaussians"]:
        """Object of each Gaussian; `InputError` where it is none of the table."""
        ids, count = self._ply.object_ids, len(self.objects)
        if len(ids) and int(ids.max()) >= count:
            table = f"{self._layout.objects.name} holds {count} objects"
            problem = f"has object ids {ids.min()} to {ids.max()}, and {table}"
            raise InputError(self._layout.segmented, problem, AGAIN)
        return ids

    @lazy_property
    def learnt(self) -> Float32[ndarray, "gaussians 6"]:
        """Features as they were learnt; zero for Gaussians that no mask shows."""
        path, count = self._layout.features, len(self._ply.splats.gaussians)
        check_readable(path)
        try:
            with safe_open(path, framework="np") as file:
                features = file.get_tensor("features")
        except (OSError, SafetensorError, TypeError, AttributeError) as error:
            raise InputError(path, f"cannot be read ({error})", AGAIN) from error
        if features.shape != (count, 6) or features.dtype.kind != "f" or not np.isfinite(features).all():
            problem = f"holds {features.dtype} features of shape {features.shape}, or some that are not finite"
            raise InputError(path, problem, f"{count} rows of 6 are needed: {AGAIN}")
        return features.astype(np.float32)

    @lazy_property
    def objects(self) -> list[ObjectInfo]:
        """The table of objects."""
        path = self._layout.objects
        check_readable(path)
        try:
            return table_from_json(read_text(path, MOST_BYTES))
        except ValueError as error:
            raise InputError(path, f"is not a table of objects ({error})", AGAIN) from error


class BareColumns(_PlyColumns):
    """The columns of a segmented.ply by itself: the table of objects is made from its rows."""

    def __init__(self, splats: SplatFile) -> None:
        """Reads nothing yet."""
        super().__init__(splats, "give one that gsseg train or export wrote")

    @lazy_property
    def object_ids(self) -> Int32[ndarray, " gaussians"]:
        """The column of ids. Rows may have been cut out of the file: the table then has objects of no Gaussians, and
        where those would be more than `_MOST_GAPS` the ids are numbered without gaps, in their order."""
        ids = self._ply.object_ids
        if int(ids.max(initial=NO_OBJECT)) < len(ids) + _MOST_GAPS:
            return ids
        there, places = np.unique(ids, return_inverse=True)
        return (places + (NO_OBJECT if len(there) and there[0] == NO_OBJECT else 0)).astype(np.int32)

    @property
    def learnt(self) -> Float32[ndarray, "gaussians 6"]:
        """The discrete features: the file holds no others."""
        return self._ply.discrete

    @lazy_property
    def objects(self) -> list[ObjectInfo]:
        """What the rows tell of their objects, by id; views and agreement are not known, 0."""
        ids = self.object_ids
        count = int(ids.max(initial=NO_OBJECT)) + 1
        return describe_objects(
            ids, self.code_fine, self._ply.splats.gaussians.means.numpy(), [default_name(k) for k in range(count)],
            default_colors(count), views=[0] * count, agreement=[0.0] * count,
        )  # fmt: skip
