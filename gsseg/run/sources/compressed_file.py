"""A scene.gsseg and its splats as the source of a run."""

from pathlib import Path

from gsseg.compressed import CompressedScene, read_scene, write_scene
from gsseg.errors import InputError
from gsseg.files.together import replace_together
from gsseg.io.splat_formats import read_splats
from gsseg.lazy_property import lazy_property
from gsseg.run.columns import BareColumns
from gsseg.run.edits import Edits, edited_scene, write_marks
from gsseg.run.layout import SEGMENTED, RunLayout
from gsseg.run.sources.file_by_itself import FileByItself
from gsseg.run.sources.splats_of_run import check_same_objects, read_compressed, write_ids
from gsseg.scene import RenderConfig, SplatFile
from gsseg.segmentation import SegmentationColumns


class CompressedFile(FileByItself):
    """A scene.gsseg, under whatever name, and the splats it was made for."""

    def __init__(self, path: Path, splats: Path | None = None) -> None:
        """Reads what belongs to it. ``splats``: where its splats are; else they are looked for beside it."""
        super().__init__(path)
        self._splats_path = _splats_of(path, splats)

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

    @lazy_property
    def compressed(self) -> CompressedScene:
        """The file; `InputError` where it belongs to other splats."""
        scene = read_compressed(self.path, self.splats)
        if self._splats_are_segmented:
            check_same_objects(self.path, scene, self.splats)
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

    @property
    def judged_path(self) -> Path:
        """judged.json, named likewise."""
        return self._named(RunLayout(self.folder).judged.name)

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
                write_ids(out / SEGMENTED, self.splats, edits)
            write_scene(out / self.path.name, edited_scene(self.compressed, edits))
            write_marks(out / self.marks_path.name, edits)
        return self

    @property
    def _splats_are_segmented(self) -> bool:
        return self._splats_path == self.folder / SEGMENTED

    def _named(self, name: str) -> Path:
        own = self.path.name == RunLayout(self.folder).compressed.name
        return self.path.with_name(name if own else f"{self.path.stem}.{name}")


def _splats_of(compressed: Path, splats: Path | None) -> Path:
    """The splat file that belongs to scene.gsseg; `InputError` where there is none."""
    if splats is not None:
        return splats
    name = Path(read_scene(compressed).splats).name
    for candidate in dict.fromkeys((SEGMENTED, name, "splats.ply")):
        if (compressed.parent / candidate).is_file():
            return compressed.parent / candidate
    raise InputError(compressed, "has no splats beside it", f"put {name} into its folder, or name it with --splats")
