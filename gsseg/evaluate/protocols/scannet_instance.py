"""ScanNet's instances, whatever they are: class-agnostic AP over all vertices, and the IoU of the best match."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.instances import (
    MIN_VERTICES,
    THRESHOLDS,
    average_precision,
    best_match_iou,
    mean_average_precision,
    overlaps,
)
from gsseg.evaluate.nyu40 import INSTANCE_CLASSES, UNLABELLED
from gsseg.evaluate.prediction import Prediction
from gsseg.evaluate.protocols.protocol import Progress
from gsseg.evaluate.scores import Metric, Scores
from gsseg.evaluate.vertex_truth import INSTANCE, VertexTruth, read_vertex_truth
from gsseg.scene import Scene


@dataclass(frozen=True)
class ScanNetInstanceProtocol:
    """AP, AP50 and AP25 of `gsseg.evaluate.instances`, and the mean IoU of each instance's best object.

    Of a truth with classes only the instances of the benchmark's 18 count: walls and floors are no instances. Never
    over labelled vertices alone: that leaves out of an object what it holds of the unlabelled rest.
    """

    name: str = "scannet-instance"
    """As `EvaluationProtocol` says."""
    summary: str = "class-agnostic AP, AP50, AP25 and best-match IoU of instances, over all vertices"
    """As `EvaluationProtocol` says."""

    def evaluate(self, scene: Scene | None, found: Prediction, truth: Path, progress: Progress) -> Scores:
        """Reads the folder with `read_vertex_truth` and scores against its instances."""
        known = read_vertex_truth(truth, len(found.object_ids))
        if known.instances is None:
            raise InputError(truth, f"has no {INSTANCE}", "make it: gsseg prepare scannet RAW OUT")
        both = overlaps(found.object_ids, counted_instances(known, known.instances))
        best = best_match_iou(both)
        if not best:
            problem = f"holds no instance of {MIN_VERTICES} vertices that is counted"
            raise InputError(truth / INSTANCE, problem, "give the truth of a whole scene")
        metrics = (
            Metric("ap", "AP", mean_average_precision(both)),
            Metric("ap50", "AP50", average_precision(both, 0.5)),
            Metric("ap25", "AP25", average_precision(both, 0.25)),
            Metric("best_match_iou", "best-match IoU", float(np.mean(list(best.values()))), best),
        )
        progress("instances", 1, 1)
        rules = {
            "vertices": "all",
            "min_vertices": MIN_VERTICES,
            "ap_thresholds": list(THRESHOLDS),
            "confidence": "equal for all objects",
            "classes": list(INSTANCE_CLASSES) if known.classes is not None else None,
        }
        return Scores(metrics, found.objects, known.names, rules=rules)


def counted_instances(truth: VertexTruth, instances: Int32[ndarray, " vertices"]) -> Int32[ndarray, " vertices"]:
    """The instances less those of walls, floors and classes that the benchmark leaves out, whose vertices become -1.

    An instance is of the class that most of its labelled vertices have; one without such a vertex is left out. All are
    counted where the truth knows no classes.
    """
    if truth.classes is None:
        return instances
    inside = (instances >= 0) & (truth.classes != UNLABELLED)
    if not inside.any():
        return np.full_like(instances, -1)
    ids, rows = np.unique(instances[inside], return_inverse=True)
    width = int(truth.classes.max()) + 1
    table = np.bincount(rows * width + truth.classes[inside], minlength=len(ids) * width).reshape(len(ids), width)
    kept = ids[np.isin(table.argmax(axis=1), INSTANCE_CLASSES)]
    return np.where(np.isin(instances, kept), instances, np.int32(-1))
