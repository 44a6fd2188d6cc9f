"""Scores of a segmentation: by the protocol that is asked for, or of a finished run whose scene knows the truth."""

from pathlib import Path
from typing import Any

from jaxtyping import Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.ground_truth import holds_ground_truth, read_ground_truth
from gsseg.evaluate.prediction import ObjectWords, Prediction
from gsseg.evaluate.protocols import CLICK, EvaluationProtocol, Progress
from gsseg.evaluate.scores import Scores
from gsseg.scene import Scene

TRUTH = "gt"
"""The folder of a scene that holds its ground truth."""


def evaluate(
    scene: Scene | None,
    object_ids: Int32[ndarray, " gaussians"],
    truth: Path | str,
    protocol: EvaluationProtocol = CLICK,
    progress: Progress = lambda what, done, total: None,
    words: ObjectWords | None = None,
) -> Scores:
    """Scores the object of each Gaussian of a scene (-1 = none) against the folder ``truth``.

    ``scene``: None where the protocol needs only ids, one a vertex of the truth. ``words``: who knows what objects are
    called, for protocols of classes and texts. Raises `InputError` where scene, segmentation and truth do not belong
    together, or the truth is damaged.
    """
    if scene is not None and len(object_ids) != len(scene.gaussians):
        raise InputError(
            scene.splats.path, f"holds {len(scene.gaussians)} Gaussians, the run {len(object_ids)}",
            "give the scene that the run was made from",
        )  # fmt: skip
    return protocol.evaluate(scene, Prediction(object_ids, words), Path(truth), progress)


def check_truth(scene: Scene) -> None:
    """`InputError` where the scene holds ground truth in ``gt/`` that cannot be read: to be told before long work."""
    folder = scene.path / TRUTH
    if holds_ground_truth(folder):
        read_ground_truth(folder, len(scene.gaussians))


def score_run(scene: Scene, object_ids: Int32[ndarray, " gaussians"]) -> dict[str, Any]:
    """`Scores.summary` of a run whose scene holds ground truth in ``gt/``, by clicks; nothing where it does not.

    Truth that cannot be used is no reason to lose a finished run: it is named under ``unusable``.
    """
    folder = scene.path / TRUTH
    if not holds_ground_truth(folder):
        return {}
    try:
        return evaluate(scene, object_ids, folder).summary()
    except InputError as error:
        return {"unusable": str(error)}
