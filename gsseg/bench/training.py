"""The steps that training takes, by the functions that take them, beside the same steps through a rasterizer.

*Feature step*: the mean feature of every mask of every view, cohesion and separation, their gradient, Adam. Training
has the means from the evidence; a rasterizer draws every view and averages inside its masks.

*Codebook pass*: the pseudo-feature loss over all views and its gradient, then assignment and means of the codes.
Training samples some thousand pixels a view, which only W can draw alone; a rasterizer draws all pixels. The same
loss on all pixels of W stands between them.

The rasterizer shares projection, traversal and vector code with W (`gsseg.render.rasterize`) and keeps the projection.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gsseg.bench.rasterized import RasterizedMeans, RasterizedView
from gsseg.bench.results import Figure, Part, Ratio
from gsseg.bench.scene import BenchScene, masked_views
from gsseg.bench.timing import Progress, interleaved
from gsseg.codebook.levels import coarse_assignment, fine_assignment, scene_units
from gsseg.codebook.pseudo_features import LinearMap, PseudoFeatureLoss
from gsseg.codebook.training import Level, coarse_reassign, codebook_pass, fine_reassign
from gsseg.config import TrainConfig
from gsseg.features import MaskEvidence
from gsseg.features.evidence import gather_evidence
from gsseg.features.fit import FeatureProblem, feature_step, smooth_start
from gsseg.objects.select import pick
from gsseg.render import BlendWeights, blend_weights
from gsseg.render.cache import SampledWeights
from gsseg.scene import View

CONFIG = TrainConfig()
"""The defaults of `gsseg train`."""

EVIDENCE = "evidence of all views, with W"
"""Name of the figure."""


@dataclass(frozen=True, eq=False)
class Training:
    """A scene as the stages of training have it, each step ready to be taken by W and by the rasterizer."""

    scene: BenchScene
    """What is trained on."""
    views: Sequence[View]
    """All cameras, with masks."""
    sampled: SampledWeights
    """The pixels of every view that the codebook looks at."""
    whole: Sequence[BlendWeights]
    """All pixels of every view, packed."""
    rasterized: Sequence[RasterizedView]
    """The same views by the rasterizer."""
    evidence: MaskEvidence
    """What features are learnt from."""
    problem: FeatureProblem
    """The evidence, laid out."""
    raw: Float[Tensor, "learnt dim"]
    """Features of the learnt Gaussians before they are normalised."""

    @staticmethod
    def of(scene: BenchScene) -> "Training":
        """Draws every view, gathers the evidence and starts the features."""
        views = masked_views(scene)
        settings = (CONFIG.pixels_per_view, CONFIG.seed, CONFIG.memory_budget_mb << 20)
        sampled = SampledWeights(scene.gaussians, views, None, *settings)
        evidence = gather_evidence(scene.gaussians, sampled.full_views())
        problem = FeatureProblem.of(evidence)
        return Training(
            scene,
            views,
            sampled,
            [blend_weights(scene.gaussians, view).packed() for view in views],
            [RasterizedView(scene.gaussians, view.camera) for view in views],
            evidence,
            problem,
            smooth_start(scene.gaussians.means.numpy()[problem.learnt], CONFIG.features.frequency, CONFIG.seed),
        )

    def gather(self) -> MaskEvidence:
        """The evidence again, W of every view included."""
        return gather_evidence(self.scene.gaussians, self.sampled.full_views())

    def feature_steps(self, rasterizer: bool = False) -> Callable[[], tuple[float, float]]:
        """Takes one more feature step at every call."""
        problem = self.problem
        if rasterizer:
            problem = replace(problem, mean_matrix=RasterizedMeans.of(problem, self.views, self.rasterized))
        raw = self.raw.clone().requires_grad_()
        optimizer = torch.optim.Adam([raw], lr=CONFIG.features.learning_rate)
        return lambda: feature_step(problem, raw, optimizer, CONFIG.features)

    def losses(self) -> dict[str, PseudoFeatureLoss]:
        """The pseudo-feature loss on the pixels that training samples, on all pixels of W, and by the rasterizer."""
        numbers = range(len(self.views))
        labels = [_labels(view) for view in self.views]
        by: dict[str, Sequence[Callable[[], tuple[LinearMap, Tensor]]]] = {
            "sampled": [lambda i=i: (self.sampled.weights(i).to("cpu"), self.sampled.labels(i)) for i in numbers],
            "all pixels": [lambda i=i: (self.whole[i], labels[i]) for i in numbers],
            "rasterizer": [lambda i=i: (self.rasterized[i], labels[i]) for i in numbers],
        }
        features = torch.zeros(len(self.scene.gaussians), self.raw.shape[1])
        features[self.problem.learnt] = torch.nn.functional.normalize(self.raw, dim=1)
        return {name: PseudoFeatureLoss(features, self.problem.learnt, views) for name, views in by.items()}

    def passes(self) -> dict[str, Callable[[PseudoFeatureLoss], tuple[float, Level]]]:
        """One pass of each level, from a start that two rounds of k-means made."""
        config = replace(CONFIG.codebook, rounds=2)
        generator = np.random.default_rng(CONFIG.seed)
        own = torch.nn.functional.normalize(self.raw, dim=1)
        places = torch.from_numpy(scene_units(self.scene.gaussians.means.numpy()[self.problem.learnt]))
        coarse = Level.of(own, coarse_assignment(own, places, config, generator), config.coarse)
        fine_labels = fine_assignment(own, coarse.labels, config, generator)
        fine = Level.of(own, fine_labels, config.coarse * config.fine)
        by_place, by_feature = coarse_reassign(places, config), fine_reassign(config)
        return {
            "coarse": lambda loss: codebook_pass(coarse, loss, by_place, config.learning_rate),
            "fine": lambda loss: codebook_pass(fine, loss, by_feature, config.learning_rate),
        }


def measure_training(scene: BenchScene, repeats: int, progress: Progress) -> Part:
    """Products with W, the steps of training and a pick, on one scene."""
    training = Training.of(scene)
    name = f"{len(scene.gaussians)} Gaussians"
    weights, camera = training.whole[0], scene.camera
    unpacked = replace(weights, packing=None)
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(weights.gaussians, 6, generator=generator)
    maps = torch.randn(weights.rows, 7, generator=generator)
    six = maps[:, :6].contiguous()
    losses, passes = training.losses(), training.passes()
    start = passes["fine"](losses["sampled"])[1].discrete
    origin, direction = camera.ray(camera.width / 2, camera.height / 2)

    runs: dict[str, Callable[[], object]] = {
        "W of a view": lambda: blend_weights(scene.gaussians, camera),
        "packing W": unpacked.packed,
        "render, 6 channels": lambda: weights.render(features),
        "backproject, 6 channels": lambda: weights.backproject(six),
        "backproject, 6 channels, not packed": lambda: unpacked.backproject(six),
        "backproject, 7 channels, not packed": lambda: unpacked.backproject(maps),
        EVIDENCE: training.gather,
        "feature step": training.feature_steps(),
        "feature step by rasterizer": training.feature_steps(rasterizer=True),
        "pseudo-feature gradient": lambda: losses["sampled"](start),
        "pseudo-feature gradient, all pixels": lambda: losses["all pixels"](start),
        "pseudo-feature gradient by rasterizer": lambda: losses["rasterizer"](start),
    }
    for level, run in passes.items():
        runs[f"{level} codebook pass"] = lambda run=run: run(losses["sampled"])
        runs[f"{level} codebook pass by rasterizer"] = lambda run=run: run(losses["rasterizer"])
    runs["pick"] = lambda: pick(scene.gaussians, origin, direction)
    figures = interleaved(runs, repeats, name, progress)
    return Part(
        name,
        {"views": len(training.views), "pixels a view": weights.rows, "sampled pixels a view": CONFIG.pixels_per_view},
        tuple(figures.values()),
        _ratios(figures),
        {
            "Gaussians in the first view": float(len(training.rasterized[0].projected.rows)),
            "entries a pixel": round(len(weights.indices) / weights.rows, 1),
            "masks": float(len(training.problem.view)),
            "entries of the evidence, a Gaussian": round(training.evidence.matrix.nnz / len(scene.gaussians), 2),
        },
    )


def _ratios(figures: Mapping[str, Figure]) -> tuple[Ratio, ...]:
    def drawn(step: str, variant: str = "") -> Ratio:
        return Ratio.of(f"{step}{variant}: rasterizer / W", figures[f"{step} by rasterizer"], figures[step + variant])

    steps, evidence = CONFIG.features.steps, figures[EVIDENCE].minimum
    by_evidence, by_rasterizer = (figures[name].minimum for name in ("feature step", "feature step by rasterizer"))
    return (
        drawn("feature step"),
        # The evidence must be gathered once before the first step; the rasterizer needs nothing.
        Ratio(
            f"{steps} feature steps and the evidence: rasterizer / W",
            steps * by_rasterizer / (evidence + steps * by_evidence),
        ),
        drawn("pseudo-feature gradient"),
        drawn("pseudo-feature gradient", ", all pixels"),
        drawn("coarse codebook pass"),
        drawn("fine codebook pass"),
        Ratio.of(
            "backproject: 7 channels not packed / 6 packed",
            figures["backproject, 7 channels, not packed"],
            figures["backproject, 6 channels"],
        ),
    )


def _labels(view: View) -> Int64[Tensor, " pixels"]:
    assert view.labels is not None
    return torch.from_numpy(view.labels.reshape(-1).astype(np.int64))
