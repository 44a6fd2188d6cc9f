"""RQ-KMeans+ as published against this package's: error, collisions and time after the same epochs and start.

Items are blobs of unequal weight in 64 dimensions; the noise around a blob's centre holds most of what three codes of
16 have to tell. Both start from the same balanced residual k-means and draw the same batches.
"""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.bench.results import Part, Ratio
from gsseg.bench.timing import Progress, interleaved, no_progress
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


def measure_rqvae(quick: bool = False, progress: Progress = no_progress) -> Part:
    """Trains every variant for 200 epochs (50 where ``quick``, with one seed), once a seed.

    Ratios: reconstruction and collisions, published / default. Quality: means over the seeds at the last epoch,
    nearest codes.
    """
    seeds = SEEDS[:1] if quick else SEEDS
    epochs = QUICK_EPOCHS if quick else EPOCHS
    items = blobs(ITEMS, DIM, 31)
    start = ResidualKMeans(LEVELS, CODES, balanced=True, seed=0).fit(items)
    ends: dict[str, list[dict]] = {name: [] for name in VARIANTS}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "codebooks.npz"
        start.save(path)
        train_rqvae(warm_started(VARIANTS["default"], path), items, RQVAETraining(epochs=1))  # torch's own first call

        def run(name: str) -> None:
            seed = seeds[len(ends[name])]  # the rounds are the seeds
            trained = train_rqvae(warm_started(VARIANTS[name], path, seed), items, RQVAETraining(epochs=epochs), seed)
            ends[name].append(asdict(trained.evaluations[-1]))

        runs = {f"{name}: training": partial(run, name) for name in VARIANTS}
        figures = interleaved(runs, len(seeds), "RQ-KMeans+", progress, once=True)
    quality = {
        f"{name}: {figure.replace('_', ' ')}": float(np.mean([end[figure] for end in ends[name]]))
        for name in VARIANTS
        for figure in ("reconstruction", "collision_rate")
    }
    codes = start.encode(items, beam=1)
    quality["residual k-means it starts from: reconstruction"] = float(np.square(items - start.decode(codes)).mean())
    return Part(
        "RQ-VAE",
        {"items": ITEMS, "dim": DIM, "levels": LEVELS, "codes": CODES, "epochs": epochs, "seeds": len(seeds)},
        tuple(figures.values()),
        tuple(
            Ratio(f"{figure}: published / default", quality[f"published: {figure}"] / quality[f"default: {figure}"])
            for figure in ("reconstruction", "collision rate")
        ),
        quality,
    )


def blobs(items: int, dim: int, seed: int) -> Float32[ndarray, "items dim"]:
    """Rows around `BLOBS` normal centres, whose shares are uniform on the simplex, with `NOISE` an entry."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((BLOBS, dim))
    shares = generator.dirichlet(np.ones(BLOBS))
    rows = centres[generator.choice(BLOBS, items, p=shares)] + NOISE * generator.standard_normal((items, dim))
    return rows.astype(np.float32)
