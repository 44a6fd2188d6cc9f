"""The steps of training on a GPU, beside gsplat's own rasterizer there and beside what crosses to the host.

W is gsplat's listing, decided anew (`gsseg.render.cuda`). By gsplat's rasterizer six channels are drawn and their
gradient is autograd's, as methods have it that keep no W.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch

from gsseg.bench.crossings import Crossings
from gsseg.bench.results import Figure, Part, Ratio
from gsseg.bench.scene import BenchScene, masked_views
from gsseg.bench.timing import Progress, interleaved
from gsseg.bench.training import CONFIG, EVIDENCE
from gsseg.codebook.levels import coarse_assignment, fine_assignment, scene_units
from gsseg.codebook.pseudo_features import PseudoFeatureLoss
from gsseg.codebook.training import Level, codebook_pass, fine_reassign
from gsseg.features.evidence import gather_evidence
from gsseg.features.fit import FeatureProblem, feature_step, smooth_start
from gsseg.render import blend_weights, render_map
from gsseg.render.cache import SampledWeights
from gsseg.render.renderers import weight_strips

BY_W, BY_RASTERIZER = "a view's gradient, 6 channels, on W", "a view's gradient, 6 channels, by gsplat's rasterizer"


def measure_on_device(scene: BenchScene, device: torch.device, repeats: int, progress: Progress) -> Part:
    """W, its products and the steps of training, on one scene whose Gaussians lie on ``device``."""
    there, views, camera = scene.gaussians.to(device), masked_views(scene), scene.camera
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    settings = (CONFIG.pixels_per_view, CONFIG.seed, CONFIG.memory_budget_mb << 20)
    sampled = SampledWeights(there, views, None, *settings)
    with Crossings() as crossings:
        evidence = gather_evidence(there, sampled.full_views())
    weights = blend_weights(there, camera).packed()
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(weights.gaussians, 6, generator=generator).to(device)
    maps = torch.randn(weights.rows, 6, generator=generator).to(device)

    problem = FeatureProblem.of(evidence, device)
    means = scene.gaussians.means.numpy()[problem.learnt]
    raw = smooth_start(means, CONFIG.features.frequency, CONFIG.seed).to(device).requires_grad_()
    optimizer = torch.optim.Adam([raw], lr=CONFIG.features.learning_rate)
    loss, level = _codebook(scene, sampled, problem, raw.detach())

    def gradient(drawn: Callable[[torch.Tensor], torch.Tensor]) -> None:
        leaf = features.detach().requires_grad_()
        drawn(leaf).backward(maps)

    runs: dict[str, Callable[[], object]] = {
        "W of a view": lambda: [strip.rows for strip in weight_strips(there, camera)],
        "packing W": replace(weights, packing=None).packed,
        "render, 6 channels": lambda: weights.render(features),
        "backproject, 6 channels": lambda: weights.backproject(maps),
        BY_W: lambda: gradient(weights.render),
        BY_RASTERIZER: lambda: gradient(lambda leaf: render_map(leaf, there, camera).reshape(-1, 6)),
        EVIDENCE: lambda: gather_evidence(there, sampled.full_views()),
        "feature step": lambda: feature_step(problem, raw, optimizer, CONFIG.features),
        "fine codebook pass": lambda: codebook_pass(
            level, loss, fine_reassign(CONFIG.codebook), CONFIG.codebook.learning_rate
        ),
    }
    name = f"{len(there)} Gaussians on a GPU"
    figures = interleaved(runs, repeats, name, progress, device=device)
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return Part(
        name,
        {"views": len(views), "pixels a view": weights.rows, "sampled pixels a view": CONFIG.pixels_per_view},
        tuple(figures.values()),
        _ratios(figures),
        {
            "entries a pixel": round(len(weights.indices) / weights.rows, 1),
            "bytes of W a view": float(weights.nbytes),
            "bytes to the host a view, for the evidence": float(crossings.bytes // len(views)),
            "peak MiB of tensors on the GPU": float(peak >> 20),
        },
    )


def _codebook(
    scene: BenchScene, sampled: SampledWeights, problem: FeatureProblem, raw: torch.Tensor
) -> tuple[PseudoFeatureLoss, Level]:
    """The pseudo-feature loss on the sampled pixels, and the fine level as two rounds of k-means leave it."""
    config, generator = replace(CONFIG.codebook, rounds=2), np.random.default_rng(CONFIG.seed)
    own = torch.nn.functional.normalize(raw, dim=1)
    features = own.new_zeros(len(scene.gaussians), own.shape[1])
    features[torch.from_numpy(problem.learnt).to(own.device)] = own
    views = [lambda i=i: (sampled.weights(i), sampled.labels(i)) for i in range(len(sampled))]
    loss = PseudoFeatureLoss(features, problem.learnt, views)
    places = torch.from_numpy(scene_units(scene.gaussians.means.numpy()[problem.learnt])).to(own.device)
    coarse = coarse_assignment(own, places, config, generator)
    fine = fine_assignment(own, coarse, config, generator)
    return loss, Level.of(own, fine, config.coarse * config.fine)


def _ratios(figures: Mapping[str, Figure]) -> tuple[Ratio, ...]:
    steps, evidence, step = CONFIG.features.steps, figures[EVIDENCE].minimum, figures["feature step"].minimum
    return (
        Ratio.of("a view's gradient: gsplat's rasterizer / W", figures[BY_RASTERIZER], figures[BY_W]),
        Ratio(f"{steps} feature steps / the evidence they need", steps * step / evidence),
    )
