"""Where a run comes from, and where edits of it go: a RUN folder, a scene.gsseg, a segmented.ply by itself, or memory.

    opened                      read                                   edits are written to
    RUN folder                  scene.gsseg where there is one, else   segmented.ply, objects.json, and scene.gsseg
                                segmented.ply, objects.json, features  where there is one
    scene.gsseg and its splats  scene.gsseg                            it, and segmented.ply where that is its splats
    segmented.ply by itself     its columns                            a RUN folder beside it, NAME_run
    training without a folder   memory (`gsseg.run.trained`)           nowhere

Beside what is written, viewer.json says what is hidden and deleted. All files of one saving are replaced together
(`gsseg.files.together`), what was there before goes to the subfolder earlier. Edits that are not saved yet are kept in
unsaved.json, likewise beside.
"""

from pathlib import Path

import numpy as np
from typing_extensions import Protocol, runtime_checkable  # whose checks do not read a lazy property

from gsseg.codebook import Codes
from gsseg.compressed import CompressedScene, read_scene, splats_digest, write_scene
from gsseg.errors import InputError
from gsseg.files.folder import whole_folder
from gsseg.files.together import replace_together
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.lazy_property import lazy_property
from gsseg.run.codebook_file import read_codebook
from gsseg.run.columns import AGAIN, BareColumns, FolderColumns
from gsseg.run.confidence_file import read_confidence
from gsseg.run.edits import Edits, edited_scene, write_marks, write_table
from gsseg.run.layout import SEGMENTED, RunLayout
from gsseg.run.settings import read_settings
from gsseg.run.thumbnails import with_thumbnails
from gsseg.scene import GSPLAT_RENDER, RenderConfig, SplatFile
from gsseg.segmentation import SegmentationColumns
from gsseg.segmentation.confidence import Confidence
from gsseg.segmentation.segmented_ply import SegmentedPly


@runtime_checkable
class RunSource(Protocol):
    """Where a run is: what is read from it, and what edits of it are written to."""

    @property
    def folder(self) -> Path:
        """The folder that its files lie in."""
        ...

    @property
    def opened(self) -> Path:
        """What a person names to open it again."""
        ...

    @property
    def splats(self) -> SplatFile:
        """The splat file whose rows all else speaks of."""
        ...

    @property
    def render(self) -> RenderConfig:
        """Settings of the rasterizer that the splats were trained with, as far as the source knows."""
        ...

    @property
    def columns(self) -> SegmentationColumns:
        """The segmentation."""
        ...

    @property
    def float_columns(self) -> SegmentationColumns:
        """The segmentation with features as they were learnt, not as they were compressed, where those are at hand."""
        ...

    @property
    def confidence(self) -> Confidence | None:
        """How sure the segmentation is, where the source tells."""
        ...

    @property
    def codebook(self) -> Codes | None:
        """The codes with the features they stand for, where the source holds a codebook."""
        ...

    @property
    def compressed(self) -> CompressedScene | None:
        """The scene.gsseg that belongs to it, where there is one."""
        ...

    @property
    def replaced(self) -> tuple[Path, ...]:
        """Every file that `save` may replace: who holds edits looks whether they are as they were."""
        ...

    @property
    def marks_path(self) -> Path | None:
        """Where marks of the viewer are kept; None where they are not."""
        ...

    @property
    def unsaved_path(self) -> Path | None:
        """Where edits are kept until they are saved; None where they are not."""
        ...

    def save(self, edits: Edits) -> "RunSource":
        """Writes edits, all files or none, and returns the source that goes on with them; `InputError` where it cannot.

        What has been read stays as it was read, because later edits speak of it (`Edits.came_from`).
        """
        ...


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
        scene = _read_compressed(self.layout.compressed, self.splats)
        _check_same_objects(self.layout.compressed, scene, self.splats)
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

    def save(self, edits: Edits) -> "RunFolder":
        """Writes edits to the folder and keeps what was there in its subfolder earlier."""
        edits = with_thumbnails(edits, self.columns)
        with replace_together(self.folder) as out:
            _write_ids(out / self.layout.segmented.name, self.splats, edits)
            write_table(out / self.layout.objects.name, edits)
            if self.compressed is not None:
                write_scene(out / self.layout.compressed.name, edited_scene(self.compressed, edits))
            write_marks(out / self.layout.marks.name, edits)
        return self


class CompressedFile:
    """A scene.gsseg, under whatever name, and the splats it was made for."""

    def __init__(self, path: Path, splats: Path | None = None) -> None:
        """Reads what belongs to it. ``splats``: where its splats are; else they are looked for beside it."""
        self.path = path
        self._splats_path = _splats_of(path, splats)

    @property
    def folder(self) -> Path:
        """Where the file lies."""
        return self.path.parent

    @property
    def opened(self) -> Path:
        """The file."""
        return self.path

    @lazy_property
    def splats(self) -> SplatFile:
        """The splats that were named or found."""
        return read_splats(self._splats_path)

    @property
    def render(self) -> RenderConfig:
        """As the file says."""
        return self.compressed.render

    @property
    def columns(self) -> CompressedScene:
        """The file's."""
        return self.compressed

    @property
    def float_columns(self) -> SegmentationColumns:
        """Those of segmented.ply, where that is its splats: of features as learnt it holds the discrete ones."""
        return BareColumns(self.splats)

    @property
    def confidence(self) -> None:
        """None."""
        return None

    @property
    def codebook(self) -> None:
        """None: the file holds features, packed, and no codebook of training."""
        return None

    @lazy_property
    def compressed(self) -> CompressedScene:
        """The file; `InputError` where it belongs to other splats."""
        scene = _read_compressed(self.path, self.splats)
        if self._splats_are_segmented:
            _check_same_objects(self.path, scene, self.splats)
        return scene

    @property
    def replaced(self) -> tuple[Path, ...]:
        """The file, the splats where they hold objects, and the marks."""
        return self.path, self._splats_path, self.marks_path

    @property
    def marks_path(self) -> Path:
        """viewer.json; of a file not named scene.gsseg, which may lie beside others, one with its name."""
        return self._named(RunLayout(self.folder).marks.name)

    @property
    def unsaved_path(self) -> Path:
        """unsaved.json, named likewise."""
        return self._named(RunLayout(self.folder).unsaved.name)

    def save(self, edits: Edits) -> "CompressedFile":
        """Writes edits to the file and to segmented.ply where that is its splats.

        `InputError` where the folder holds more files that speak of the same objects.
        """
        layout = RunLayout(self.folder)
        if layout.objects.is_file() or (self.path != layout.compressed and layout.compressed.is_file()):
            problem = "holds more of this run than was opened, which saving would contradict"
            raise InputError(self.folder, problem, "open the folder itself, or a copy of the files elsewhere")
        with replace_together(self.folder) as out:
            if self._splats_are_segmented:
                _write_ids(out / SEGMENTED, self.splats, edits)
            write_scene(out / self.path.name, edited_scene(self.compressed, edits))
            write_marks(out / self.marks_path.name, edits)
        return self

    @property
    def _splats_are_segmented(self) -> bool:
        return self._splats_path == self.folder / SEGMENTED

    def _named(self, name: str) -> Path:
        own = self.path.name == RunLayout(self.folder).compressed.name
        return self.path.with_name(name if own else f"{self.path.stem}.{name}")


class BareSplats:
    """A segmented.ply by itself: its columns are all there is."""

    def __init__(self, path: Path) -> None:
        """Reads nothing yet."""
        self.path = path

    @property
    def folder(self) -> Path:
        """Where the file lies."""
        return self.path.parent

    @property
    def opened(self) -> Path:
        """The file."""
        return self.path

    @lazy_property
    def splats(self) -> SplatFile:
        """The file."""
        return read_splats(self.path)

    @property
    def render(self) -> RenderConfig:
        """gsplat's: the file does not say."""
        return GSPLAT_RENDER

    @lazy_property
    def columns(self) -> BareColumns:
        """The file's."""
        return BareColumns(self.splats)

    @property
    def float_columns(self) -> BareColumns:
        """The same."""
        return self.columns

    @property
    def confidence(self) -> None:
        """None."""
        return None

    @property
    def codebook(self) -> None:
        """None."""
        return None

    @property
    def compressed(self) -> None:
        """None."""
        return None

    @property
    def replaced(self) -> tuple[Path, ...]:
        """The file: it is not replaced, but edits are of it as it is."""
        return (self.path,)

    @property
    def marks_path(self) -> None:
        """None: a file by itself has no marks."""
        return None

    @property
    def unsaved_path(self) -> Path:
        """NAME.unsaved.json."""
        return self.path.with_name(f"{self.path.stem}.unsaved.json")

    @property
    def run_folder(self) -> Path:
        """The RUN folder that saving makes."""
        return self.path.with_name(f"{self.path.stem}_run")

    def save(self, edits: Edits) -> RunFolder:
        """Writes a RUN folder beside the file; `InputError` where something of that name is there."""
        if self.run_folder.exists():
            remedy = f"open it in place of {self.path.name}, or move it away"
            raise InputError(self.run_folder, "is there already", remedy)
        layout = RunLayout(self.run_folder)
        with whole_folder(layout.path) as out:
            _write_ids(out / layout.segmented.name, self.splats, edits)
            write_table(out / layout.objects.name, edits)
            write_marks(out / layout.marks.name, edits)
        return RunFolder(layout)


def _write_ids(path: Path, splats: SplatFile, edits: Edits) -> None:
    """The splat file again with other object ids."""
    write_splats(path, splats.columns, {"object_id": edits.object_ids}, splats.comments)


def _read_compressed(path: Path, splats: SplatFile) -> CompressedScene:
    """scene.gsseg; `InputError` where it belongs to other splats."""
    scene = read_scene(path)
    if len(scene) != len(splats.gaussians):
        problem = f"is of {len(scene)} Gaussians, and {splats.path} holds {len(splats.gaussians)}"
        raise InputError(path, problem, f"name its splats, {scene.splats}")
    if splats_digest(splats.gaussians.means.numpy()) != scene.splats_sha256:
        problem = f"belongs to other splats than {splats.path}, or to other rows of them"
        raise InputError(path, problem, f"name its splats, {scene.splats}")
    return scene


def _check_same_objects(path: Path, scene: CompressedScene, splats: SplatFile) -> None:
    """`InputError` unless a scene.gsseg and the segmented.ply that is its splats tell of the same objects."""
    if not np.array_equal(SegmentedPly(splats, AGAIN).object_ids, scene.object_ids):
        problem = f"holds other objects than the {splats.path.name} beside it"
        raise InputError(path, problem, "make it again: gsseg compress -m RUN")


def _splats_of(compressed: Path, splats: Path | None) -> Path:
    """The splat file that belongs to scene.gsseg; `InputError` where there is none."""
    if splats is not None:
        return splats
    name = Path(read_scene(compressed).splats).name
    for candidate in dict.fromkeys((SEGMENTED, name, "splats.ply")):
        if (compressed.parent / candidate).is_file():
            return compressed.parent / candidate
    raise InputError(compressed, "has no splats beside it", f"put {name} into its folder, or name it with --splats")
