"""The main job: a scene in, a RUN folder out.

    scene -> blending weights -> evidence -> features -> codes -> objects -> files

W is computed once for each view with masks; from then on everything is a product with it or with the evidence
gathered from it. Each stage leaves its result in RUN/cache under a key of all that decided it, so that an
interrupted run resumes where it was and ends with the same result.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.codebook import Codes
from gsseg.codebook.training import train_codebook
from gsseg.config import TrainConfig
from gsseg.errors import InputError
from gsseg.evaluate.score import check_truth
from gsseg.exact_sums import torch_in_order
from gsseg.features import FeatureField, MaskEvidence
from gsseg.features.evidence import gather_evidence
from gsseg.features.fit import fit_features
from gsseg.features.opengaussian import fit_opengaussian
from gsseg.files.lock import LOCK
from gsseg.files.together import finish
from gsseg.io.mask_formats import HOW_TO_GIVE_MASKS
from gsseg.objects.build import ObjectConfig, build_objects, nearest
from gsseg.objects.confidence import find_confidence
from gsseg.render.cache import SampledWeights
from gsseg.run import Run
from gsseg.run.folder import check_unedited, run_folder
from gsseg.run.layout import RunLayout
from gsseg.run.stages import StageStore, is_result, run_key
from gsseg.run.trained import Trained
from gsseg.run.write import write_run
from gsseg.scene import Scene
from gsseg.scene.sh import base_colors
from gsseg.segmentation import Segmentation
from gsseg.threads import one_torch_thread

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done and their total."""


DEFAULTS = TrainConfig()


def train(
    scene: Scene,
    config: TrainConfig = DEFAULTS,
    out: Path | str | None = None,
    *,
    resume: bool = False,
    discard_edits: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> Run:
    """Learns features, codes and objects of a scene, and writes them to the folder ``out`` where one is named.

    Without ``out`` the run is in memory alone. With ``resume`` the stages that an interrupted run of the same inputs
    and configuration finished are taken from the folder's cache, and a finished one is opened as it is (`is_finished`),
    with what somebody has edited in it. Otherwise an earlier run is replaced; one that somebody has edited only with
    ``discard_edits``. Raises `InputError` where that is not given, where the scene cannot be segmented or its ground
    truth not be read, and where the folder cannot be written; nothing is written or changed then.
    """
    check_trainable(scene)
    if out is None:
        with one_torch_thread():
            return Run.of(run_stages(scene, config, StageStore(None, "", resume=False), progress))
    check_truth(scene)
    key = run_key(scene, config)

    def stays(layout: RunLayout) -> bool:
        finish(layout.path)  # a saving that was interrupted is an edit too
        return resume and is_result(layout, scene, key) and not (layout.edited and discard_edits)

    # Before anything is made, for the folder may be one that is only read; but what a dead process left is tidied up.
    if not (Path(out) / LOCK).exists() and stays(RunLayout(Path(out))):
        return Run.open(out)
    with run_folder(Path(out)) as layout, one_torch_thread():
        if stays(layout):  # another process has just finished it
            return Run.open(out)
        if not discard_edits:
            check_unedited(layout)
        # Stages of two devices differ in last bits; a run that goes on ends as one that was never interrupted.
        where = scene.gaussians.means.device.type
        store = StageStore(layout.cache, key if where == "cpu" else f"{key} {where}", resume=resume)
        trained = run_stages(scene, config, store, progress)
        started = time.perf_counter()
        progress("write", 0, 1)
        write_run(layout.path, trained, config, key, started)
        progress("write", 1, 1)
    return Run.open(out)


def is_finished(scene: Scene, config: TrainConfig, out: Path | str) -> bool:
    """Whether the folder ``out`` holds the finished run of this scene and configuration, edited since or not."""
    return is_result(RunLayout(Path(out)), scene, run_key(scene, config))


def check_trainable(scene: Scene) -> None:
    """Raises `InputError` unless the scene has masks and Gaussians to draw."""
    if not any(view.labels is not None for view in scene.views):
        raise InputError(scene.path, "has no masks", HOW_TO_GIVE_MASKS)
    if not bool(scene.gaussians.drawable.any()):
        raise InputError(scene.splats.path, "has no Gaussian that can be drawn", "train the splats again")


def run_stages(scene: Scene, config: TrainConfig, store: StageStore, progress: Progress) -> Trained:
    """All the mathematics; nothing is written but the cache of stages."""
    seconds: dict[str, float] = {}
    views = [view for view in scene.views if view.labels is not None]
    gaussians = scene.gaussians
    device = gaussians.means.device
    host = gaussians.to("cpu")
    means = host.means.numpy()
    near_of = _nearest_ahead(means, config.objects, device)

    started = time.perf_counter()
    weights = SampledWeights(
        gaussians, views, store.cache, config.pixels_per_view, config.seed, config.memory_budget_mb << 20
    )
    evidence = store.evidence(
        lambda: gather_evidence(gaussians, weights.full_views(lambda done: progress("weights", done, len(views))))
    )
    if device.type != "cpu" and evidence.tensors is None:  # it was kept in a file
        evidence = evidence.on(device)
    _check_seen(scene, evidence)
    seconds["weights"] = time.perf_counter() - started

    started = time.perf_counter()
    features = store.features(lambda: _learn_features(evidence, weights, means, config, progress))
    seconds["features"] = time.perf_counter() - started

    started = time.perf_counter()
    sampled = [lambda i=i: (weights.weights(i), weights.labels(i)) for i in range(len(views))]
    codes = store.codes(
        lambda: train_codebook(
            features.features.to(device), host.means, features.seen, sampled, config.codebook, config.seed,
            lambda done, total: progress("codebook", done, total),
        )
    )  # fmt: skip
    seconds["codebook"] = time.perf_counter() - started

    started = time.perf_counter()
    colors = base_colors(host).numpy()
    near = near_of()
    segmentation = build_objects(
        evidence, codes, means, colors, features.features.numpy(), config.objects,
        lambda done, total: progress("objects", done, total), lambda: near,
    )  # fmt: skip
    confidence = find_confidence(evidence, segmentation.object_ids.astype(np.int64), means, near)
    seconds["objects"] = time.perf_counter() - started
    return Trained(
        scene=scene, evidence=evidence, segmentation=segmentation, confidence=confidence,
        codes=_as_nested(codes, segmentation),
        losses={**features.losses, **{f"codebook {name}": curve for name, curve in codes.losses.items()}},
        seconds=seconds,
    )  # fmt: skip


def _nearest_ahead(
    means: Float32[ndarray, "gaussians 3"], config: ObjectConfig, device: torch.device
) -> Callable[[], Int64[ndarray, "gaussians neighbours"]]:
    """The neighbour search that objects are made with: geometry decides it alone, so where a GPU does the work before,
    it runs on the processor meanwhile. On the processor it would only take time from that work, and waits to be asked
    for."""
    if device.type == "cpu":
        return lambda: nearest(means, config)
    searcher = ThreadPoolExecutor(1, thread_name_prefix="neighbours")
    found = searcher.submit(nearest, means, config)
    searcher.shutdown(wait=False)
    return found.result


def _as_nested(codes: Codes, segmentation: Segmentation) -> Codes:
    """The codebook as the segmentation has it: Gaussians have moved onto codes of their objects, codes become means."""
    coarse, fine = (torch.from_numpy(column).long() for column in (segmentation.code_coarse, segmentation.code_fine))
    book, held = codes.fine_codebook.clone(), fine >= 0
    book[fine[held]] = torch.from_numpy(segmentation.discrete)[held]
    return replace(codes, coarse=coarse, fine=fine, fine_codebook=book)


def _learn_features(
    evidence: MaskEvidence, weights: SampledWeights, means: np.ndarray, config: TrainConfig, progress: Progress
) -> FeatureField:
    def report(done: int, total: int) -> None:
        progress("features", done, total)

    if config.objective == "masks":
        return fit_features(evidence, means, config.features, config.seed, report, weights.device)
    sampled = [lambda i=i: (weights.weights(i), weights.labels(i)) for i in range(len(weights))]
    masked = torch.from_numpy(evidence.masked).to(weights.device)
    with torch_in_order():
        return fit_opengaussian(sampled, masked, config.opengaussian, config.seed, report)


def _check_seen(scene: Scene, evidence: MaskEvidence) -> None:
    if not evidence.visibility.any():
        raise InputError(
            scene.splats.path, "no view with masks sees any Gaussian",
            "cameras and splats are of different worlds, or the poses are of another convention",
        )  # fmt: skip
    if not evidence.masked.any():
        raise InputError(scene.path, "no mask lies on a Gaussian", "cameras, masks and splats do not belong together")
