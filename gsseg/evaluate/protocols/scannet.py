"""ScanNet's classes of vertices: 19, 15 and 10 of NYU40, as OpenGaussian and its followers score them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.nyu40 import CLASSES_10, CLASSES_15, CLASSES_19, NYU40
from gsseg.evaluate.prediction import Prediction
from gsseg.evaluate.protocols.protocol import Progress, needed_words
from gsseg.evaluate.scores import Metric, Scores
from gsseg.evaluate.semantics import ClassScores, class_scores
from gsseg.evaluate.vertex_truth import SEMANTIC, read_vertex_truth
from gsseg.scene import Scene

LEAST_OPACITY = 0.1
"""Vertices whose Gaussian is less opaque are left out: training has given them up."""

_SETS = {"19": CLASSES_19, "15": CLASSES_15, "10": CLASSES_10}


@dataclass(frozen=True)
class ScanNetProtocol:
    """Every object is given the class that fits it best, anew for each set of classes; then the vertices are compared.

    Means are over the classes that the scene's truth holds. Published tables are means over ten scenes of these.
    """

    name: str = "scannet"
    """As `EvaluationProtocol` says."""
    summary: str = "ScanNet's 19, 15 and 10 classes, mIoU and mAcc over vertices; needs to know what objects are"
    """As `EvaluationProtocol` says."""

    def evaluate(self, scene: Scene | None, found: Prediction, truth: Path, progress: Progress) -> Scores:
        """Reads the folder with `read_vertex_truth` and scores against its classes."""
        words, known = needed_words(found, self.name), read_vertex_truth(truth, len(found.object_ids))
        if known.classes is None:
            raise InputError(truth, f"has no {SEMANTIC}", "make it from the labels: gsseg prepare scannet RAW OUT")
        drawn = np.ones(len(found.object_ids), bool)
        if scene is not None:
            drawn = (scene.gaussians.opacities >= LEAST_OPACITY).cpu().numpy()
        metrics: list[Metric] = []
        for done, (count, classes) in enumerate(_SETS.items()):
            each = words.classify([NYU40[number] for number in classes])
            try:
                scores = _scores(found.object_ids, each, known.classes, drawn, classes)
            except ValueError as error:
                raise InputError(truth / SEMANTIC, str(error), "give the scene it is of") from error
            by_class = [{classes[k]: value for k, value in part.items()} for part in (scores.iou, scores.accuracy)]
            metrics.append(Metric(f"miou{count}", f"mIoU {count}", scores.mean_iou, by_class[0]))
            metrics.append(Metric(f"macc{count}", f"mAcc {count}", scores.mean_accuracy, by_class[1]))
            progress("classes", done + 1, len(_SETS))
        rules = {
            "classes": {count: list(classes) for count, classes in _SETS.items()},
            "opacity_below_is_left_out": LEAST_OPACITY if scene is not None else None,
            "mean_over": "classes present in the truth",
        }
        return Scores(tuple(metrics), found.objects, NYU40, ("class", "classes"), rules)


def _scores(
    object_ids: Int32[ndarray, " vertices"],
    class_of_object: ndarray,
    truth: Int32[ndarray, " vertices"],
    drawn: Bool[ndarray, " vertices"],
    classes: tuple[int, ...],
) -> ClassScores:
    place = np.full(max(NYU40) + 1, -1)
    place[list(classes)] = np.arange(len(classes))
    known = np.append(class_of_object, -1)  # the last one is taken by objects of the id -1
    inside = np.where(object_ids < len(class_of_object), object_ids, -1)
    return class_scores(known[inside], np.where(drawn, place[truth], -1), len(classes))
