"""Scores of a segmentation: by the protocol that is asked for, or of a finished run whose scene knows the truth.

And of such a run, which instances it lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.ground_truth import holds_ground_truth, read_ground_truth
from gsseg.evaluate.losses import Loss, find_losses
from gsseg.evaluate.prediction import ObjectWords, Prediction
from gsseg.evaluate.protocols import CLICK, EvaluationProtocol, Progress
from gsseg.evaluate.scores import Scores
from gsseg.features import MaskEvidence
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


@dataclass(frozen=True, eq=False)
class Lost:
    """What a run lost of the truth."""

    losses: list[Loss]
    """Worst first."""
    instances: Int32[ndarray, " gaussians"]
    """Instance of each Gaussian, -1 = none."""
    names: Mapping[int, str]
    """Names of instances, where there are any."""

    @property
    def count(self) -> int:
        """Number of instances of the truth."""
        return len(set(self.instances[self.instances >= 0].tolist()))


def lost_in_run(scene: Scene, object_ids: Int32[ndarray, " gaussians"], evidence: MaskEvidence) -> Lost | None:
    """The lost instances of a run, by what the views with masks see; None where no truth of Gaussians can be read."""
    folder = scene.path / TRUTH
    try:
        truth = read_ground_truth(folder, len(object_ids)) if folder.is_dir() else None
    except InputError:
        return None
    if truth is None or truth.instances is None:
        return None
    masked = np.asarray(evidence.masks.sum(axis=0)).reshape(-1) > 0
    return Lost(find_losses(object_ids, truth.instances, evidence.visibility, masked), truth.instances, truth.names)
