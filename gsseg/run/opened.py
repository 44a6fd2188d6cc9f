"""What training left behind, opened again or still in memory, ready to select from and export."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int32
from numpy import ndarray
from torch import Tensor

from gsseg.codebook import Codes
from gsseg.compressed import CompressedScene
from gsseg.errors import InputError
from gsseg.files import check_readable, reading
from gsseg.files.json_file import MOST_BYTES, read_text
from gsseg.files.together import finish, is_unfinished
from gsseg.objects.select import Selection, select
from gsseg.run.edits import Edits
from gsseg.run.layout import RunLayout
from gsseg.run.marks import Marks, marks_from_json
from gsseg.run.sources import BareSplats, CompressedFile, RunFolder, RunSource
from gsseg.run.trained import Trained, TrainedSource
from gsseg.scene import Gaussians, RenderConfig, SplatFile
from gsseg.segmentation import ObjectInfo, Segmentation, SegmentationColumns
from gsseg.segmentation.confidence import Confidence

FileStamps = dict[str, tuple[int, int, int] | None]
"""Time, size and number of files, None where there is none: tells whether somebody has changed them."""


@dataclass(frozen=True, eq=False)
class Run:
    """A finished training run; of what lies on disk nothing is kept in memory until it is asked for."""

    source: RunSource
    """Where it comes from."""

    @classmethod
    def open(cls, path: Path | str, splats: Path | str | None = None) -> "Run":
        """Opens a finished run: its folder, a ``scene.gsseg`` with the splats it was made for, or a ``segmented.ply``.

        ``splats``: where those of scene.gsseg are; else they are looked for beside it, under the name they had and as
        ``segmented.ply`` or ``splats.ply``. A segmented.ply or scene.gsseg of a RUN folder opens as that folder. A
        saving that was interrupted is ended first. `InputError` where there is none of these.
        """
        path = Path(path)
        layout = RunLayout(path if path.is_dir() else path.parent)
        finish(layout.path)
        if path.is_dir():
            return cls(RunFolder(layout))
        if not path.exists():
            remedy = "give the RUN folder of gsseg train, a scene.gsseg or a segmented.ply"
            raise InputError(path, "no such file or folder", remedy)
        if layout.finished and splats is None and path in (layout.segmented, layout.compressed):
            return cls(RunFolder(layout))
        if _is_ply(path):
            return cls(BareSplats(path))
        return cls(CompressedFile(path, None if splats is None else Path(splats)))

    @classmethod
    def of(cls, trained: Trained) -> "Run":
        """What training made, without a folder."""
        return cls(TrainedSource(trained))

    @property
    def path(self) -> Path:
        """The RUN folder, or the folder of the file that was opened. ValueError for a run that is in memory alone."""
        return self.source.folder

    @property
    def file(self) -> SplatFile:
        """The splat file with all its columns, whose rows all else speaks of."""
        return self.source.splats

    @cached_property
    def gaussians(self) -> Gaussians:
        """The splats, in the order of the input file, with the settings they are to be drawn with."""
        return replace(self.source.splats.gaussians, render=self.source.render)

    @property
    def render(self) -> RenderConfig:
        """Settings of the rasterizer that the splats were trained with."""
        return self.source.render

    @property
    def compressed(self) -> CompressedScene | None:
        """scene.gsseg, where there is one; `InputError` where it belongs to other splats or objects."""
        return self.source.compressed

    @property
    def codebook(self) -> Codes | None:
        """The codes and the features that they stand for, None where the run was opened from a file by itself."""
        return self.source.codebook

    @property
    def columns(self) -> SegmentationColumns:
        """The segmentation, each column read when it is asked for."""
        return self.source.columns

    @property
    def object_ids(self) -> Int32[ndarray, " gaussians"]:
        """Object of each Gaussian, -1 = none."""
        return self.columns.object_ids

    @property
    def code_coarse(self) -> Int32[ndarray, " gaussians"]:
        """Coarse code of each Gaussian, -1 = none."""
        return self.columns.code_coarse

    @property
    def code_fine(self) -> Int32[ndarray, " gaussians"]:
        """Fine code of each Gaussian, counted through all coarse codes, -1 = none."""
        return self.columns.code_fine

    @property
    def features(self) -> Float[Tensor, "gaussians 6"]:
        """Discrete instance features: bit-identical for all Gaussians of a code."""
        return torch.from_numpy(self.columns.discrete)

    @property
    def learnt_features(self) -> Float[Tensor, "gaussians 6"]:
        """Instance features as they were learnt, before they became discrete; zero or, from scene.gsseg, the discrete
        one for Gaussians that no mask shows. From scene.gsseg to the accuracy of its residual codes; a segmented.ply by
        itself holds the discrete ones only."""
        return torch.from_numpy(self.columns.learnt)

    @property
    def objects(self) -> list[ObjectInfo]:
        """The table of objects by id, those of no Gaussians too; as trained the largest first."""
        return self.columns.objects

    @property
    def confidence(self) -> Confidence | None:
        """How sure Gaussians, objects and borders are, the most doubtful border first; None where the run does not say:
        made by an earlier gsseg, edited since, or opened from a file by itself."""
        return self.source.confidence

    @cached_property
    def marks(self) -> Marks:
        """What was hidden or deleted in the viewer and saved; nothing where nothing was, or for other objects."""
        path = self.source.marks_path
        if path is None or not path.is_file():
            return Marks.none(len(self.object_ids))
        try:
            return marks_from_json(read_text(path, MOST_BYTES), self.object_ids)
        except ValueError as error:
            remedy = "delete it: then nothing is hidden or deleted"
            raise InputError(path, f"cannot be read ({error})", remedy) from error

    def segmentation(self) -> Segmentation:
        """All of it as values, with features as they were learnt where those are at hand: what scene.gsseg holds."""
        return Segmentation.of(self.source.float_columns)

    def select(self, ray_origin: ndarray, ray_direction: ndarray) -> Selection | None:
        """The object that a ray (world units, any length) hits, or None; see `gsseg.objects.select.select`."""
        return select(self.gaussians, self.object_ids, np.asarray(ray_origin), np.asarray(ray_direction))

    def stamps(self) -> FileStamps:
        """The stamps, as they are now, of every file that saving may replace."""
        return {str(path): _stamp(path) for path in sorted(self.source.replaced)}

    def check_unchanged(self, stamps: FileStamps) -> None:
        """Raises `InputError` where a file was replaced since ``stamps``: what was read may be of two versions.

        Stamps taken first and checked last tell of every replacement: the largest of the files they look at,
        segmented.ply, is part of each, and until all files have moved the folder says so.
        """
        if self.stamps() != stamps or is_unfinished(self.source.folder):
            problem = "has been changed by another program while it was read"
            raise InputError(self.source.opened, problem, "do it again")

    @contextmanager
    def watched(self) -> Iterator[Callable[[], None]]:
        """Inside the block the run is read; what it yields is to be called when all is read (`check_unchanged`).

        An error inside the block that another program caused by replacing files becomes the error that says so.
        """
        stamps = self.stamps()
        try:
            yield lambda: self.check_unchanged(stamps)
        except Exception:
            self.check_unchanged(stamps)
            raise

    def save(self, edits: Edits) -> "Run":
        """Writes edits where they belong and returns the run that goes on with them; columns stay as they were read.

        `InputError`, with nothing changed, where the file system refuses.
        """
        source = self.source.save(edits)
        return self if source is self.source else Run(source)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _is_ply(path: Path) -> bool:
    """Whether a file begins as every PLY does; `InputError` where it cannot be read."""
    check_readable(path)
    with reading(path), path.open("rb") as stream:
        return stream.read(3) == b"ply"
