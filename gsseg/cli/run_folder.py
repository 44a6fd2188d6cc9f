"""RUN folders as the command line meets them: whether one may be written, and what its metrics say."""

import json
import shlex
from pathlib import Path
from typing import Any

import yaml

from gsseg.cli.output import Output
from gsseg.errors import InputError
from gsseg.files.together import EARLIER, SAVED
from gsseg.run import Run

FILES = {"segmented.ply", "objects.json", "features.safetensors", "codebook.safetensors", "scene.gsseg", "metrics.json"}
FILES |= {"config.yaml", "log.txt", "report.html", "cache", "viewer.json", EARLIER, SAVED}
"""Everything that a RUN folder holds."""


def check_run_folder(run: Path, scene: Path) -> None:
    """Raises `InputError` unless ``run`` is new, empty, or a run that may be made again, and is not the scene.

    A run may lie inside the scene's folder: it becomes a folder of its own there and changes nothing that was there.
    """
    if run.exists() and not run.is_dir():
        raise InputError(run, "is a file", "name a folder for the run")
    if run.is_dir() and scene.is_dir() and run.samefile(scene):
        raise InputError(run, "is the scene itself, which is never written to", "name another folder with -m")
    if run.is_dir() and not is_run(run) and any(run.iterdir()):
        raise InputError(run, "holds files and is no run of gsseg", "name a new or empty folder with -m")


def is_run(path: Path) -> bool:
    """Whether the folder is a run, finished or interrupted."""
    if (path / "segmented.ply").is_file() and (path / "objects.json").is_file():
        return True
    names = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
    return bool(names) and all(name in FILES or name.endswith(".part") for name in names)


def read_metrics(run: Path) -> dict[str, Any]:
    """metrics.json of a finished run; raises `InputError` where it is missing or damaged."""
    path = run / "metrics.json"
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(path, "does not exist", "finish the run: gsseg train -s SCENE -m RUN --resume") from error
    except ValueError as error:
        raise InputError(path, f"is not valid JSON ({error})", "run gsseg train again") from error
    if not isinstance(metrics, dict):
        raise InputError(path, "holds no object", "run gsseg train again")
    return metrics


def read_settings(run: Path) -> dict[str, Any]:
    """config.yaml of a run; raises `InputError` where it is missing, damaged, or names no scene."""
    path = run / "config.yaml"
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read ({error})", "run gsseg train again") from error
    if not isinstance(settings, dict) or not {"scene", "splats"} <= settings.keys():
        raise InputError(path, "does not say which scene the run was made from", "run gsseg train again")
    return settings


def tell_result(run: Path, output: Output, then: list[str]) -> dict[str, Any]:
    """Says what a finished run found, what it cost and which command to give ``then``; returns it as a summary."""
    metrics = read_metrics(run)
    counts, seconds, scores = metrics["counts"], metrics["seconds"], metrics.get("scores") or {}
    share = counts["assigned"] / max(1, counts["visible"])
    output.table(
        [
            ("objects", f"{counts['objects']}, made of {counts['codes']} codes; they hold {share:.0%} of what is seen"),
            ("cost", f"{seconds['total']:.1f} s, {metrics['peak_rss_mb']:.0f} MB at most"),
            *((scored(name), f"{value:.3f}") for name, value in scores.items() if isinstance(value, float)),
            ("report", str(run / "report.html")),
            ("look", shlex.join(["gsseg", "view", "-m", str(run)])),
            ("next", shlex.join(then)),
        ]
    )
    return {"run": str(run), "report": str(run / "report.html"), "objects": counts["objects"], **metrics}


def scored(name: str) -> str:
    """A score's name for people: ``object_iou`` is ``object IoU``."""
    return name.replace("_", " ").replace("iou", "IoU")


def scene_of(run: Run, scene: Path | None) -> tuple[Path, Path]:
    """Folder of the scene that a run was made from and its splat file, as config.yaml names them.

    ``scene``: taken in place of the folder that config.yaml names; with it the run may be a scene.gsseg that was taken
    out of its folder, whose splats stand for those of the scene. `InputError` where neither tells.
    """
    if scene is not None and not (run.path / "config.yaml").exists():
        return scene, run.splats
    settings = read_settings(run.path)
    return scene or Path(settings["scene"]), Path(settings["splats"])
