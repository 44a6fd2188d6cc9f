"""What reads: each command, with every kind of file that it may be given."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from gsseg_kills_jobs import FEW

from gsseg.cli import main


@dataclass(frozen=True)
class Reading:
    """A command that reads, in a folder of its own."""

    words: tuple[str, ...]
    """The command line; RUN, OUT, SCENE and TRUTH stand for paths."""
    before: str
    """The template it starts from."""

    @property
    def name(self) -> str:
        """What is told of it."""
        return f"gsseg {' '.join(self.words)}"

    def do(self, place: Path, scene: Path, truth: Path) -> int:
        """Runs it in that folder and returns its exit status. ``truth``: a scene with ground truth."""
        paths = {"RUN": place / "run", "OUT": place / "out", "SCENE": scene, "TRUTH": truth}

        def written(word: str) -> str:
            first, *rest = word.split("/")
            return str(paths[first].joinpath(*rest)) if first in paths else word

        few = FEW[1:] if self.words[0] == "train" else []
        with _serving_nobody():
            return main([*map(written, self.words), *few, "--quiet"])


READINGS = tuple(
    Reading(tuple(line.split()), before)
    for line, before in (
        ("train -s TRUTH -m RUN", "others"),
        ("train -s SCENE -m RUN", "finished"),
        ("train -s SCENE -m RUN --resume --seed 1", "interrupted"),
        ("train -s SCENE -m RUN --resume", "edited"),
        ("info RUN", "edited"),
        ("info SCENE", "edited"),
        ("info RUN/scene.gsseg", "edited"),
        ("info RUN/segmented.ply", "edited"),
        ("query -m RUN --point 0 0 0", "edited"),
        ("query -m RUN --view view_0 --pixel 16 12", "edited"),
        ("query -m RUN/scene.gsseg --point 0 0 0", "edited"),
        ("eval -m RUN --gt TRUTH/gt", "edited"),
        ("compress -m RUN", "edited"),
        ("export -m RUN --out OUT", "exported"),
        ("export -m RUN --out OUT --mesh ply", "edited"),
        ("view -m RUN", "edited"),
    )
)


@contextmanager
def _serving_nobody() -> Iterator[None]:
    """Inside the block ``gsseg view`` reads all that it shows and ends without having opened a port."""
    viewer = nullcontext(SimpleNamespace(url="", port=0, not_kept="", doorkeeper=SimpleNamespace(refused=0)))
    with (
        mock.patch("gsseg_viewer.server.serve", return_value=viewer),
        mock.patch("gsseg.cli.view._first", return_value=signal.SIGINT),
    ):
        yield
