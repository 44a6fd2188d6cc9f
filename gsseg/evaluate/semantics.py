"""IoU and accuracy of classes over vertices, as OpenGaussian's evaluation on ScanNet defines them.

A vertex whose truth is not among the classes is left out of everything: what is predicted there is no mistake. Classes
that the truth of a scene does not hold are left out of its means.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer
from numpy import ndarray


@dataclass(frozen=True)
class ClassScores:
    """Scores of the classes that a scene's truth holds, by their place in the set of classes."""

    iou: dict[int, float]
    """Vertices that are of the class in both, by those that are in either."""
    accuracy: dict[int, float]
    """Vertices of the class that were found to be, by those of the class."""

    @property
    def mean_iou(self) -> float:
        """Mean over the classes present."""
        return float(np.mean(list(self.iou.values())))

    @property
    def mean_accuracy(self) -> float:
        """Mean over the classes present."""
        return float(np.mean(list(self.accuracy.values())))


def class_scores(
    predicted: Integer[ndarray, " vertices"], truth: Integer[ndarray, " vertices"], classes: int
) -> ClassScores:
    """Scores of places 0..classes-1; in ``truth`` -1 = left out, in ``predicted`` -1 = none of them.

    ValueError where the truth holds none of the classes.
    """
    counted = truth >= 0
    if not counted.any():
        raise ValueError("no vertex is of any of the classes")
    mine, theirs = predicted[counted].astype(np.int64), truth[counted].astype(np.int64)
    # A table of (predicted + 1, truth): its first row is what was found to be of no class.
    table = np.bincount((mine + 1) * classes + theirs, minlength=(classes + 1) * classes).reshape(classes + 1, classes)
    common, found, there = np.diagonal(table[1:]), table[1:].sum(axis=1), table.sum(axis=0)
    present = np.flatnonzero(there)
    iou = {int(k): float(common[k] / (found[k] + there[k] - common[k])) for k in present}
    return ClassScores(iou, {int(k): float(common[k] / there[k]) for k in present})
