"""``gsseg prepare``: a raw data set becomes a SCENE."""

from abc import abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gsseg.cli.command import Command, at_least, parse_command
from gsseg.cli.output import Stages
from gsseg.errors import InputError
from gsseg.prepare import (
    Prepared,
    ScanNetOptions,
    prepare_lerf,
    prepare_lerf_mask,
    prepare_nerfstudio,
    prepare_replica,
    prepare_scannet,
)


@dataclass(frozen=True, kw_only=True)
class Prepare(Command):
    """Make a SCENE from a raw data set."""

    raw: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RAW")]
    """The folder of one raw scene; nothing in it is changed."""
    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
    """The SCENE to make, which appears whole or not at all."""

    @property
    def writes(self) -> Path:
        """OUT."""
        return self.out

    @abstractmethod
    def make(self, progress: Stages) -> Prepared:
        """Makes the scene."""

    def execute(self) -> None:
        """Makes the scene and says what is in it."""
        with self.output.progress() as progress:
            made = self.make(progress)
        self.output.table([("scene", str(made.path)), *((name, str(count)) for name, count in made.counts.items())])
        self.output.say(*made.notes)
        self.output.finish({"scene": str(made.path), **made.counts, "notes": list(made.notes)})


@dataclass(frozen=True, kw_only=True)
class PrepareScanNet(Prepare):
    """Make a SCENE from one ScanNet scan: its .sens, or what was extracted of it, its mesh, labels and segments.

    The points are the mesh's vertices; gt/ holds the class and instance of each.
    """

    every: int = 20
    """Take every so many frames."""
    frames: Annotated[int | None, tyro.conf.arg(metavar="COUNT")] = None
    """Of those take at most so many: from everywhere the camera went, the sharpest of each place."""
    downscale: Annotated[int, tyro.conf.arg(aliases=["-r"])] = 1
    """Make photos so much smaller; 1 = copy them byte for byte."""
    depth: bool = False
    """Write depth pictures, too: 16 bit, in the scan's units (millimetres)."""

    def make(self, progress: Stages) -> Prepared:
        """As `prepare_scannet`."""
        at_least("--every", self.every, 1)
        at_least("--frames", self.frames, 1)
        at_least("--downscale", self.downscale, 1)
        options = ScanNetOptions(self.every, self.frames, self.downscale, self.depth)
        return prepare_scannet(self.raw, self.out, options, progress)


@dataclass(frozen=True, kw_only=True)
class PrepareLerf(Prepare):
    """Make a SCENE from one LERF-OVS scene: photos, COLMAP model, masks, and labels as truth of texts.

    The labelled frames keep no masks, so training on masks never sees them; gt/test_views.json names them.
    """

    labels: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of frame_*.json. Without it: ../label/<scene> beside RAW, else RAW/label."""
    link: bool = False
    """Photos and masks become second names of the raw files where the disk can, and take no space."""

    def make(self, progress: Stages) -> Prepared:
        """As `prepare_lerf`."""
        return prepare_lerf(self.raw, self.out, self.labels, self.link, progress)


@dataclass(frozen=True, kw_only=True)
class PrepareLerfMask(Prepare):
    """Make a SCENE from one LERF-Mask scene of Gaussian Grouping; test_mask becomes the truth of texts."""

    link: bool = False
    """Photos and masks become second names of the raw files where the disk can, and take no space."""

    def make(self, progress: Stages) -> Prepared:
        """As `prepare_lerf_mask`."""
        return prepare_lerf_mask(self.raw, self.out, self.link, progress)


@dataclass(frozen=True, kw_only=True)
class PrepareReplica(Prepare):
    """Make a SCENE from one Replica sequence as Semantic-NeRF renders them; instance pictures become masks and truth.

    Every eighth of the frames has no masks and is scored by clicks.
    """

    every: int = 10
    """Take every so many frames."""
    depth: bool = False
    """Copy depth pictures, too."""

    def make(self, progress: Stages) -> Prepared:
        """As `prepare_replica`."""
        at_least("--every", self.every, 1)
        return prepare_replica(self.raw, self.out, self.every, self.depth, progress)


@dataclass(frozen=True, kw_only=True)
class PrepareNerfstudio(Prepare):
    """Make a SCENE from a capture that ns-process-data made, in the world of its COLMAP model or of trained splats."""

    splats: Annotated[Path | None, tyro.conf.arg(metavar="PLY")] = None
    """Splats that nerfstudio exported, dataparser_transforms.json beside them: the cameras follow into their world."""
    link: bool = False
    """Photos become second names of the raw files where the disk can, and take no space."""

    def make(self, progress: Stages) -> Prepared:
        """As `prepare_nerfstudio`."""
        return prepare_nerfstudio(self.raw, self.out, self.splats, self.link, progress)


LAYOUTS: dict[str, type[Prepare]] = {
    "scannet": PrepareScanNet,
    "lerf": PrepareLerf,
    "lerf-mask": PrepareLerfMask,
    "replica": PrepareReplica,
    "nerfstudio": PrepareNerfstudio,
}

_HELP = "see gsseg prepare --help"


def parse(args: list[str]) -> Prepare:
    """Options of ``gsseg prepare LAYOUT``; the help without a layout is that of all of them."""
    if not args:
        raise InputError("LAYOUT", "missing", _HELP)
    if args[0] in ("-h", "--help"):
        for name, layout in LAYOUTS.items():
            with suppress(SystemExit):  # tyro ends the process once it has printed the help
                parse_command(f"prepare {name}", layout, ["--help"])
        raise SystemExit(0)
    if args[0] not in LAYOUTS:
        problem = "no option of gsseg prepare" if args[0].startswith("-") else f"no layout ({', '.join(LAYOUTS)})"
        raise InputError(args[0], problem, _HELP)
    return parse_command(f"prepare {args[0]}", LAYOUTS[args[0]], args[1:])
