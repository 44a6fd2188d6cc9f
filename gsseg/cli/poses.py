"""``gsseg poses``: photos or a video to a scene with cameras."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from gsseg.cli.command import Command, at_least, parse_command
from gsseg.poses.config import PosesConfig
from gsseg.poses.estimate import estimate_poses
from gsseg.poses.summary import PosesSummary

SHOWN = 5
"""Photos without a camera that are told of by name; all are in poses.json."""


@dataclass(frozen=True, kw_only=True)
class Poses(Command):
    """Find the cameras of photos or of a video (COLMAP's structure from motion), and write them as a SCENE.

    SCENE gets images/ freed of the lens, sparse/0 with pinhole cameras and points, and poses.json, which says what
    became of every photo. Its world has no known scale. Nothing is downloaded.
    """

    photos: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="PHOTOS")]]
    """A folder of photos, or a video, of which sharp frames are taken (pip install 'gsseg[video]')."""
    out: tyro.conf.Positional[Annotated[Path | None, tyro.conf.arg(metavar="SCENE")]] = None
    """Folder to write, which must not exist or be empty. Without it: PHOTOS-scene beside PHOTOS."""
    frames: int = 150
    """Frames to take of a video, the sharpest of as many equal stretches."""
    config: Annotated[PosesConfig, tyro.conf.arg(name="")] = field(default_factory=PosesConfig)

    @property
    def scene(self) -> Path:
        """The folder that is written."""
        name = (self.photos.stem if self.photos.is_file() else self.photos.absolute().name) + "-scene"
        return self.out or self.photos.absolute().parent / name

    @property
    def writes(self) -> Path:
        """SCENE."""
        return self.scene

    def execute(self) -> None:
        """Finds, writes, and says how good it is."""
        at_least("--frames", self.frames, 3)
        with self.output.progress() as progress:
            summary = estimate_poses(self.photos, self.scene, self.config, self.frames, progress)
        self.output.table(_rows(summary))
        self.output.say(*(f"warning: {line}" for line in summary.warnings), f"scene: {self.scene}")
        self.output.finish({"scene": str(self.scene), **summary.values()})


def _rows(summary: PosesSummary) -> list[tuple[str, str]]:
    rows = [
        ("cameras", f"{summary.registered} of {summary.photos} photos"),
        ("points", f"{summary.points}, each in {summary.track_length:.1f} photos"),
        ("error", f"{summary.reprojection_error:.2f} pixels on average"),
        ("angle", f"rays meet at {summary.angle:.0f} degrees (median)"),
        ("focal length", f"{summary.focal_length:.0f} pixels"),
    ]
    rows += [("no camera", f"{name}: {reason}") for name, reason in list(summary.left_out.items())[:SHOWN]]
    if len(summary.left_out) > SHOWN:
        rows.append(("...", f"{len(summary.left_out) - SHOWN} more in poses.json"))
    return rows


def parse(args: list[str]) -> Poses:
    """Options of ``gsseg poses``."""
    return parse_command("poses", Poses, args)
