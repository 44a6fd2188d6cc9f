"""RUN folders as the command line meets them: whether one may be written, and what came out."""

from pathlib import Path
from typing import Any

import numpy as np

from gsseg.cli.output import Output
from gsseg.errors import InputError
from gsseg.files.shell import command_line
from gsseg.files.together import finish
from gsseg.io.scene_folder import find_splats
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run, RunLayout
from gsseg.run.folder import check_unedited
from gsseg.run.metrics import read_metrics
from gsseg.run.settings import read_settings

FINISHED = "finished already, from this input and with these options: nothing is changed"
"""What is said where there is nothing to train."""


def check_run_folder(run: Path, scene: Path, *, discard_edits: bool) -> None:
    """Raises `InputError` unless ``run`` is new, empty, or a run that may be made again, and is not the scene.

    A run that was changed since its training may be made again only with ``discard_edits``. A run may lie inside the
    scene's folder: it becomes a folder of its own there and changes nothing that was there.
    """
    if run.exists() and not run.is_dir():
        raise InputError(run, "is a file", "name a folder for the run")
    if run.is_dir() and scene.is_dir() and run.samefile(scene):
        raise InputError(run, "is the scene itself, which is never written to", "name another folder with -m")
    if run.is_dir() and not RunLayout(run).finished and not RunLayout(run).holds_only_a_run():
        raise InputError(run, "holds files and is no run of gsseg", "name a new or empty folder with -m")
    if run.is_dir():
        finish(run)  # a saving that was interrupted is an edit too
    if not discard_edits:
        check_unedited(RunLayout(run))


def tell_result(run: Path, output: Output, then: list[str]) -> dict[str, Any]:
    """Says what a finished run found, what it cost and which command to give ``then``; returns it as a summary."""
    layout = RunLayout(run)
    metrics = read_metrics(layout.metrics)
    counts, seconds, scores = metrics["counts"], metrics["seconds"], metrics.get("scores") or {}
    share = counts["assigned"] / max(1, counts["visible"])
    output.table(
        [
            ("objects", f"{counts['objects']}, made of {counts['codes']} codes; they hold {share:.0%} of what is seen"),
            ("cost", f"{seconds['total']:.1f} s, {metrics['peak_rss_mb']:.0f} MB at most"),
            *((scored(name), f"{value:.3f}") for name, value in scores.items() if isinstance(value, float)),
            ("report", str(layout.report)),
            ("look", command_line(["gsseg", "view", "-m", str(run)])),
            ("next", command_line(then)),
        ]
    )
    return {"run": str(run), "report": str(layout.report), "objects": counts["objects"], **metrics}


def scored(name: str) -> str:
    """A score's name for people: ``object_iou`` is ``object IoU``."""
    return name.replace("_", " ").replace("iou", "IoU")


def scene_of(run: Run, scene: Path | None) -> tuple[Path, Path]:
    """Folder of the scene that a run was made from and its splat file, as config.yaml names them.

    ``scene``: taken in place of the folder that config.yaml names; with it the run may be a scene.gsseg that was taken
    out of its folder, whose splats stand for those of the scene. `InputError` where neither tells.
    """
    path = RunLayout(run.path).settings
    if scene is not None:
        check_scene(run, scene)
    if scene is not None and not path.exists():
        return scene, run.file.path
    settings = read_settings(path)
    return scene or settings.scene, settings.splats


def check_scene(run: Run, scene: Path) -> None:
    """`InputError` where a folder that somebody named is not the scene that a run was made from.

    Its own splats tell, where the run was trained on splats that lie in its scene; else nothing does.
    """
    path = RunLayout(run.path).settings
    settings = read_settings(path) if path.exists() else None
    if settings is None or not settings.splats.is_relative_to(settings.scene) or not scene.is_dir():
        return
    own = scene / settings.splats.relative_to(settings.scene)
    if not own.exists():
        try:
            own = find_splats(scene)
        except InputError:  # it may have been moved without them
            return
    means, known = read_splats(own).gaussians.means.numpy(), run.gaussians.means.numpy()
    if means.shape != known.shape or not np.array_equal(means, known, equal_nan=True):
        held = f"{len(means)}" if len(means) != len(known) else "other"
        problem = f"is not the scene of {run.path}: {own.name} holds {held} Gaussians, not the {len(known)} of the run"
        raise InputError(scene, problem, f"name {settings.scene}, wherever it is now")
