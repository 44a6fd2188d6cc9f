"""What a splat file or a scene folder holds, and what is wrong with it: the rows that ``gsseg info`` prints."""

from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from gsseg.errors import InputError
from gsseg.io.masks import find_masks
from gsseg.io.scene_folder import find_splats, load_scene
from gsseg.io.splat_formats import read_splats
from gsseg.scene import Gaussians, View

Rows = list[tuple[str, str]]
"""(label, value), in the order to be printed."""


def summarize_splats(path: Path) -> Rows:
    """Label and value of all worth knowing about a splat file; `InputError` where it is missing or holds none."""
    file = read_splats(path)
    columns = file.columns.dtype
    names = list(columns.names or ())
    kinds = Counter(columns[name].name for name in names)
    rows = [
        ("file", str(file.path)),
        ("size", f"{file.path.stat().st_size / 1e6:.1f} MB"),
        *_summarize_gaussians(file.gaussians),
        ("columns", f"{len(names)} ({', '.join(f'{count} {kind}' for kind, count in kinds.items())})"),
        ("column names", _shorten(names)),
    ]
    rows += [("comment", comment) for comment in file.comments]
    return rows + [("note", note) for note in file.notes or ["nothing had to be repaired"]]


def _summarize_gaussians(gaussians: Gaussians) -> Rows:
    means = gaussians.means[gaussians.drawable].numpy()
    core = np.percentile(means, [1, 99], axis=0)
    opacities = gaussians.opacities[gaussians.drawable]
    low, middle, high = torch.quantile(opacities[:: max(1, len(opacities) // 100_000)], torch.tensor([0.1, 0.5, 0.9]))
    faint = float((opacities < 1 / 255).float().mean())
    scale = float(gaussians.log_scales[gaussians.drawable].median().exp())
    undrawn = len(gaussians) - len(means)
    return [
        ("gaussians", f"{len(gaussians)}" + (f" ({undrawn} of them cannot be drawn)" if undrawn else "")),
        ("SH degree", str(gaussians.sh_degree)),
        ("extent", _box(means.min(0), means.max(0))),
        ("extent, 1-99 %", _box(core[0], core[1])),
        ("opacity", f"10 % {low:.3f}, median {middle:.3f}, 90 % {high:.3f}; {faint:.1%} too faint to be drawn"),
        ("scale", f"median {scale:.4g} world units"),
    ]


def summarize_scene(path: Path) -> Rows:
    """Label and value of everything worth knowing about a scene folder.

    One with a fault that `load_scene` refuses is summarized as far as it can be read, with the fault as last row.
    """
    rows: Rows = [("scene", str(path))]
    try:
        scene = load_scene(path)
    except InputError as error:
        # The rest of the scene may still be worth knowing, above all the file that was about to be used.
        with suppress(InputError):
            rows += summarize_splats(find_splats(path))
        return [*rows, ("wrong", str(error))]
    sizes = Counter(f"{view.camera.width} x {view.camera.height}" for view in scene.views)
    lenses = Counter(view.lens.model for view in scene.views if view.lens is not None)
    photos = sum(view.photo is not None for view in scene.views)
    rows += [
        ("splats", str(scene.splats.path)),
        *_summarize_gaussians(scene.gaussians),
        ("views", f"{len(scene.views)} ({f'{scene.views[0].name} to {scene.views[-1].name}'})"),
        ("resolution", ", ".join(f"{size} ({count})" for size, count in sizes.most_common(4))),
        ("lens", ", ".join(f"{model} ({count})" for model, count in lenses.items()) or "none: pinhole pictures"),
        ("photos", f"{photos} of {len(scene.views)} views"),
        ("masks", _masks(path, scene.views)),
    ]
    return rows + [("note", note) for note in scene.notes or ["nothing had to be repaired"]]


def _masks(path: Path, views: list[View]) -> str:
    counts = [int(view.labels.max()) for view in views if view.labels is not None]
    files = find_masks(path)
    if files is None or not counts:
        return "none"
    covered = np.mean([(view.labels > 0).mean() for view in views if view.labels is not None])
    spread = f"{min(counts)} to {max(counts)} masks a view (median {np.median(counts):.0f})"
    return f"{files.format.name} in {files.folder.name}, {len(counts)} views, {spread}, {covered:.0%} of the pixels"


def _shorten(names: list[str]) -> str:
    return " ".join(names) if len(names) <= 24 else " ".join([*names[:10], "...", *names[-8:]])


def _box(low: np.ndarray, high: np.ndarray) -> str:
    return " x ".join(f"{size:.4g}" for size in high - low) + f" from ({', '.join(f'{value:.4g}' for value in low)})"
