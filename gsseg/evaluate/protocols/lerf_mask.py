"""LERF-Mask: where a text's objects are seen in a view, scored as Gaussian Grouping's ``eval_lerf_mask.py`` does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Int32
from numpy import ndarray

from gsseg.evaluate.boundary import DILATION_RATIO, boundary_iou
from gsseg.evaluate.prediction import Prediction
from gsseg.evaluate.prompt_truth import LIST, Query, read_queries
from gsseg.evaluate.protocols.lerf import query_camera, selected_by_text
from gsseg.evaluate.protocols.protocol import Progress, needed_scene, needed_words
from gsseg.evaluate.scores import Metric, Scores
from gsseg.render import BlendWeights, blend_weights
from gsseg.scene import Scene

LEAST_SHARE = 0.5
"""A pixel is the text's where more than this share of it comes from the selected objects."""

Mask = Bool[ndarray, "height width"]


@dataclass(frozen=True)
class LerfMaskProtocol:
    """mIoU and mBIoU: of every text the mean over the views that show it, then the mean over texts.

    The whole scene is drawn, so that what stands before an object hides it, as where Gaussian Grouping classifies
    pixels of rendered identities. Its threshold, 0.2, is of its classifier's softmax, which nothing here corresponds
    to; selected objects must outweigh all else, the background included. Published tables give both means for each of
    three scenes.
    """

    name: str = "lerf-mask"
    """As `EvaluationProtocol` says."""
    summary: str = "LERF-Mask: where a text's objects are seen, mIoU and boundary mBIoU; needs to know what objects are"
    """As `EvaluationProtocol` says."""

    def evaluate(self, scene: Scene | None, found: Prediction, truth: Path, progress: Progress) -> Scores:
        """Reads the folder with `read_queries`; every text is asked once, every view drawn once for all its texts."""
        scene, words = needed_scene(scene, self.name), needed_words(found, self.name)
        queries = read_queries(truth)
        meant = selected_by_text(words, queries, truth / LIST)
        scores: dict[str, list[tuple[float, float]]] = {prompt: [] for prompt in meant}
        for done, (query, pixels, mine) in enumerate(_pairs(scene, found.object_ids, meant, queries, truth)):
            iou = float((mine & pixels).sum() / (mine | pixels).sum())
            scores[query.prompt].append((iou, boundary_iou(pixels, mine)))
            progress("texts", done + 1, len(queries))
        means = np.array([np.mean(scores[prompt], axis=0) for prompt in meant])
        both = (("miou", "mIoU"), ("mbiou", "mBIoU"))
        metrics = [
            Metric(name, label, float(means[:, k].mean()), dict(enumerate(means[:, k].tolist())))
            for k, (name, label) in enumerate(both)
        ]
        rules = {
            "share_of_pixel_above": LEAST_SHARE,
            "boundary_dilation_ratio": DILATION_RATIO,
            "missing": 0,
            "mean_over": "views of a text, then texts",
            "selected": {prompt: [int(each) for each in objects] for prompt, objects in meant.items()},
        }
        return Scores(tuple(metrics), found.objects, dict(enumerate(meant)), ("text", "texts"), rules)


def _pairs(
    scene: Scene,
    object_ids: Int32[ndarray, " gaussians"],
    meant: Mapping[str, ndarray],
    queries: list[Query],
    truth: Path,
) -> Iterator[tuple[Query, Mask, Mask]]:
    """Each text in each view: what is true and what is found."""
    at: tuple[str, tuple[int, ...]] | None = None
    weights: BlendWeights | None = None
    for query in sorted(queries, key=lambda each: each.view):
        pixels = query.read()
        camera = query_camera(scene, truth, query, pixels)
        if weights is None or at != (query.view, pixels.shape):
            at, weights = (query.view, pixels.shape), blend_weights(scene.gaussians, camera)
        yield query, pixels, seen_objects(weights, object_ids, meant[query.prompt]).reshape(pixels.shape)


def seen_objects(
    weights: BlendWeights, object_ids: Int32[ndarray, " gaussians"], objects: ndarray
) -> Bool[ndarray, " pixels"]:
    """Pixels more than `LEAST_SHARE` of which comes from the objects: W times their Gaussians' indicator."""
    selected = torch.from_numpy(np.isin(object_ids, objects))[:, None]
    share = weights.render(selected.to(weights.alpha.device, torch.float32))
    return (share[:, 0] > LEAST_SHARE).cpu().numpy()
