"""Benchmarks of binary quantization: encoding, one query over many codes, and how much of the truth it finds.

Vectors are clustered and made a block at a time, so that a million of 512 dimensions never stand in memory at once.
The exact search multiplies one block as often as there are blocks: the same memory is read, none of it is cached.
faiss' IndexRaBitQ is a peer of the same bytes (one bit a component and its corrections); where faiss is not installed
its figures are left out.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from gsseg.bench.results import Part, Ratio
from gsseg.bench.timing import Progress, interleaved, no_progress
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

ENCODE = f"encode {BLOCK} vectors of {ENCODED_DIM}-D"
"""Name of the figure."""


def measure_binary(quick: bool = False, progress: Progress = no_progress) -> Part:
    """Measures encoding and search over a million (``quick``: 100 thousand) 512-D codes.

    Quality: vectors encoded a second, bytes a vector and recall@10 without rescoring.
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
    encode, one, batch, plain = ENCODE, "4-bit query", f"{BATCH} 4-bit queries", "exact float32 query"
    peers_one, peers_batch = "faiss IndexRaBitQ query", f"{BATCH} faiss IndexRaBitQ queries"
    runs: dict[str, Callable[[], object]] = {
        encode: lambda: descent.encode(short),
        f"{encode}, exact intervals": lambda: exact.encode(short),
        one: lambda: quantizer.search(queries[:1], codes, K),
        "8-bit query": lambda: best.search(queries[:1], better, K),
        batch: lambda: quantizer.search(queries[:BATCH], codes, K),
        plain: lambda: exact_search(queries[0], first, blocks),
    }
    quality = {
        f"bytes a {DIM}-D vector": float(codes.bytes_per_vector),
        "recall@10, default": truth.recall(quantizer.search(queries, codes, K)[0]),
        "recall@10, exact intervals and 8-bit queries": truth.recall(best.search(queries, better, K)[0]),
    }
    compared = {f"{plain} / {one}": (plain, one)}
    if peer is not None:
        runs[peers_one] = lambda: peer.search(queries[:1], K)
        runs[peers_batch] = lambda: peer.search(queries[:BATCH], K)
        compared[f"{peers_one} / {one}"] = (peers_one, one)
        compared[f"{BATCH} queries: faiss IndexRaBitQ / 4-bit"] = (peers_batch, batch)
        quality[f"bytes a {DIM}-D vector, faiss IndexRaBitQ"] = float(peer.code_size)
        quality["recall@10, faiss IndexRaBitQ"] = truth.recall(peer.search(queries, K)[1])
    figures = interleaved(runs, repeats, "binary codes", progress)
    quality[f"{ENCODED_DIM}-D vectors encoded a second"] = BLOCK / figures[encode].minimum
    return Part(
        "binary quantizer",
        {"codes": len(codes), "dim": DIM, "queries": QUERIES, "threads": thread_count()},
        tuple(figures.values()),
        tuple(Ratio.of(name, figures[slow], figures[fast]) for name, (slow, fast) in compared.items()),
        quality,
    )


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
