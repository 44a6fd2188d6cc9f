"""Residual k-means at scene size: seconds and errors, beside faiss where it can be imported.

Items are blobs of very unequal weight, as objects are in a scene. faiss's residual quantizer trains with one path
and encodes with five, its best setting on such data (trained with five it is worse), on all items and on 65,536.
k-means-constrained, the peer of the balanced kind, is left out: 50 thousand items take it over 180 s a level.
"""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.bench.results import Part, Ratio
from gsseg.bench.timing import Progress, interleaved, no_progress
from gsseg.quantize.residual.quantizer import ResidualKMeans
from gsseg.quantize.residual.statistics import residual_mse
from gsseg.threads import thread_count

ITEMS, QUICK_ITEMS = 1_000_000, 100_000
LEVELS = 3
CODES = 64
DIM = 6
BLOBS = 200
FAISS_SAMPLE = 65_536


def measure_residual(quick: bool = False, progress: Progress = no_progress) -> Part:
    """Measures a million (``quick``: 100 thousand) items of 6 numbers, 3 levels of 64 codes, each figure once.

    Ratios: faiss's seconds to ours, training and encoding together. Quality: mean squared errors, and sizes of
    balanced clusters.
    """
    items = QUICK_ITEMS if quick else ITEMS
    x = blobs(items, np.random.default_rng(0))
    for balanced in (False, True):  # compiles
        ResidualKMeans(1, 8, balanced).fit_encode(x[:500])
    fits: dict[str, Callable[[], dict[str, float]]] = {
        "plain": lambda: plain(x),
        "balanced": lambda: balanced_fit(x),
    }
    if find_spec("faiss") is not None:
        fits["faiss"] = lambda: faiss_residual(x, items)
        if items > FAISS_SAMPLE:
            fits["faiss, trained on 65,536"] = lambda: faiss_residual(x, FAISS_SAMPLE)
    quality: dict[str, float] = {}

    def run(name: str) -> None:
        quality.update({f"{name}: {fact}": value for fact, value in fits[name]().items()})

    runs = {f"{name}: fit and encode": partial(run, name) for name in fits}
    figures = interleaved(runs, 1, "residual k-means", progress, once=True)
    ours = figures["plain: fit and encode"]
    return Part(
        "residual k-means",
        {"items": items, "dim": DIM, "levels": LEVELS, "codes": CODES},
        tuple(figures.values()),
        tuple(
            Ratio.of(f"{name} / plain", figures[f"{name}: fit and encode"], ours)
            for name in fits
            if name.startswith("faiss")
        ),
        quality,
    )


def blobs(items: int, generator: np.random.Generator) -> Float32[ndarray, "items dim"]:
    """Gaussian blobs whose shares fall as 1 / rank, half a unit wide at most, about centres of unit variance."""
    share = 1 / np.arange(1, BLOBS + 1)
    blob = generator.choice(BLOBS, items, p=share / share.sum())
    width = generator.uniform(0.1, 0.5, BLOBS)
    centers = generator.normal(size=(BLOBS, DIM))
    return (centers[blob] + width[blob, None] * generator.normal(size=(items, DIM))).astype(np.float32)


def plain(x: Float32[ndarray, "items dim"]) -> dict[str, float]:
    """Fits and encodes; the error of beam search."""
    model = ResidualKMeans(LEVELS, CODES).fit(x)
    return {"mse": residual_mse(x, model.encode(x), model.codebooks)[-1]}


def balanced_fit(x: Float32[ndarray, "items dim"]) -> dict[str, float]:
    """Fits; the error of the balanced labels and the sizes of their clusters."""
    model = ResidualKMeans(LEVELS, CODES, balanced=True).fit(x)
    assert model.residual_mse is not None
    assert model.cluster_sizes is not None
    sizes = model.cluster_sizes
    return {"mse": model.residual_mse[-1], "least size": float(sizes.min()), "greatest size": float(sizes.max())}


def faiss_residual(x: Float32[ndarray, "items dim"], trained_on: int) -> dict[str, float]:
    """The same from faiss, on as many threads."""
    import faiss  # pyright: ignore[reportMissingImports]

    faiss.omp_set_num_threads(thread_count())
    quantizer = faiss.ResidualQuantizer(DIM, LEVELS, CODES.bit_length() - 1)
    quantizer.max_beam_size = 1
    quantizer.train(x[:: len(x) // trained_on][:trained_on])
    quantizer.max_beam_size = 5
    decoded = quantizer.decode(quantizer.compute_codes(x))
    return {"mse": float(np.square(x.astype(np.float64) - decoded).mean())}
