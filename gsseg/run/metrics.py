"""metrics.json: what a run cost and found."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from gsseg.errors import InputError
from gsseg.files.json_file import read_json_object
from gsseg.io.numbers import real_number
from gsseg.memory import peak_memory_mb
from gsseg.run.trained import Trained
from gsseg.segmentation import NO_CODE, NO_OBJECT

_AGAIN = "run gsseg train again"
_LARGEST = 1e18


def metrics_of(trained: Trained, seconds: dict[str, float], scores: dict[str, Any]) -> dict[str, Any]:
    """The content of metrics.json: seconds by stage, memory, counts, last losses and scores."""
    scene, evidence, found = trained.scene, trained.evidence, trained.segmentation
    return {
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "peak_rss_mb": round(peak_memory_mb(), 1),
        "counts": {
            "gaussians": len(scene.gaussians),
            "drawable": int(scene.gaussians.drawable.sum()),
            "visible": int((evidence.visibility > 0).sum()),
            "masked": int(evidence.masked.sum()),
            "assigned": int((found.object_ids != NO_OBJECT).sum()),
            "views": len(scene.views),
            "views_with_masks": evidence.views,
            "masks": int((evidence.row_label > 0).sum()),
            "codes": len(np.unique(found.code_fine[found.code_fine != NO_CODE])),
            "objects": len(found.objects),
        },
        "losses": _last_losses(trained.losses),
        "scores": scores,
    }


def read_metrics(path: Path) -> dict[str, Any]:
    """The metrics.json at ``path``; raises `InputError` where it is missing, damaged or lacks a part."""
    if not path.exists():
        raise InputError(path, "does not exist", "finish the run: gsseg train -s SCENE -m RUN --resume")
    metrics = read_json_object(path, _AGAIN)
    parts = ("seconds", "counts", "losses", "scores")
    if not all(isinstance(metrics.get(part), dict) for part in parts):
        raise InputError(path, f"does not hold {', '.join(parts)}", _AGAIN)
    numbers = {"peak_rss_mb": metrics.get("peak_rss_mb"), **metrics["seconds"], **metrics["counts"]}
    for name, number in numbers.items():
        real_number(path, f"{name[:60]!r}", number, _AGAIN, least=0, most=_LARGEST)
    return metrics


def log_text(notes: list[str], metrics: dict[str, Any]) -> str:
    """The text of log.txt: when it ended, what was repaired or left out, and the metrics a line each."""
    lines = [time.strftime("finished %Y-%m-%d %H:%M:%S %z"), *notes]
    for group in ("seconds", "counts", "losses", "scores"):
        lines += [f"{group}.{name} = {value}" for name, value in metrics[group].items() if not isinstance(value, list)]
    return "\n".join(lines) + "\n"


def _last_losses(curves: dict[str, list[float]]) -> dict[str, float]:
    """The last value of each curve; of the codebook's, which end at their best, the first too."""
    last: dict[str, float] = {}
    for name, curve in curves.items():
        if not curve:
            continue
        if name.startswith("codebook "):
            key = name.replace(" ", "_")
            last |= {f"{key}_before": curve[0], f"{key}_after": curve[-1]}
        else:
            last[name] = curve[-1]
    return last
