"""The quantizers on the sets of stored reference values, which are not distributed with the project.

    python scripts/7_reference_sets.py ORACLE

ORACLE holds ``rq/gen_data.py`` and ``rq/residual_kmeans.npz``. Prints residual k-means on a million x 6 (faiss, trained
with beam 1 and encoded with beam 5: 0.0181), and reconstruction / collisions of RQ-KMeans+ on 2,000 x 64 after 200
epochs (published: 0.350 / 0.60).
"""

import importlib.util
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from gsseg.quantize import ResidualKMeans, RQVAEConfig
from gsseg.quantize.residual.codebook_file import write_codebooks
from gsseg.quantize.residual.statistics import residual_mse
from gsseg.quantize.rqvae.training import RQVAETraining, train_rqvae
from gsseg.quantize.rqvae.warm_start import warm_started

SEEDS = (7, 2024, 1)


def million(folder: Path) -> None:
    """Residual k-means, plain and balanced."""
    spec = importlib.util.spec_from_file_location("gen_data", folder / "gen_data.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    x = made.rq_blobs([31, 1_000_000, 6], 1_000_000, 6, k=200, noise=0.3)
    for balanced in (False, True):
        started = time.perf_counter()
        model = ResidualKMeans(3, 64, balanced, seed=0).fit(x)
        codes = model.labels if balanced else model.encode(x)
        seconds = time.perf_counter() - started
        assert model.cluster_sizes is not None
        errors = " ".join(f"{error:.5f}" for error in residual_mse(x, codes, model.codebooks))
        sizes = f"{model.cluster_sizes.min()} to {model.cluster_sizes.max()}"
        print(f"million, balanced {balanced}: mse {errors}, training clusters {sizes}, {seconds:.1f} s", flush=True)


def plus(folder: Path) -> None:
    """RQ-KMeans+ as published, and with both changes."""
    stored = np.load(folder / "residual_kmeans.npz", allow_pickle=False)
    x, books = stored["n2000_d64/X"], stored["n2000_d64/constrained_codebooks"]
    variants = {"published": {"decoder": "mlp", "gradient": "per_level"}, "default": {}}
    with TemporaryDirectory() as beside:
        path = Path(beside) / "codebooks.npz"
        write_codebooks(path, list(books))
        for name, options in variants.items():
            config = RQVAEConfig.plus(x.shape[1], levels=len(books), codebook_size=books.shape[1], **options)
            for seed in SEEDS:
                end = train_rqvae(warm_started(config, path, seed), x, RQVAETraining(epochs=200), seed).evaluations[-1]
                print(f"{name}, seed {seed}: {end.reconstruction:.4f} / {end.collision_rate:.4f}", flush=True)


def main() -> None:
    """Both sets."""
    folder = Path(sys.argv[1]) / "rq"
    million(folder)
    plus(folder)


if __name__ == "__main__":
    main()
