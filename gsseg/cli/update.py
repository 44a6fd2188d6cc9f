"""``gsseg update``: edits that were made in another program."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gsseg.cli.command import Command, RunPath, parse_command
from gsseg.errors import InputError
from gsseg.files.lock import locked
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run, RunLayout
from gsseg.run.update import Matching, updated


@dataclass(frozen=True, kw_only=True)
class Update(Command):
    """Take over what another program has edited of a run's splats.

    Gaussians that the file lacks are deleted, as if it had been done in the viewer; where it has a column object_id,
    the others are of these objects. Nothing else of the file is read. What the run was stays in RUN/earlier.
    """

    run: RunPath
    """RUN folder of gsseg train."""
    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")]
    """The edited splats, in any format that gsseg reads: RUN/segmented.ply or an export, as the editor saved it."""
    match: Matching = "auto"
    """How its rows are found in the run. row: by their number. centre: by their centres, in any order. auto: by number
    where there are as many and their centres agree, else by centres."""

    @property
    def writes(self) -> Path:
        """RUN."""
        return self.run

    def execute(self) -> None:
        """Writes the run anew, and says what has changed."""
        layout = RunLayout(self.run)
        if not self.run.is_dir():
            raise InputError(self.run, "is no RUN folder", "name the folder that gsseg train made")
        file = read_splats(self.file)
        with locked(layout.path):
            if layout.unsaved.exists():
                problem = "holds edits of the viewer that are not saved (unsaved.json)"
                raise InputError(self.run, problem, "save or discard them in gsseg view first")
            run = Run.open(self.run)
            change = updated(run, file, self.match)
            if not change.nothing:
                run.save(change.edits)
        found = "by their numbers" if change.by_row else "by their centres"
        rows = [("rows", f"{len(file.gaussians)}, found in the run {found}")]
        if change.foreign:
            rows.append(("left out", f"{change.foreign} rows that are no Gaussians of the run"))
        if change.nothing:
            rows.append(("changed", "nothing: the run is as it was"))
        else:
            rows.append(("deleted", f"{change.deleted} Gaussians, which the file lacks"))
            rows.append(("objects", f"{change.moved} Gaussians changed theirs; {change.founded} objects are new"))
            rows.append(("earlier", str(layout.earlier)))
        self.output.table(rows)
        counts = {"deleted": change.deleted, "moved": change.moved, "new_objects": change.founded}
        self.output.finish({"run": str(self.run), "by_row": change.by_row, "foreign": change.foreign, **counts})


def parse(args: list[str]) -> Update:
    """Options of ``gsseg update``."""
    return parse_command("update", Update, args)
