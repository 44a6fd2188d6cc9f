"""Trains scenes with the defaults and prints one row of docs/results.md for each.

    python scripts/1_results.py OUT [SCENE ...] [-- OPTIONS OF gsseg train]

A SCENE is a folder, or the name of a preset of `gsseg.sample` (``scan``), which stands for its seeds below. Presets are
made in OUT/scenes: everybody can repeat them. Without a SCENE all of them are trained, in the order in which they stand
in docs/results.md. Every run is a process of its own, so time and memory are those of the command a user would type.
"""

import json
import subprocess
import sys
from pathlib import Path

from gsseg.sample import holds_room, preset, write_room
from gsseg.sample.config import Preset

ROOMS: dict[str, tuple[Preset, tuple[int, ...]]] = {
    "scan": ("scan", (1, 2, 3, 4, 7, 8, 9, 10)),
    "scan_few": ("scan_few", (1, 2, 3, 4)),
    "scan_spoilt": ("scan_spoilt", (21, 23, 24, 25)),
    "scan_spoilt_few": ("scan_spoilt_few", (21, 23, 24, 25)),
    "room": ("room", (1, 2)),
    "hard": ("hard", (3, 11)),
    "flat": ("flat", (4, 5, 11, 12)),
}
"""Seeds of each preset."""


def made(name: str, folder: Path) -> list[Path]:
    """The folders of a preset's scenes, made where they are not there yet."""
    kind, seeds = ROOMS[name]
    scenes = [folder / f"{name}_s{seed}" for seed in seeds]
    for scene, seed in zip(scenes, seeds, strict=True):
        if not holds_room(scene, *preset(kind, seed)):
            write_room(scene, *preset(kind, seed))
    return scenes


def row(scene: Path, out: Path, options: list[str]) -> str:
    """Runs `gsseg train` and returns its figures as a row of a table."""
    run = out / scene.name
    command = [sys.executable, "-m", "gsseg", "train", "-s", str(scene), "-m", str(run), "--seed", "0", "--quiet"]
    subprocess.run([*command, *options], check=True)
    metrics = json.loads((run / "metrics.json").read_text())
    scores, counts, losses = metrics["scores"], metrics["counts"], metrics["losses"]
    iou = [f"{scores[name]:.3f}" if scores.get(name) is not None else "" for name in ("object_iou", "view_iou")]
    before, after = losses["codebook_fine_before"], losses["codebook_fine_after"]
    cost = (f"{metrics['seconds']['total']:.0f} s", f"{metrics['peak_rss_mb']:.0f} MB")
    found = (f"{counts['objects']} of {scores['instances']}" if scores else f"{counts['objects']}",)
    return f"| {' | '.join([scene.name, *iou, *found, f'{before:.4f} -> {after:.4f}', *cost])} |"


def main() -> None:
    """Prints the table."""
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    out, named = Path(arguments[0]), arguments[1:split] or list(ROOMS)
    scenes = [scene for name in named for scene in (made(name, out / "scenes") if name in ROOMS else [Path(name)])]
    print("| scene | object IoU | view IoU | objects | fine L_p before -> after | total | peak memory |")
    print("|---|---|---|---|---|---|---|")
    for scene in scenes:
        print(row(scene, out, arguments[split + 1 :]), flush=True)


if __name__ == "__main__":
    main()
