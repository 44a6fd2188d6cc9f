"""What training made, before any of it is written."""

from dataclasses import dataclass
from pathlib import Path

from gsseg.codebook import Codes
from gsseg.features import MaskEvidence
from gsseg.run.edits import Edits
from gsseg.scene import RenderConfig, Scene, SplatFile
from gsseg.segmentation import Segmentation
from gsseg.segmentation.confidence import Confidence


@dataclass(frozen=True, eq=False, kw_only=True)
class Trained:
    """The result of all stages."""

    scene: Scene
    """What was trained on."""
    evidence: MaskEvidence
    """What the masks say of each Gaussian."""
    segmentation: Segmentation
    """Object, codes and features of each Gaussian."""
    confidence: Confidence
    """How sure the segmentation is."""
    codes: Codes
    """The segmentation's codes, as objects left them, and the features that they stand for."""
    losses: dict[str, list[float]]
    """Loss curves by name, one value a step."""
    seconds: dict[str, float]
    """Wall time of each stage."""


@dataclass(frozen=True, eq=False)
class TrainedSource:
    """A run that is in memory alone."""

    trained: Trained

    @property
    def folder(self) -> Path:
        """ValueError: there is none."""
        raise ValueError("this run is in memory alone; gsseg.train(scene, config, out) writes one")

    @property
    def opened(self) -> Path:
        """ValueError: there is nothing to open."""
        return self.folder

    @property
    def splats(self) -> SplatFile:
        """The scene's."""
        return self.trained.scene.splats

    @property
    def render(self) -> RenderConfig:
        """The scene's."""
        return self.trained.scene.render

    @property
    def columns(self) -> Segmentation:
        """The segmentation."""
        return self.trained.segmentation

    @property
    def float_columns(self) -> Segmentation:
        """The same."""
        return self.trained.segmentation

    @property
    def confidence(self) -> Confidence:
        """Of the segmentation."""
        return self.trained.confidence

    @property
    def codebook(self) -> Codes:
        """As training left it."""
        return self.trained.codes

    @property
    def compressed(self) -> None:
        """None."""
        return None

    @property
    def replaced(self) -> tuple[Path, ...]:
        """Nothing."""
        return ()

    @property
    def marks_path(self) -> None:
        """None."""
        return None

    @property
    def unsaved_path(self) -> None:
        """None."""
        return None

    @property
    def judged_path(self) -> None:
        """None."""
        return None

    def save(self, edits: Edits) -> "TrainedSource":
        """ValueError: there is no folder to write to."""
        raise ValueError(f"this run is in memory alone: {len(edits.objects)} edited objects have no folder to go to")
