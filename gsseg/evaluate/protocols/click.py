"""What a click selects: object IoU over Gaussians in space, view IoU over the pixels of held-out views."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.ground_truth import GroundTruth, read_ground_truth
from gsseg.evaluate.metrics import object_iou
from gsseg.evaluate.prediction import Prediction
from gsseg.evaluate.protocols.protocol import Progress, needed_scene
from gsseg.evaluate.scores import Metric, Scores
from gsseg.evaluate.view_iou import view_iou
from gsseg.evaluate.visibility import total_visibility
from gsseg.io.photos import check_aspect
from gsseg.scene import Camera, Scene


def _silent(what: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class ClickProtocol:
    """Object IoU where the truth knows Gaussians, view IoU where it knows pixels of held-out views."""

    name: str = "click"
    """As `EvaluationProtocol` says."""
    summary: str = "what a click selects, in space and in held-out views"
    """As `EvaluationProtocol` says."""

    def evaluate(self, scene: Scene | None, found: Prediction, truth: Path, progress: Progress = _silent) -> Scores:
        """Reads the folder with `read_ground_truth` and scores against it; see `against`."""
        ids = found.object_ids
        return self.against(needed_scene(scene, self.name), ids, read_ground_truth(truth, len(ids)), None, progress)

    def against(
        self,
        scene: Scene,
        object_ids: Int32[ndarray, " gaussians"],
        truth: GroundTruth,
        visibility: Float64[ndarray, " gaussians"] | None = None,
        progress: Progress = _silent,
    ) -> Scores:
        """The scores `object_iou` and `view_iou`, each None where the truth does not tell.

        View IoU is taken over labelled pixels only where the truth knows no Gaussians: that is a capture, whose label
        0 says that nobody looked. ``visibility``: `total_visibility`, where it is known already. Raises `InputError`
        where truth and scene do not belong together.
        """
        space: tuple[float | None, dict[int, float]] = (None, {})
        views: tuple[float | None, dict[int, float]] = (None, {})
        if truth.instances is not None:
            if visibility is None:
                visibility = total_visibility(scene, lambda done, total: progress("visibility", done, total))
            try:
                space = object_iou(object_ids, truth.instances, visibility)
            except ValueError as error:
                raise InputError(truth.path / "gaussian_instance.npy", str(error), "give the scene it is of") from error
        if truth.maps:
            cameras = [(_camera(scene, truth, name), ids) for name, ids in truth.maps.items()]
            try:
                views = view_iou(
                    scene.gaussians, object_ids, cameras, truth.instances is None,
                    lambda done, total: progress("clicks", done, total),
                )  # fmt: skip
            except ValueError as error:
                raise InputError(truth.path / "ids", str(error), "give label maps of the held-out views") from error
        metrics = (Metric("object_iou", "object IoU", *space), Metric("view_iou", "view IoU", *views))
        return Scores(metrics, len(np.unique(object_ids[object_ids >= 0])), truth.names)


def _camera(scene: Scene, truth: GroundTruth, name: str) -> Camera:
    """The camera of a held-out view at the size of its label map."""
    file = truth.path / "ids" / f"{name}.png"
    try:
        camera = scene.view(name).camera
    except KeyError as error:
        raise InputError(file, f"the scene has no view {name!r}", "name the file like the photo") from error
    height, width = truth.maps[name].shape
    check_aspect(file, width, height, camera)
    return camera.resized(width, height)
