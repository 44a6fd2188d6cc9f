"""What a byte of features buys: error of the decoded features, and objects made again from them.

    python scripts/5_rate_distortion.py RUN

RUN is a folder of `gsseg train` with its cache, of a scene with ground truth. Each row decodes the learnt features from
codes and runs the codebook and object stages on the result with the run's own seed and configuration.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray

import gsseg
from gsseg.codebook.training import train_codebook
from gsseg.compressed.packing import bits_for
from gsseg.evaluate.ground_truth import read_ground_truth
from gsseg.evaluate.metrics import object_iou
from gsseg.evaluate.visibility import total_visibility
from gsseg.objects.build import build_objects
from gsseg.pipeline import run_stages
from gsseg.quantize import BinaryQuantizer, ResidualKMeans
from gsseg.render.cache import SampledWeights
from gsseg.run import RunLayout
from gsseg.run.settings import read_settings
from gsseg.run.stages import StageStore, run_key
from gsseg.scene.sh import base_colors
from gsseg.threads import one_torch_thread

SIZES = ((16, 1), (64, 1), (256, 1), (16, 2), (64, 2), (256, 2), (64, 3), (256, 3))
"""Codes and levels of the residual quantizers."""


def codings(features: ndarray, discrete: ndarray, label_bits: int) -> Iterator[tuple[str, float, ndarray]]:
    """Name, bytes a Gaussian, and decoded features."""
    yield "float32", 24.0, features
    yield "float16", 12.0, features.astype(np.float16).astype(np.float32)
    low, high = features.min(), features.max()
    for bits in (8, 4):
        steps = (1 << bits) - 1
        yield (
            f"{bits}-bit scalar",
            6 * bits / 8,
            np.round((features - low) / (high - low) * steps) / steps * (high - low) + low,
        )
    yield "discrete feature of the fine code", label_bits / 8, discrete
    for codes, levels in SIZES:
        quantizer = ResidualKMeans(levels, codes, seed=0).fit(features - discrete)
        decoded = discrete + quantizer.decode(quantizer.encode(features - discrete))
        yield f"fine code + residual {levels} x {codes}", (label_bits + levels * bits_for(codes)) / 8, decoded
    for balanced in (False, True):
        for codes, levels in SIZES:
            if balanced and (codes, levels) not in ((64, 3), (256, 2)):
                continue
            quantizer = ResidualKMeans(levels, codes, balanced=balanced, seed=0).fit(features)
            decoded = quantizer.decode(quantizer.labels if balanced else quantizer.encode(features))
            name = "balanced residual" if balanced else "residual"
            yield f"{name} {levels} x {codes}", levels * bits_for(codes) / 8, decoded
    for bits in (1, 4):
        quantizer = BinaryQuantizer.fit(features, bits=bits)
        codes = quantizer.encode(features)
        yield f"binary quantizer, {bits} bit", codes.bytes_per_vector, quantizer.decode(codes)


def main() -> None:
    """Prints the table."""
    layout = RunLayout(Path(sys.argv[1]))
    scene = gsseg.load_scene(read_settings(layout.settings).scene)
    config = gsseg.TrainConfig()
    instances = read_ground_truth(scene.path / "gt", len(scene.gaussians)).instances
    assert instances is not None, "the scene has no truth for each Gaussian"
    visibility = total_visibility(scene)
    with one_torch_thread():
        store = StageStore(layout.cache, run_key(scene, config), resume=True)
        trained = run_stages(scene, config, store, lambda *_: None)
        learnt = trained.segmentation.learnt
        seen = torch.from_numpy(learnt.any(axis=1))
        rows = np.flatnonzero(seen.numpy())
        features, discrete = (np.ascontiguousarray(part[rows]) for part in (learnt, trained.segmentation.discrete))
        label_bits = bits_for(len(trained.codes.fine_codebook))
        weights = SampledWeights(
            scene.gaussians,
            scene.views,
            layout.cache,
            config.pixels_per_view,
            config.seed,
            config.memory_budget_mb << 20,
        )
        views = [lambda i=i: (weights.weights(i), weights.labels(i)) for i in range(len(weights))]
        host = scene.gaussians
        print("| features as | bytes a Gaussian | error, part of the mean square | object IoU, objects made again |")
        print("|---|---|---|---|")
        for name, size, decoded in codings(features, discrete, label_bits):
            again = torch.zeros(learnt.shape)
            again[rows] = torch.from_numpy(np.ascontiguousarray(decoded, np.float32))
            codes = train_codebook(again, host.means, seen, views, config.codebook, config.seed)
            found = build_objects(
                trained.evidence, codes, host.means.numpy(), base_colors(host).numpy(), again.numpy(), config.objects
            )
            error = np.square(decoded - features).sum() / np.square(features).sum()
            iou = object_iou(found.object_ids, instances, visibility)[0]
            print(f"| {name} | {size:.2f} | {error:.2e} | {iou:.3f} |", flush=True)


if __name__ == "__main__":
    main()
