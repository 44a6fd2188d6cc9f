"""``gsseg export``: segmented PLY files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gsseg.cli.command import Command, RunPath, parse_command
from gsseg.export.ply import export_objects
from gsseg.run import Run

SHOWN = 12
"""Ids that a person is shown."""


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write segmented.ply, one PLY an object and a manifest; columns and rows are those of the splats trained on."""

    run: RunPath
    """RUN folder of gsseg train."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder for the files."""
    objects: Annotated[tuple[int, ...], tyro.conf.arg(metavar="ID ...")] = ()
    """Objects to write, by id. Without it: all that were not deleted in the viewer."""
    drop: Annotated[tuple[int, ...], tyro.conf.arg(metavar="ID ...")] = ()
    """Objects to remove from the scene, by id; those deleted in the viewer are removed anyway."""

    @property
    def writes(self) -> Path:
        """DIR."""
        return self.out

    def execute(self) -> None:
        """Writes, and says what."""
        run = Run.open(self.run)
        gaussians, found = len(run.object_ids), len(run.objects)  # a damaged run is refused before DIR is looked at
        manifest = export_objects(
            run.file, run.columns, self.out,
            objects=self.objects or None, drop=self.drop, deleted=run.marks.deleted,
        )  # fmt: skip
        objects, scene = manifest["objects"], manifest.get("scene")
        rows = [("segmented.ply", f"{gaussians} Gaussians and {found} objects, with object_id")]
        if objects:
            rows.append(("objects", f"{len(objects)} files, {objects[0]['file']} to {objects[-1]['file']}"))
        if scene:
            rows.append((scene["file"], f"{scene['gaussians']} Gaussians, without {len(scene['dropped'])} objects"))
        if run.marks.deleted:
            rows.append(("deleted", f"objects {_listed(run.marks.deleted)}, in the viewer: left out"))
        self.output.table([*rows, ("in", str(self.out))])
        self.output.finish({"out": str(self.out), **manifest})


def _listed(ids: frozenset[int]) -> str:
    """The first few ids, and how many there are where they are more."""
    first = ", ".join(map(str, sorted(ids)[:SHOWN]))
    return first if len(ids) <= SHOWN else f"{first}, ... ({len(ids)} of them)"


def parse(args: list[str]) -> Export:
    """Options of ``gsseg export``."""
    return parse_command("export", Export, args)
