"""Trains scenes with the defaults and prints one row of docs/results.md for each.

    python scripts/1_results.py OUT [SCENE ...] [-- OPTIONS OF gsseg train]

Without a SCENE the rooms of `gsseg.sample` that stand first in docs/results.md are made in OUT/scenes: everybody
can repeat them. Every run is a process of its own, so time and memory are those of the command a user would type.
"""

import json
import subprocess
import sys
from pathlib import Path

from gsseg.sample import holds_room, preset, write_room
from gsseg.sample.config import Preset

ROOMS: tuple[tuple[Preset, int], ...] = (
    ("room", 1), ("room", 2), ("hard", 3), ("hard", 11), ("flat", 4), ("flat", 5), ("flat", 11), ("flat", 12),
)  # fmt: skip
"""Preset and seed of the rooms that are made."""


def made(folder: Path) -> list[Path]:
    """The folders of the rooms, made where they are not there yet."""
    scenes = []
    for name, seed in ROOMS:
        scenes.append(folder / f"{name}_s{seed}")
        if not holds_room(scenes[-1], *preset(name, seed)):
            write_room(scenes[-1], *preset(name, seed))
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
    out, *scenes = (Path(argument) for argument in arguments[:split])
    print("| scene | object IoU | view IoU | objects | fine L_p before -> after | total | peak memory |")
    print("|---|---|---|---|---|---|---|")
    for scene in scenes or made(out / "scenes"):
        print(row(scene, out, arguments[split + 1 :]), flush=True)


if __name__ == "__main__":
    main()
