"""What a run needs to know of the place that it comes from."""

from pathlib import Path

from typing_extensions import Protocol, runtime_checkable  # whose checks do not read a lazy property

from gsseg.codebook import Codes
from gsseg.compressed import CompressedScene
from gsseg.run.edits import Edits
from gsseg.scene import RenderConfig, SplatFile
from gsseg.segmentation import SegmentationColumns
from gsseg.segmentation.confidence import Confidence


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

    @property
    def judged_path(self) -> Path | None:
        """Where it is kept what was locked and which borders are right; None where it is not."""
        ...

    def save(self, edits: Edits) -> "RunSource":
        """Writes edits, all files or none, and returns the source that goes on with them; `InputError` where it cannot.

        What has been read stays as it was read, because later edits speak of it (`Edits.came_from`).
        """
        ...
