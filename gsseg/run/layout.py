"""Where everything of a RUN folder is: the one place that knows its file names."""

import os
from dataclasses import dataclass
from pathlib import Path

from gsseg.files import entries
from gsseg.files.lock import LOCK
from gsseg.files.together import EARLIER, SAVED, kept_versions
from gsseg.segmentation.table import THUMBNAILS, is_thumbnail

SEGMENTED = "segmented.ply"
COMPRESSED = "scene.gsseg"


@dataclass(frozen=True)
class RunLayout:
    """The paths of a RUN folder, whether they are there or not."""

    path: Path
    """The folder."""

    @property
    def segmented(self) -> Path:
        """The input splats with features, codes and objects."""
        return self.path / SEGMENTED

    @property
    def objects(self) -> Path:
        """The table of objects."""
        return self.path / "objects.json"

    @property
    def confidence(self) -> Path:
        """How sure the objects and their borders are."""
        return self.path / "confidence.json"

    @property
    def features(self) -> Path:
        """Features as they were learnt."""
        return self.path / "features.safetensors"

    @property
    def codebook(self) -> Path:
        """What the codes stand for."""
        return self.path / "codebook.safetensors"

    @property
    def compressed(self) -> Path:
        """Objects, codes and features in a few bytes a Gaussian, where ``gsseg compress`` made it."""
        return self.path / COMPRESSED

    @property
    def settings(self) -> Path:
        """Everything that decided the result, with versions."""
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        """Seconds, memory, counts, losses and scores."""
        return self.path / "metrics.json"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    @property
    def thumbnails(self) -> Path:
        """Pictures of objects, named by their content; objects.json says whose each is."""
        return self.path / THUMBNAILS

    def thumbnail_names(self) -> list[str]:
        """The thumbnails that are there, relative to the folder; empty where that cannot be read."""
        try:
            names = [f"{THUMBNAILS}/{name}" for name in sorted(os.listdir(self.thumbnails))]
        except OSError:
            return []
        return [name for name in names if is_thumbnail(name)]

    @property
    def log(self) -> Path:
        """What was repaired or left out, and the metrics as text."""
        return self.path / "log.txt"

    @property
    def marks(self) -> Path:
        """What was hidden or deleted in the viewer."""
        return self.path / "viewer.json"

    @property
    def unsaved(self) -> Path:
        """Edits that were made in the viewer and not saved."""
        return self.path / "unsaved.json"

    @property
    def judged(self) -> Path:
        """What was locked in the viewer, and which borders were said to be right."""
        return self.path / "judged.json"

    @property
    def cache(self) -> Path:
        """Blending weights and finished stages; may be deleted at any time."""
        return self.path / "cache"

    @property
    def earlier(self) -> Path:
        """The files that edits and names replaced: the original, and the last few versions."""
        return self.path / EARLIER

    @property
    def trained(self) -> tuple[Path, ...]:
        """The files that training writes, all together."""
        return (
            self.segmented, self.objects, self.confidence, self.features, self.codebook, self.settings, self.metrics,
            self.report, self.log,
        )  # fmt: skip

    @property
    def later(self) -> tuple[Path, ...]:
        """The files that others write afterwards and that speak of one training's objects."""
        return self.compressed, self.marks, self.unsaved, self.judged

    @property
    def finished(self) -> bool:
        """Whether training has ended here."""
        return self.segmented.is_file() and self.objects.is_file()

    @property
    def edited(self) -> bool:
        """Whether it was changed after its training: in the viewer, by gsseg name or by gsseg update."""
        kept = (kept_versions(self.path, path.name) for path in (*self.trained, *self.later))
        return self.marks.is_file() or self.unsaved.is_file() or any(kept)

    def holds_only_a_run(self) -> bool:
        """Whether there is nothing in the folder but what gsseg writes there, finished or not; True of an empty one."""
        files = (*self.trained, *self.later, self.thumbnails, self.cache, self.earlier)
        own = {path.name for path in files} | {SAVED, LOCK}
        return all(each.name in own or _is_unfinished(each.name) for each in entries(self.path))


def _is_unfinished(name: str) -> bool:
    """Whether a file or folder is one that a writer of ours had begun when its process died."""
    return name.startswith(".") and name.endswith(".part")
