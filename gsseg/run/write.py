"""What a finished training run writes into its folder; every file whole or not at all."""

import json
import platform
import time
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import yaml
from safetensors.torch import save

from gsseg.config import TrainConfig
from gsseg.evaluate.score import score_run
from gsseg.export.ply import write_segmented
from gsseg.export.report import ReportData, write_report
from gsseg.files import whole_file
from gsseg.files.together import forget
from gsseg.memory import peak_memory_mb
from gsseg.segmentation import NO_CODE
from gsseg.segmentation.table import table_json
from gsseg.version import __version__

if TYPE_CHECKING:
    from gsseg.pipeline import Trained

LIBRARIES = ("torch", "numpy", "numba", "scipy", "gsplat", "plyfile", "pillow", "safetensors")


def write_run(out: Path, trained: "Trained", config: TrainConfig, started: float) -> None:
    """Writes everything of the RUN folder except its cache; ``objects.json`` last, as the sign of completion."""
    scene, codes, objects = trained.scene, trained.codes, trained.objects
    coarse, fine = (np.where(c < 0, NO_CODE, c).astype(np.uint16) for c in (codes.coarse.numpy(), codes.fine.numpy()))
    discrete = codes.features()
    forget(out)  # edits of an earlier run that were being saved, or were replaced
    write_segmented(scene.splats.path, out / "segmented.ply", discrete.numpy(), coarse, fine, objects.object_ids)
    for earlier in ("objects.json", "scene.gsseg", "viewer.json"):  # those of an earlier run are not this one's
        (out / earlier).unlink(missing_ok=True)
    _write_tensors(
        out / "features.safetensors", {"features": trained.features.features, "seen": trained.features.seen.byte()}
    )
    _write_tensors(
        out / "codebook.safetensors",
        {
            "coarse": codes.coarse, "fine": codes.fine,
            "coarse_codebook": codes.coarse_codebook, "fine_codebook": codes.fine_codebook,
        },
    )  # fmt: skip
    paths = {"scene": str(scene.path.resolve()), "splats": str(scene.splats.path.resolve())}
    settings = {"gsseg": __version__, **paths, "render": asdict(scene.render), **asdict(config)}
    settings["versions"] = {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}}
    _write_text(out / "config.yaml", yaml.safe_dump(settings, sort_keys=False))

    scores = score_run(scene, objects)
    seconds = {**trained.seconds, "write": time.perf_counter() - started}
    metrics = _metrics(trained, {**seconds, "total": sum(seconds.values())}, scores)
    losses = {**trained.features.losses, **{f"codebook {name}": curve for name, curve in codes.losses.items()}}
    report = ReportData(
        scene=scene, features=trained.features.features, code_fine=fine, objects=objects, losses=losses,
        metrics=metrics, config=settings, notes=scene.notes,
    )  # fmt: skip
    write_report(out / "report.html", report)
    _write_text(out / "log.txt", _log(scene.notes, metrics))
    _write_text(out / "metrics.json", json.dumps(metrics, indent=1))
    _write_text(out / "objects.json", table_json(objects.table))


def _metrics(trained: "Trained", seconds: dict[str, float], scores: dict[str, Any]) -> dict[str, Any]:
    evidence, codes, objects = trained.evidence, trained.codes, trained.objects
    return {
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "peak_rss_mb": round(peak_memory_mb(), 1),
        "counts": {
            "gaussians": len(trained.scene.gaussians),
            "drawable": int(trained.scene.gaussians.drawable.sum()),
            "visible": int((evidence.visibility > 0).sum()),
            "masked": int(evidence.masked.sum()),
            "assigned": int((objects.object_ids >= 0).sum()),
            "views": len(trained.scene.views),
            "views_with_masks": evidence.views,
            "masks": int((evidence.row_label > 0).sum()),
            "codes": len(torch.unique(codes.fine[codes.fine >= 0])),
            "objects": len(objects.table),
        },
        "losses": {
            **{name: curve[-1] for name, curve in trained.features.losses.items() if curve},
            **{
                f"codebook_{name}_{when}": curve[at]
                for name, curve in codes.losses.items() if curve
                for when, at in (("before", 0), ("after", -1))
            },
        },
        "scores": scores,
    }  # fmt: skip


def _log(notes: list[str], metrics: dict[str, Any]) -> str:
    lines = [time.strftime("finished %Y-%m-%d %H:%M:%S %z"), *notes]
    for group in ("seconds", "counts", "losses", "scores"):
        lines += [f"{group}.{name} = {value}" for name, value in metrics[group].items() if not isinstance(value, list)]
    return "\n".join(lines) + "\n"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _write_text(path: Path, text: str) -> None:
    with whole_file(path) as beside:
        beside.write_text(text)


def _write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    with whole_file(path) as beside:
        beside.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
