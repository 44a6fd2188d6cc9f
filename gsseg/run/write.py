"""What training writes into its RUN folder: scored and reported first, then all files at once."""

import json
import time
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save

from gsseg.config import TrainConfig
from gsseg.evaluate.score import lost_in_run, score_run
from gsseg.export.close_ups import close_ups
from gsseg.export.losses import subjects_of
from gsseg.export.report import ReportData, write_report
from gsseg.files.together import replace_together
from gsseg.run.codebook_file import write_codebook
from gsseg.run.confidence_file import CONFIDENCE
from gsseg.run.layout import RunLayout
from gsseg.run.metrics import log_text, metrics_of
from gsseg.run.settings import settings_of, settings_text
from gsseg.run.thumbnails import named, thumbnail_files, write_thumbnails
from gsseg.run.trained import Trained
from gsseg.segmentation.confidence import confidence_json
from gsseg.segmentation.segmented_ply import write_segmented
from gsseg.segmentation.table import table_json


def write_run(folder: Path, trained: Trained, config: TrainConfig, key: str, started: float) -> None:
    """Writes everything of the RUN folder except its cache: the folder is the earlier run or this one, whole.

    What was made of an earlier training's objects (scene.gsseg, marks, versions before edits) goes with it. ``key``: of
    `gsseg.run.stages.run_key`. ``started``: of `time.perf_counter`, when the last stage ended. Raises `InputError`
    where the file system refuses.
    """
    layout, found = RunLayout(folder), trained.segmentation
    scores = score_run(trained.scene, found.object_ids)
    settings = settings_of(trained.scene, config, key)
    lost = lost_in_run(trained.scene, found.object_ids, trained.evidence)
    pictures = close_ups(trained.scene, trained.evidence, subjects_of(found, lost))
    thumbnails = thumbnail_files(pictures.objects)
    found = replace(found, objects=named(found.objects, thumbnails))
    gone = [*(path.name for path in layout.later), *layout.thumbnail_names()]
    with replace_together(folder, remove=gone, keep=False) as out:
        new = RunLayout(out)
        write_segmented(new.segmented, trained.scene.splats, found)
        seen = torch.from_numpy(found.learnt.any(axis=1))
        sure = torch.from_numpy(trained.confidence.gaussians)
        features = {"features": torch.from_numpy(found.learnt), "seen": seen.byte(), CONFIDENCE: sure}
        _write_tensors(new.features, features)
        write_codebook(new.codebook, trained.codes)
        _write_text(new.objects, table_json(found.objects))
        write_thumbnails(out, thumbnails)
        _write_text(new.confidence, confidence_json(trained.confidence, found.object_ids))
        _write_text(new.settings, settings_text(settings))
        seconds = {**trained.seconds, "write": time.perf_counter() - started}
        metrics = metrics_of(trained, {**seconds, "total": sum(seconds.values())}, scores)
        _write_text(new.metrics, json.dumps(metrics, indent=1))
        _write_text(new.log, log_text(trained.scene.notes, metrics))
        report = ReportData(
            scene=trained.scene, segmentation=found, losses=trained.losses, metrics=metrics, config=settings,
            notes=trained.scene.notes, borders=trained.confidence.borders, lost=lost, pictures=pictures,
        )  # fmt: skip
        write_report(new.report, report)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogateescape")


def _write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    path.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
