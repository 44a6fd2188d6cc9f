"""A segmented.ply by itself as the source of a run."""

from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.folder import whole_folder
from gsseg.io.splat_formats import read_splats
from gsseg.lazy_property import lazy_property
from gsseg.run.columns import BareColumns
from gsseg.run.edits import Edits, write_marks, write_table
from gsseg.run.layout import RunLayout
from gsseg.run.sources.file_by_itself import FileByItself
from gsseg.run.sources.run_folder import RunFolder
from gsseg.run.sources.splats_of_run import write_ids
from gsseg.scene import GSPLAT_RENDER, RenderConfig, SplatFile


class BareSplats(FileByItself):
    """A segmented.ply by itself: its columns are all there is."""

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
    def judged_path(self) -> Path:
        """NAME.judged.json."""
        return self.path.with_name(f"{self.path.stem}.judged.json")

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
            write_ids(out / layout.segmented.name, self.splats, edits)
            write_table(out / layout.objects.name, edits)
            write_marks(out / layout.marks.name, edits)
        return RunFolder(layout)
