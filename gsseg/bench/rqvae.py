"""RQ-KMeans+ as published against this package's: error, collisions and time after the same epochs and start.

Items are blobs of unequal weight in 64 dimensions; the noise around a blob's centre holds most of what three codes of
16 have to tell. Both start from the same balanced residual k-means and draw the same batches.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.quantize.residual.quantizer import ResidualKMeans
from gsseg.quantize.rqvae.model import RQVAEConfig
from gsseg.quantize.rqvae.training import RQVAETraining, train_rqvae
from gsseg.quantize.rqvae.warm_start import warm_started

ITEMS, DIM, LEVELS, CODES = 2000, 64, 3, 16
BLOBS, NOISE = 40, 0.6
SEEDS = (0, 1, 2)
EPOCHS, QUICK_EPOCHS = 200, 50

VARIANTS = {
    "published": RQVAEConfig.plus(DIM, levels=LEVELS, codebook_size=CODES, decoder="mlp", gradient="per_level"),
    "residual decoder": RQVAEConfig.plus(DIM, levels=LEVELS, codebook_size=CODES, gradient="per_level"),
    "joint gradient": RQVAEConfig.plus(DIM, levels=LEVELS, codebook_size=CODES, decoder="mlp"),
    "default": RQVAEConfig.plus(DIM, levels=LEVELS, codebook_size=CODES),
}
"""The default is both improvements at once."""


def measure_rqvae(
    quick: bool = False, progress: Callable[[str, int, int], None] = lambda stage, done, total: None
) -> dict:
    """Trains every variant for 200 epochs (50 where ``quick``, with one seed).

    Returns ``counts``, ``seconds`` of a training ({"min", "median"} over the seeds), ``ratios`` of reconstruction and
    collisions, published / default, and ``quality``: means over the seeds at the last epoch, nearest codes.
    """
    seeds = SEEDS[:1] if quick else SEEDS
    epochs = QUICK_EPOCHS if quick else EPOCHS
    items = blobs(ITEMS, DIM, 31)
    start = ResidualKMeans(LEVELS, CODES, balanced=True, seed=0).fit(items)
    times: dict[str, list[float]] = {name: [] for name in VARIANTS}
    ends: dict[str, list[dict]] = {name: [] for name in VARIANTS}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "codebooks.npz"
        start.save(path)
        train_rqvae(warm_started(VARIANTS["default"], path), items, RQVAETraining(epochs=1))  # torch's own first call
        for done, seed in enumerate(seeds):
            progress("RQ-KMeans+", done, len(seeds))
            for name, config in VARIANTS.items():
                model = warm_started(config, path, seed)
                started = time.perf_counter()
                trained = train_rqvae(model, items, RQVAETraining(epochs=epochs), seed)
                times[name].append(time.perf_counter() - started)
                ends[name].append(asdict(trained.evaluations[-1]))
    progress("RQ-KMeans+", len(seeds), len(seeds))
    quality = {
        f"{name}: {figure.replace('_', ' ')}": float(np.mean([end[figure] for end in ends[name]]))
        for name in VARIANTS
        for figure in ("reconstruction", "collision_rate")
    }
    codes = start.encode(items, beam=1)
    quality["residual k-means it starts from: reconstruction"] = float(np.square(items - start.decode(codes)).mean())
    return {
        "counts": {"items": ITEMS, "dim": DIM, "levels": LEVELS, "codes": CODES, "epochs": epochs, "seeds": len(seeds)},
        "seconds": {
            f"{name}: training": {"min": min(values), "median": float(np.median(values))}
            for name, values in times.items()
        },
        "ratios": {
            f"{figure}: published / default": quality[f"published: {figure}"] / quality[f"default: {figure}"]
            for figure in ("reconstruction", "collision rate")
        },
        "quality": quality,
    }


def blobs(items: int, dim: int, seed: int) -> Float32[ndarray, "items dim"]:
    """Rows around `BLOBS` normal centres, whose shares are uniform on the simplex, with `NOISE` an entry."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((BLOBS, dim))
    shares = generator.dirichlet(np.ones(BLOBS))
    rows = centres[generator.choice(BLOBS, items, p=shares)] + NOISE * generator.standard_normal((items, dim))
    return rows.astype(np.float32)
