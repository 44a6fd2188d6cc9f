"""All scores of a segmentation that the ground truth at hand allows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.click import view_iou
from gsseg.evaluate.ground_truth import GroundTruth, read_ground_truth
from gsseg.evaluate.metrics import object_iou
from gsseg.io.photos import check_aspect
from gsseg.render import blend_weights
from gsseg.scene import Camera, Scene

Progress = Callable[[str, int, int], None]
"""Called with what is being done, the steps done and their total."""


@dataclass(frozen=True)
class Scores:
    """How good a segmentation is, 0..1; None where the ground truth does not tell."""

    object_iou: float | None
    """See `gsseg.evaluate.metrics.object_iou`."""
    view_iou: float | None
    """See `gsseg.evaluate.click.view_iou`."""
    objects: int
    """Number of objects that hold a Gaussian."""
    object_iou_of: dict[int, float]
    """Of each instance."""
    view_iou_of: dict[int, float]
    """Of each instance."""
    names: dict[int, str]
    """Names of instances, where there are any."""

    @property
    def instances(self) -> list[int]:
        """Every instance that has a score, ascending."""
        return sorted({*self.object_iou_of, *self.view_iou_of})

    def summary(self) -> dict[str, Any]:
        """As JSON takes it: the means, counts, and one entry an instance."""
        by_instance = [
            {
                "instance": instance,
                **({"name": self.names[instance]} if instance in self.names else {}),
                **({"object_iou": self.object_iou_of[instance]} if instance in self.object_iou_of else {}),
                **({"view_iou": self.view_iou_of[instance]} if instance in self.view_iou_of else {}),
            }
            for instance in self.instances
        ]
        means = {"object_iou": self.object_iou, "view_iou": self.view_iou}
        return {
            **{name: value for name, value in means.items() if value is not None},
            "objects": self.objects,
            "instances": len(self.instances),
            "by_instance": by_instance,
        }

    def rows(self) -> list[tuple[str, str]]:
        """Label and value for a table that a person reads: the means, then the instances, worst first."""
        rows = [
            (label, f"{value:.3f}")
            for label, value in (("object IoU", self.object_iou), ("view IoU", self.view_iou))
            if value is not None
        ]
        rows += [("objects", str(self.objects)), ("instances", str(len(self.instances)))]
        first, second = self.object_iou_of or self.view_iou_of, self.view_iou_of
        for instance in sorted(self.instances, key=lambda i: (first.get(i, 2.0), second.get(i, 2.0))):
            values = [f"{of[instance]:.3f}" if instance in of else "    -" for of in self._columns()]
            rows.append((f"instance {instance} {self.names.get(instance, '')}".rstrip(), "  ".join(values)))
        return rows

    def _columns(self) -> list[dict[int, float]]:
        return [of for of in (self.object_iou_of, self.view_iou_of) if of]


def evaluate(
    scene: Scene,
    object_ids: Int32[ndarray, " gaussians"],
    truth: GroundTruth,
    visibility: Float64[ndarray, " gaussians"] | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Scores:
    """Scores the object of each Gaussian of a scene by the contract's definitions.

    Object IoU where the truth knows Gaussians, view IoU where it knows pixels of held-out views. Over labelled
    pixels only where it knows no Gaussians: that is a capture, whose label 0 says that nobody looked.
    ``visibility``: `total_visibility`, where it is known already. Raises `InputError` where the truth and the scene do
    not belong together.
    """
    if len(object_ids) != len(scene.gaussians):
        raise InputError(
            scene.splats.path, f"holds {len(scene.gaussians)} Gaussians, the run {len(object_ids)}",
            "give the scene that the run was made from",
        )  # fmt: skip
    in_3d: tuple[float | None, dict[int, float]] = (None, {})
    in_2d: tuple[float | None, dict[int, float]] = (None, {})
    if truth.instances is not None:
        if visibility is None:
            visibility = total_visibility(scene, lambda done, total: progress("visibility", done, total))
        try:
            in_3d = object_iou(object_ids, truth.instances, visibility)
        except ValueError as error:
            raise InputError(truth.path / "gaussian_instance.npy", str(error), "give the scene it is of") from error
    if truth.maps:
        cameras = [(_camera(scene, truth, name), ids) for name, ids in truth.maps.items()]
        try:
            in_2d = view_iou(
                scene.gaussians, object_ids, cameras, truth.instances is None,
                lambda done, total: progress("clicks", done, total),
            )  # fmt: skip
        except ValueError as error:
            raise InputError(truth.path / "ids", str(error), "give label maps of the held-out views") from error
    count = len(np.unique(object_ids[object_ids >= 0]))
    return Scores(in_3d[0], in_2d[0], count, in_3d[1], in_2d[1], truth.names)


def score_run(scene: Scene, object_ids: Int32[ndarray, " gaussians"]) -> dict[str, Any]:
    """Scores of a run whose scene holds ground truth in ``gt/``, as `Scores.summary`; nothing where it does not.

    Truth that cannot be used is no reason to lose a finished run: it is named under ``unusable``.
    """
    folder = scene.path / "gt"
    if not folder.is_dir():
        return {}
    try:
        return evaluate(scene, object_ids, read_ground_truth(folder, len(scene.gaussians))).summary()
    except InputError as error:
        return {"unusable": str(error)}


def total_visibility(
    scene: Scene, progress: Callable[[int, int], None] = lambda done, total: None
) -> Float64[ndarray, " gaussians"]:
    """Each Gaussian's summed blending weight over all views, those without masks and the held-out ones included."""
    total = np.zeros(len(scene.gaussians))
    for done, view in enumerate(scene.views):
        total += blend_weights(scene.gaussians, view).visibility.cpu().numpy()
        progress(done + 1, len(scene.views))
    return total


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
