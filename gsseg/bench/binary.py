"""Benchmarks of binary quantization: encoding, one query over many codes, and how much of the truth it finds.

Vectors are clustered and made a block at a time, so that a million of 512 dimensions never stand in memory at once.
The exact search multiplies one block as often as there are blocks: the same memory is read, none of it is cached.
faiss' IndexRaBitQ is a peer of the same bytes (one bit a component and its corrections); where faiss is not installed
its figures are left out.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.quantize.binary.accuracy import nearest
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.quantize.binary.quantizer import BinaryQuantizer
from gsseg.threads import thread_count

BLOCK = 50_000
"""Vectors made at a time: 100 MB of 512-D float32, more than any cache holds."""

DIM, ENCODED_DIM = 512, 128
SPREAD = 32
"""Directions in which the vectors of a cluster differ."""

K = 10
QUERIES = 100
BATCH = 16
"""Queries of the batched search."""

SECONDS = {
    "encode": f"encode {BLOCK} vectors of {ENCODED_DIM}-D",
    "encode exact": f"encode {BLOCK} vectors of {ENCODED_DIM}-D, exact intervals",
    "query": "4-bit query",
    "query 8": "8-bit query",
    "batch": f"{BATCH} 4-bit queries",
    "exact": "exact float32 query",
    "faiss": "faiss IndexRaBitQ query",
    "faiss batch": f"{BATCH} faiss IndexRaBitQ queries",
}
"""Names of the timed figures."""

RATIOS = {
    "exact float32 query / 4-bit query": ("exact", "query"),
    "faiss IndexRaBitQ query / 4-bit query": ("faiss", "query"),
    f"{BATCH} queries: faiss IndexRaBitQ / 4-bit": ("faiss batch", "batch"),
}
"""Name of the ratio: slower and faster figure."""


def measure_binary(
    quick: bool = False, progress: Callable[[str, int, int], None] = lambda stage, done, total: None
) -> dict:
    """Measures encoding and search over a million (``quick``: 100 thousand) 512-D codes.

    Returns a dict for json: ``counts``; ``seconds`` ({"min", "median"} of each figure); ``ratios``; ``quality``:
    vectors encoded a second, bytes a vector and recall@10 without rescoring. ``progress`` is told stage, done, total.
    """
    blocks, repeats = (2, 5) if quick else (20, 7)
    first = next(clustered(1, DIM, seed=0))
    queries = next(clustered(1, DIM, seed=1))[:QUERIES]
    quantizer = BinaryQuantizer.fit(first)
    best = BinaryQuantizer(quantizer.centroid, intervals="exact", query_bits=8)
    peer = _faiss_index(first)
    parts: list[BinaryCodes] = []
    better_parts: list[BinaryCodes] = []
    truth = _Nearest(queries)
    for done, block in enumerate(clustered(blocks, DIM, seed=0)):
        progress("encoding", done, blocks)
        parts.append(quantizer.encode(block))
        better_parts.append(best.encode(block))
        truth.see(block, done * BLOCK)
        if peer is not None:
            peer.add(block)
    codes, better = joined(parts), joined(better_parts)
    short = next(clustered(1, ENCODED_DIM, seed=2))
    descent, exact = BinaryQuantizer.fit(short), BinaryQuantizer.fit(short, intervals="exact")
    figures: dict[str, Callable[[], object]] = {
        "encode": lambda: descent.encode(short),
        "encode exact": lambda: exact.encode(short),
        "query": lambda: quantizer.search(queries[:1], codes, K),
        "query 8": lambda: best.search(queries[:1], better, K),
        "batch": lambda: quantizer.search(queries[:BATCH], codes, K),
        "exact": lambda: exact_search(queries[0], first, blocks),
    }
    quality = {
        f"bytes a {DIM}-D vector": float(codes.bytes_per_vector),
        "recall@10, default": truth.recall(quantizer.search(queries, codes, K)[0]),
        "recall@10, exact intervals and 8-bit queries": truth.recall(best.search(queries, better, K)[0]),
    }
    if peer is not None:
        figures["faiss"] = lambda: peer.search(queries[:1], K)
        figures["faiss batch"] = lambda: peer.search(queries[:BATCH], K)
        quality[f"bytes a {DIM}-D vector, faiss IndexRaBitQ"] = float(peer.code_size)
        quality["recall@10, faiss IndexRaBitQ"] = truth.recall(peer.search(queries, K)[1])
    times = _timed(figures, repeats, progress)
    least = {name: min(values) for name, values in times.items()}
    quality[f"{ENCODED_DIM}-D vectors encoded a second"] = BLOCK / least["encode"]
    return {
        "counts": {"codes": len(codes), "dim": DIM, "queries": QUERIES, "threads": thread_count()},
        "seconds": {SECONDS[n]: {"min": least[n], "median": float(np.median(times[n]))} for n in figures},
        "ratios": {n: least[slow] / least[fast] for n, (slow, fast) in RATIOS.items() if slow in least},
        "quality": quality,
    }


def clustered(blocks: int, dim: int, seed: int) -> Iterator[Float32[ndarray, "rows dim"]]:
    """Blocks of vectors about 200 centres, spread along `SPREAD` random directions: embeddings have many components
    and fewer degrees of freedom, and nearest neighbours mean something in them. All seeds share centres and directions.
    """
    shape = np.random.default_rng(99)
    centres = shape.standard_normal((200, dim), np.float32)
    directions = shape.standard_normal((SPREAD, dim), np.float32) * np.float32(SPREAD**-0.5)
    for block in range(blocks):
        generator = np.random.default_rng([seed, block])
        vectors = generator.standard_normal((BLOCK, SPREAD), np.float32) @ directions
        vectors += centres[generator.integers(0, len(centres), BLOCK)]
        yield vectors


def joined(parts: list[BinaryCodes]) -> BinaryCodes:
    """One set of codes of all parts, which one quantizer made."""
    names = ("packed", "lower", "upper", "additional", "component_sum")
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return replace(parts[0], **arrays)


def exact_search(query: Float32[ndarray, " dim"], block: Float32[ndarray, "rows dim"], blocks: int) -> ndarray:
    """The nearest by float32 products with ``blocks`` blocks; their squared lengths are thought to be at hand."""
    keys = np.concatenate([block @ query for _ in range(blocks)])
    return nearest(-keys[None], K)


class _Nearest:
    """The exact nearest vectors of a few queries, found block by block."""

    def __init__(self, queries: Float32[ndarray, "queries dim"]) -> None:
        self.queries = queries
        self.keys = np.full((len(queries), K), np.inf, np.float32)
        self.rows = np.full((len(queries), K), -1)

    def see(self, block: Float32[ndarray, "rows dim"], first: int) -> None:
        keys = np.square(block).sum(1) - 2 * (self.queries @ block.T)
        best = nearest(keys, K)
        keys = np.concatenate([self.keys, np.take_along_axis(keys, best, 1)], axis=1)
        rows = np.concatenate([self.rows, best + first], axis=1)
        kept = nearest(keys, K)
        self.keys, self.rows = np.take_along_axis(keys, kept, 1), np.take_along_axis(rows, kept, 1)

    def recall(self, found: ndarray) -> float:
        return float(np.mean([len(np.intersect1d(a, b)) for a, b in zip(self.rows, found, strict=True)]) / K)


def _timed(
    figures: dict[str, Callable[[], object]], repeats: int, progress: Callable[[str, int, int], None]
) -> dict[str, list[float]]:
    """Seconds of each figure, all figures in turns."""
    times: dict[str, list[float]] = {name: [] for name in figures}
    for run in figures.values():
        run()  # compiles, and fills the caches
    for done in range(repeats):
        progress("binary codes", done, repeats)
        for name, run in figures.items():
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    progress("binary codes", repeats, repeats)
    return times


def _faiss_index(vectors: Float32[ndarray, "rows dim"]) -> Any:
    """faiss' one-bit index with 4-bit queries, trained; None where faiss is not installed."""
    if find_spec("faiss") is None:
        return None
    import faiss  # pyright: ignore[reportMissingImports]

    faiss.omp_set_num_threads(thread_count())
    index = faiss.IndexRaBitQ(vectors.shape[1], faiss.METRIC_L2)
    index.qb = 4
    index.train(vectors)
    return index
