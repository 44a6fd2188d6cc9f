"""What is interrupted: each command that writes, over nothing and over what an earlier one wrote."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gsseg_viewer.document import Document
from gsseg_viewer.edits import hide, rename
from gsseg_viewer.saving import save
from safetensors import safe_open

from gsseg import pipeline
from gsseg.cli import main
from gsseg.cli.output import Stages
from gsseg.codebook import Codes
from gsseg.errors import InputError
from gsseg.export.report import ReportData
from gsseg.features import MaskEvidence
from gsseg.files import whole_file
from gsseg.files.digest import sha256
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run, write

FEW = ["--quiet", "--config.features.steps", "3", "--config.codebook.steps", "2", "--config.codebook.coarse", "4",
       "--config.codebook.fine", "3", "--pixels-per-view", "256"]  # fmt: skip
"""Options with which the small scene is trained in a fraction of a second."""

Snapshot = dict[str, bytes]
"""Relative name -> content of each file that lasts; hidden ones and the cache do not."""


def freeze_clock(patch: pytest.MonkeyPatch) -> None:
    """From now on what a run cost is always the same, so that runs can be compared to the byte."""
    metrics_of, log_text = write.metrics_of, write.log_text

    def without_cost(trained, seconds, scores):
        return {**metrics_of(trained, dict.fromkeys(seconds, 0.0), scores), "peak_rss_mb": 1.0}

    patch.setattr(write, "metrics_of", without_cost)
    patch.setattr(write, "log_text", lambda *found: log_text(*found).split("\n", 1)[1])


def compute_once(patch: pytest.MonkeyPatch) -> None:
    """From now on a training whose like has been seen takes its numbers from there: its files alone are of interest.

    What files decide goes on: weights are drawn, written and read again, and a stage that the cache holds is not asked.
    """
    for name in ("fit_features", "train_codebook", "build_objects"):
        patch.setattr(pipeline, name, _once(getattr(pipeline, name)))
    patch.setattr(write, "write_report", _report_once(write.write_report))


def _once(compute: Callable[..., Any]) -> Callable[..., Any]:
    """``compute``, but for arguments that it has been called with: told apart by their arrays, numbers and settings."""
    seen: dict[str, Any] = {}

    def computed(*arguments: Any) -> Any:
        key = sha256(*map(_part, arguments))
        if key not in seen:
            seen[key] = compute(*arguments)
        return seen[key]

    return computed


def _part(value: Any) -> bytes | str:
    if isinstance(value, torch.Tensor | np.ndarray):
        return np.asarray(value).tobytes()
    if isinstance(value, Codes):
        return np.asarray(value.fine).tobytes() + np.asarray(value.fine_codebook).tobytes()
    if isinstance(value, MaskEvidence):
        return value.matrix.data.tobytes()
    return "" if callable(value) or isinstance(value, list) else repr(value)


def _report_once(write_report: Callable[..., None]) -> Callable[..., None]:
    """``write_report``, which draws a run's pictures only when it first meets such a run."""
    pages: dict[str, str] = {}

    def written(path: Path, data: ReportData) -> None:
        told = sha256(json.dumps([data.metrics, data.config, data.notes]), data.segmentation.learnt)
        if told not in pages:
            write_report(path, data)
            pages[told] = path.read_text(encoding="utf-8")
            return
        with whole_file(path) as beside:
            beside.write_text(pages[told], encoding="utf-8", errors="replace")

    return written


@dataclass(frozen=True)
class Job:
    """One command, in a folder of its own that holds other people's files too."""

    name: str
    do: Callable[[Path], int]
    """Runs it in that folder and returns its exit status."""
    before: str
    """The template it starts from."""
    exchanges: bool = True
    """Whether the system can let two folders change places."""
    repeats: bool = True
    """Whether doing it once more ends in the same state."""


@dataclass(frozen=True)
class World:
    """A scene and the folders that jobs start from."""

    scene: Path
    templates: Path

    def place(self, template: str, at: Path) -> Path:
        """A copy of a template, which is to be a job's folder."""
        return Path(shutil.copytree(self.templates / template, at))

    def train(self, run: Path, *options: str) -> int:
        """Trains into a folder."""
        return main(["train", "-s", str(self.scene), "-m", str(run), *FEW, *options])

    def jobs(self) -> list[Job]:
        """All of them."""
        return [
            Job("train", lambda place: self.train(place / "new" / "run"), "others"),
            Job("train again", lambda place: self.train(place / "run", "--seed", "1"), "finished"),
            Job("train --discard-edits", lambda place: self.train(place / "run", "--seed", "1", "--discard-edits"),
                "edited"),
            Job("train --resume of an interrupted run",
                lambda place: self.train(place / "run", "--resume", "--seed", "1"), "interrupted"),
            Job("train --resume of an interrupted run over a finished one",
                lambda place: self.train(place / "run", "--resume", "--seed", "1"), "interrupted again"),
            Job("compress", lambda place: main(["compress", "-m", str(place / "run"), "--quiet"]), "plain"),
            Job("compress again",
                lambda place: main(["compress", "-m", str(place / "run"), "--levels", "0", "--quiet"]), "finished"),
            Job("export", _export, "finished"),
            Job("export again", _export, "exported"),
            Job("export again, without exchange", _export, "exported", exchanges=False),
            Job("export in all formats again", _export_all, "exported in all"),
            Job("update", _update, "edited elsewhere"),
            Job("save in the viewer", _save, "finished", repeats=False),
            Job("save in the viewer again", _save, "edited", repeats=False),
            Job("name", _name, "described", repeats=False),
        ]  # fmt: skip


JOBS = 15


def make_world(folder: Path, scene: Path) -> World:
    """Makes the templates, each with a finished run and a file that are nobody's business."""
    world = World(scene, folder)
    others = folder / "others"
    others.mkdir()
    (others / "precious.txt").write_text("precious")
    assert world.train(others / "other") == 0
    plain = _copied(others, "plain")
    shutil.copytree(others / "other", plain / "run")
    for name in ("run/mine.txt", "run/cache/mine.safetensors", "run/.mine.part"):
        (plain / name).write_text("mine")
    finished = _copied(plain, "finished")
    assert main(["compress", "-m", str(finished / "run"), "--quiet"]) == 0
    edited = _copied(finished, "edited")
    document = Document.open(edited / "run")
    document.apply("", lambda state: hide(rename(state, 0, "edited"), state.pieces_of([1])))
    save(document)
    exported = _copied(finished, "exported")
    assert main(["export", "-m", str(exported / "run"), "--out", str(exported / "out"), "--objects", "0"]) == 0
    assert _export_all(_copied(exported, "exported in all")) == 0
    elsewhere = _copied(finished, "edited elsewhere")
    write_splats(elsewhere / "edited.ply", read_splats(finished / "run" / "segmented.ply").columns[::2])
    _describe(_copied(finished, "described"))
    for name, start in (("interrupted", others), ("interrupted again", finished)):
        place = _copied(start, name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Stages, "__call__", _interrupts)
            assert world.train(place / "run", "--seed", "1") == 130
    return world


def snapshot(place: Path) -> Snapshot:
    """What lies in a job's folder, as far as it is to last."""
    found = {}
    for path in sorted(place.rglob("*")):
        name = str(path.relative_to(place))
        foreign = path.name in ("mine.txt", "mine.safetensors", ".mine.part")
        if path.is_file() and (foreign or not (path.parent.name == "cache" or is_hidden(place, path))):
            found[name] = _content(path)
    return found


def settled(place: Path) -> Snapshot:
    """The same after somebody has opened the run that is there, which ends what was decided."""
    for run in (place / "run", place / "new" / "run"):
        try:
            opened = Run.open(run)
        except InputError:
            continue
        assert len(opened.object_ids) == 40
        assert opened.objects
    return snapshot(place)


def hidden(place: Path) -> list[str]:
    """What writers have left under hidden names."""
    every = (path for path in place.rglob("*") if path.name != ".mine.part")
    return [str(path.relative_to(place)) for path in every if is_hidden(place, path)]


def is_hidden(place: Path, path: Path) -> bool:
    """Whether a path is, or lies below, one of a hidden name."""
    return any(part.startswith(".") for part in path.relative_to(place).parts)


def _content(path: Path) -> bytes:
    """The bytes of a file; of scene.gsseg its checksum, because safetensors orders what it writes as it likes."""
    if path.suffix != ".gsseg":
        return path.read_bytes()
    with safe_open(path, framework="np") as file:
        return file.metadata()["sha256"].encode()


def _copied(start: Path, name: str) -> Path:
    return Path(shutil.copytree(start, start.with_name(name)))


def _interrupts(self: Stages, stage: str, done: int, total: int) -> None:
    if stage == "objects":
        raise KeyboardInterrupt


def _export(place: Path) -> int:
    return main(["export", "-m", str(place / "run"), "--out", str(place / "out"), "--drop", "1", "--quiet"])


def _export_all(place: Path) -> int:
    formats = ["standard", "painted", "glb", "masks"]
    return main(["export", "-m", str(place / "run"), "--out", str(place / "out"), "--quiet", "--also", *formats])


def _update(place: Path) -> int:
    return main(["update", "-m", str(place / "run"), str(place / "edited.ply"), "--quiet"])


def _describe(place: Path) -> None:
    """Gives the objects vectors, and writes words that have some, too."""
    rows = np.eye(8, dtype=np.float32)[: len(Run.open(place / "run").objects)]
    np.save(place / "objects.npy", rows)
    assert main(["compress", "-m", str(place / "run"), "--language", str(place / "objects.npy"), "--quiet"]) == 0
    (place / "words.txt").write_text("lamp\nmug\n")
    (place / "texts.json").write_text(json.dumps({"lamp": [1.0] + [0.0] * 7, "mug": [0.0, 1.0] + [0.0] * 6}))


def _name(place: Path) -> int:
    words = ["--words", str(place / "words.txt"), "--text-vectors", str(place / "texts.json")]
    return main(["name", "-m", str(place / "run"), *words, "--quiet"])


def _save(place: Path) -> int:
    try:
        document = Document.open(place / "run")
        document.apply("", lambda state: rename(state, 1, "renamed"))
        save(document)
    except InputError as error:
        print(f"gsseg: error: {error}", file=sys.stderr)
        return 2
    return 0
