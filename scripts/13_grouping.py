"""Objects of many scenes and training seeds: what the object stage makes of evidence, features and codes learnt once.

    python scripts/13_grouping.py CACHE SCENE ... [--seeds 0 1] [--preset scannet] [--config.assignment.rounds 1 ...]

SCENE is a folder with ground truth, or PRESET:SEED (``hard:3``), which is made with `gsseg.sample`. Everything before
the object stage is kept in CACHE under the scene's name and the training seed; empty CACHE after a change of those
stages. Prints for every scene the mean over training seeds of object IoU (of view IoU where the truth knows no
Gaussians), the worst seed, the deviation over seeds, the number of objects and the processor seconds of the stage; then
the mean over scenes.
"""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import tyro
from numpy import ndarray

import gsseg
from gsseg.codebook import Codes
from gsseg.codebook.training import train_codebook
from gsseg.config import Preset as TrainingPreset
from gsseg.config import preset as training_preset
from gsseg.evaluate.ground_truth import GroundTruth, read_ground_truth
from gsseg.evaluate.metrics import object_iou
from gsseg.evaluate.protocols import ClickProtocol
from gsseg.evaluate.visibility import total_visibility
from gsseg.features import FeatureField, MaskEvidence
from gsseg.features.evidence import gather_evidence
from gsseg.features.fit import fit_features
from gsseg.objects.build import ObjectConfig, build_objects
from gsseg.render.cache import SampledWeights
from gsseg.run.stages import StageStore
from gsseg.sample import preset, write_room
from gsseg.sample.config import Preset
from gsseg.scene import Scene
from gsseg.scene.sh import base_colors
from gsseg.threads import one_torch_thread


@dataclass(frozen=True)
class Arguments:
    """What to measure."""

    cache: Annotated[Path, tyro.conf.Positional]
    """Folder for made scenes and finished stages."""
    scenes: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Folders, or PRESET:SEED."""
    seeds: tuple[int, ...] = (0, 1)
    """Training seeds."""
    preset: TrainingPreset = "default"
    """Whose codebook; its objective is not heard."""
    config: ObjectConfig = field(default_factory=ObjectConfig)
    """The object stage."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """Everything that the object stage is given."""

    evidence: MaskEvidence
    """Stage 0."""
    field: FeatureField
    """Stage 1."""
    codes: Codes
    """Stage 2."""


PRESETS: dict[str, Preset] = {name: name for name in get_args(Preset)}
"""The presets of `gsseg.sample`, by name."""


def scene_folder(name: str, cache: Path) -> Path:
    """The folder of a scene, made first where ``name`` is PRESET:SEED."""
    if ":" not in name:
        return Path(name)
    kind, seed = name.split(":")
    folder = cache / f"{kind}_s{seed}"
    if not folder.exists():
        write_room(folder, *preset(PRESETS[kind], int(seed)))
    return folder


def sampled_weights(scene: Scene, seed: int) -> SampledWeights:
    """W of the training views, with the defaults."""
    config = gsseg.TrainConfig(seed=seed)
    return SampledWeights(
        scene.gaussians, scene.views, None, config.pixels_per_view, seed, config.memory_budget_mb << 20
    )


def evidence_of(scene: Scene, seed: int, folder: Path) -> MaskEvidence:
    """What the masks say, from ``folder`` where it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    store = StageStore(folder, f"{scene.path.name} {seed}", resume=True)
    return store.evidence(lambda: gather_evidence(scene.gaussians, sampled_weights(scene, seed).full_views()))


def learn(scene: Scene, seed: int, folder: Path, book: TrainingPreset = "default") -> Learnt:
    """Evidence and features with the defaults, and codes of a preset, from ``folder`` where they are there."""
    (folder / book).mkdir(parents=True, exist_ok=True)
    config = replace(gsseg.TrainConfig(seed=seed), codebook=training_preset(book).codebook)
    store = StageStore(folder, f"{scene.path.name} {seed}", resume=True)
    of_codes = StageStore(folder / book, f"{scene.path.name} {seed}", resume=True)
    weights = sampled_weights(scene, seed)
    evidence = store.evidence(lambda: gather_evidence(scene.gaussians, weights.full_views()))
    means = scene.gaussians.means
    learnt = store.features(lambda: fit_features(evidence, means.numpy(), config.features, seed))
    views = [lambda i=i: (weights.weights(i), weights.labels(i)) for i in range(len(weights))]
    codes = of_codes.codes(
        lambda: train_codebook(learnt.features, means, learnt.seen, views, config.codebook, seed)
    )  # fmt: skip
    return Learnt(evidence, learnt, codes)


def visibility_of(scene: Scene, file: Path) -> ndarray:
    """`total_visibility`, kept in a file."""
    if not file.exists():
        np.save(file, total_visibility(scene))
    return np.load(file)


def score(scene: Scene, ids: ndarray, truth: GroundTruth, visibility: ndarray) -> float:
    """Object IoU, or view IoU of a capture, whose Gaussians nobody knows."""
    if truth.instances is not None:
        return object_iou(ids, truth.instances, visibility)[0]
    return ClickProtocol().against(scene, ids, truth, visibility).summary()["view_iou"]


def measure(name: str, arguments: Arguments) -> list[float]:
    """Prints one row, of a scene; returns the scores of its training seeds."""
    folder = scene_folder(name, arguments.cache)
    scene = gsseg.load_scene(folder)
    truth = read_ground_truth(folder / "gt", len(scene.gaussians))
    visibility = visibility_of(scene, arguments.cache / f"{folder.name}.visibility.npy")
    colors = base_colors(scene.gaussians).numpy()
    scores, objects, seconds = [], [], []
    for seed in arguments.seeds:
        learnt = learn(scene, seed, arguments.cache / f"{folder.name}.{seed}", arguments.preset)
        started = time.process_time()
        found = build_objects(
            learnt.evidence, learnt.codes, scene.gaussians.means.numpy(), colors, learnt.field.features.numpy(),
            arguments.config,
        )  # fmt: skip
        seconds.append(time.process_time() - started)
        scores.append(score(scene, found.object_ids, truth, visibility))
        objects.append(len(found.objects))
    instances = "?" if truth.instances is None else len(np.unique(truth.instances[truth.instances >= 0]))
    print(
        f"| {folder.name} | {np.mean(scores):.3f} | {min(scores):.3f} | {np.std(scores):.4f} | "
        f"{np.mean(objects):.0f} of {instances} | {np.mean(seconds):.1f} s |",
        flush=True,
    )
    return scores


def main() -> None:
    """Prints the table."""
    arguments = tyro.cli(Arguments, description=__doc__)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    print("| scene | mean | worst seed | deviation | objects | seconds |\n|---|---|---|---|---|---|")
    with one_torch_thread():
        rows = [measure(name, arguments) for name in arguments.scenes]
    means = np.array([np.mean(row) for row in rows])
    deviation = np.mean([np.std(row, ddof=1) for row in rows]) if len(arguments.seeds) > 1 else np.nan
    error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.nan
    print(f"mean over scenes {means.mean():.4f}, standard error {error:.4f}; deviation over seeds {deviation:.4f}")


if __name__ == "__main__":
    main()
