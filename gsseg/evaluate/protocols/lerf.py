"""LERF-OVS: a text selects objects in space, which are drawn alone and compared with what the text means in a view."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.prediction import ObjectWords, Prediction
from gsseg.evaluate.prompt_truth import LIST, Query, read_queries
from gsseg.evaluate.protocols.protocol import Progress, needed_scene, needed_words
from gsseg.evaluate.scores import Metric, Scores
from gsseg.evaluate.view_iou import silhouette
from gsseg.io.photos import check_aspect
from gsseg.scene import Camera, Scene

SILHOUETTE_ALPHA = 0.7
"""The selected Gaussians cover a pixel where they are more opaque than this."""
ACCURACIES = {"acc25": 0.25, "acc50": 0.5}
"""Share of texts whose IoU is above, strictly."""


@dataclass(frozen=True)
class LerfProtocol:
    """mIoU, Acc@0.25 and Acc@0.5: means over all pairs of view and text of a scene; a missing prediction counts 0.

    Published tables are means over four scenes of these.
    """

    name: str = "lerf"
    """As `EvaluationProtocol` says."""
    summary: str = "LERF-OVS: what a text selects, drawn alone in held-out views; needs to know what objects are"
    """As `EvaluationProtocol` says."""

    def evaluate(self, scene: Scene | None, found: Prediction, truth: Path, progress: Progress) -> Scores:
        """Reads the folder with `read_queries`; every text is asked once and drawn in each of its views."""
        scene, words = needed_scene(scene, self.name), needed_words(found, self.name)
        queries = read_queries(truth)
        meant = selected_by_text(words, queries, truth / LIST)
        iou: dict[int, float] = {}
        for number, query in enumerate(queries):
            pixels = query.read()
            rows = np.flatnonzero(np.isin(found.object_ids, meant[query.prompt]))
            mine = selected_silhouette(scene, rows, query_camera(scene, truth, query, pixels))
            iou[number] = float((mine & pixels).sum() / (mine | pixels).sum())
            progress("texts", number + 1, len(queries))
        names = {number: f"{query.view}: {query.prompt}" for number, query in enumerate(queries)}
        values = np.array(list(iou.values()))
        metrics = [Metric("miou", "mIoU", float(values.mean()), iou)]
        metrics += [
            Metric(name, f"Acc@{least:g}", float((values > least).mean())) for name, least in ACCURACIES.items()
        ]
        rules = {
            "silhouette_alpha_above": SILHOUETTE_ALPHA,
            "missing": 0,
            "mean_over": "pairs of view and text",
            "selected": {prompt: [int(each) for each in objects] for prompt, objects in meant.items()},
        }
        return Scores(tuple(metrics), found.objects, names, ("query", "queries"), rules)


def selected_by_text(words: ObjectWords, queries: list[Query], where: Path) -> dict[str, Int64[ndarray, " selected"]]:
    """The objects of every text, each asked once, in the order of the queries; `InputError` where none has any."""
    meant = {prompt: words.select(prompt) for prompt in dict.fromkeys(each.prompt for each in queries)}
    if not any(map(len, meant.values())):
        problem = f"asks for {len(meant)} texts, and none selects an object"
        raise InputError(where, problem, "say what the objects are: --clip MODEL, --names FILE, or the viewer")
    return meant


def selected_silhouette(scene: Scene, rows: ndarray, camera: Camera) -> Bool[ndarray, "height width"]:
    """Where the selected Gaussians, drawn alone, count as seen; nowhere where there are none."""
    if not len(rows):
        return np.zeros((camera.height, camera.width), bool)
    return silhouette(scene.gaussians, rows, camera, SILHOUETTE_ALPHA)


def query_camera(scene: Scene, truth: Path, query: Query, pixels: Bool[ndarray, "height width"]) -> Camera:
    """The camera of a text's view at the size of its mask; `InputError` where the scene has no such view."""
    try:
        camera = scene.view(query.view).camera
    except KeyError as error:
        problem = f"asks of the view {query.view!r}, which the scene does not have"
        raise InputError(truth / LIST, problem, "give the scene it is of") from error
    height, width = pixels.shape
    check_aspect(query.mask, width, height, camera)
    return camera.resized(width, height)
