"""A RUN folder as the source of a run."""

from pathlib import Path

from gsseg.codebook import Codes
from gsseg.compressed import CompressedScene, write_scene
from gsseg.errors import InputError
from gsseg.files.together import replace_together
from gsseg.io.splat_formats import read_splats
from gsseg.lazy_property import lazy_property
from gsseg.run.codebook_file import read_codebook
from gsseg.run.columns import FolderColumns
from gsseg.run.confidence_file import read_confidence
from gsseg.run.edits import Edits, edited_scene, write_marks, write_table
from gsseg.run.layout import RunLayout
from gsseg.run.settings import read_settings
from gsseg.run.sources.splats_of_run import check_same_objects, read_compressed, write_ids
from gsseg.run.thumbnails import with_thumbnails
from gsseg.scene import GSPLAT_RENDER, RenderConfig, SplatFile
from gsseg.segmentation import SegmentationColumns
from gsseg.segmentation.confidence import Confidence


class RunFolder:
    """A RUN folder, as ``gsseg train`` writes it."""

    def __init__(self, layout: RunLayout) -> None:
        """Reads nothing yet; `InputError` where it is no finished run."""
        for path in (layout.segmented, layout.objects):
            if not path.is_file():
                remedy = "it is not a finished run: gsseg train -s SCENE -m RUN --resume"
                raise InputError(layout.path, f"has no {path.name}", remedy)
        self.layout = layout
        self._has_compressed = layout.compressed.is_file()

    @property
    def folder(self) -> Path:
        """RUN."""
        return self.layout.path

    @property
    def opened(self) -> Path:
        """RUN."""
        return self.layout.path

    @lazy_property
    def splats(self) -> SplatFile:
        """segmented.ply."""
        return read_splats(self.layout.segmented)

    @lazy_property
    def render(self) -> RenderConfig:
        """As config.yaml says; gsplat's where there is none."""
        return read_settings(self.layout.settings).render if self.layout.settings.is_file() else GSPLAT_RENDER

    @property
    def columns(self) -> SegmentationColumns:
        """Those of scene.gsseg, which are read in a fraction of the time, else those of the other files."""
        return self.float_columns if self.compressed is None else self.compressed

    @lazy_property
    def float_columns(self) -> FolderColumns:
        """Those of segmented.ply, objects.json and features.safetensors."""
        return FolderColumns(self.layout, self.splats)

    @lazy_property
    def confidence(self) -> Confidence | None:
        """confidence.json; None where there is none, or one of other objects."""
        return read_confidence(self.layout, self.columns.object_ids)

    @lazy_property
    def codebook(self) -> Codes | None:
        """codebook.safetensors; None in a folder made by saving edits; `InputError` where it is of other splats."""
        path = self.layout.codebook
        return read_codebook(path, len(self.splats.gaussians)) if path.is_file() else None

    @lazy_property
    def compressed(self) -> CompressedScene | None:
        """scene.gsseg; `InputError` where it is of other splats or objects than the files beside it."""
        if not self._has_compressed:
            return None
        scene = read_compressed(self.layout.compressed, self.splats)
        check_same_objects(self.layout.compressed, scene, self.splats)
        return scene

    @property
    def replaced(self) -> tuple[Path, ...]:
        """segmented.ply, objects.json, scene.gsseg and viewer.json."""
        return self.layout.segmented, self.layout.objects, self.layout.compressed, self.layout.marks

    @property
    def marks_path(self) -> Path:
        """viewer.json."""
        return self.layout.marks

    @property
    def unsaved_path(self) -> Path:
        """unsaved.json."""
        return self.layout.unsaved

    @property
    def judged_path(self) -> Path:
        """judged.json."""
        return self.layout.judged

    def save(self, edits: Edits) -> "RunFolder":
        """Writes edits to the folder and keeps what was there in its subfolder earlier."""
        edits = with_thumbnails(edits, self.columns)
        with replace_together(self.folder) as out:
            write_ids(out / self.layout.segmented.name, self.splats, edits)
            write_table(out / self.layout.objects.name, edits)
            if self.compressed is not None:
                write_scene(out / self.layout.compressed.name, edited_scene(self.compressed, edits))
            write_marks(out / self.layout.marks.name, edits)
        return self
