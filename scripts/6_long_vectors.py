"""What a byte buys on long vectors such as CLIP's: error of the decoded vectors, and true neighbours found.

    python scripts/6_long_vectors.py

Vectors are made here: 20,000 in 100 clusters and 200 queries of the same kind. ``even`` noise is alike along all axes,
so neighbours are nearly equally far (hard); ``falling`` noise has the standard deviation (j + 1)^-0.5 along the j-th of
some random axes, as embeddings have. Recall@10 is against float32, without rescoring, and with the best 30 rescored.
faiss' IndexRaBitQ, a peer of one bit a component, and its ResidualQuantizer are left out where faiss is not installed.
"""

import importlib.util
from typing import Any, Literal

import numpy as np
from numpy import ndarray

from gsseg.quantize import BinaryQuantizer, ResidualKMeans
from gsseg.quantize.binary.accuracy import measure_accuracy, nearest
from gsseg.quantize.binary.exact import all_values

ITEMS, QUERIES, CLUSTERS, K = 20_000, 200, 100, 10
BEST = {"intervals": "exact", "unit_centroid": False}
MODES = {
    "default": {},
    "exact": {"intervals": "exact"},
    "plain mean": {"unit_centroid": False},
    "exact, plain mean": BEST,
    "and 8-bit queries": {**BEST, "query_bits": 8},
    "rotate": {"rotate": True},
}


def vectors(dim: int, noise: Literal["even", "falling"]) -> tuple[ndarray, ndarray]:
    """Vectors and queries."""
    rng = np.random.default_rng(dim)
    deviations = np.ones(dim) if noise == "even" else np.arange(1, dim + 1) ** -0.5
    deviations *= 0.7 / np.sqrt(np.square(deviations).sum())
    axes, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    centres = rng.normal(size=(CLUSTERS, dim)) / np.sqrt(dim)
    rows = centres[rng.integers(0, CLUSTERS, ITEMS + QUERIES)]
    rows = (rows + rng.normal(size=rows.shape) * deviations @ axes.T).astype(np.float32)
    return rows[:ITEMS], rows[ITEMS:]


def recalls(found: ndarray, truth: ndarray) -> list[float]:
    """Share of the true neighbours among the first 10 and the first 30 found."""
    return [
        float(np.mean([len(np.intersect1d(a[:count], b)) for a, b in zip(found, truth, strict=True)]) / K)
        for count in (K, 3 * K)
    ]


def faiss_recalls(items: ndarray, queries: ndarray, similarity: str, truth: ndarray) -> tuple[int, list[float]] | None:
    """Bytes a vector and recalls of faiss' one-bit index with 4-bit queries; unit vectors stand for the cosine."""
    if importlib.util.find_spec("faiss") is None:
        return None
    import faiss  # pyright: ignore[reportMissingImports]

    if similarity == "cosine":
        items, queries = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (items, queries))
    metric = faiss.METRIC_L2 if similarity == "euclidean" else faiss.METRIC_INNER_PRODUCT
    index: Any = faiss.IndexRaBitQ(items.shape[1], metric)
    index.qb = 4
    index.train(items)
    index.add(items)
    return index.code_size, recalls(index.search(queries, 3 * K)[1], truth)


def faiss_residual(items: ndarray, levels: int, codebook_size: int) -> ndarray | None:
    """The items decoded from faiss' residual codes, trained with beam 1 and encoded with beam 5 as ours are."""
    if importlib.util.find_spec("faiss") is None:
        return None
    import faiss  # pyright: ignore[reportMissingImports]

    peer: Any = faiss.ResidualQuantizer(items.shape[1], levels, int(np.log2(codebook_size)))
    peer.train_type = faiss.ResidualQuantizer.Train_default
    peer.max_beam_size = 1
    peer.train(items)
    peer.max_beam_size = 5
    return peer.decode(peer.compute_codes(items))


def modes_table() -> None:
    """Recall of every mode, data set and similarity."""
    print("| vectors, similarity | " + " | ".join([*MODES, "faiss IndexRaBitQ"]) + " |")
    print("|---" * (len(MODES) + 2) + "|")
    for dim in (128, 512):
        for noise in ("even", "falling"):
            items, queries = vectors(dim, noise)
            for similarity in ("euclidean", "cosine", "max_inner_product"):
                sign = 1 if similarity == "euclidean" else -1
                truth = nearest(sign * all_values(queries, items, similarity), K)
                cells = []
                for options in MODES.values():
                    quantizer = BinaryQuantizer.fit(items, similarity, **options)
                    found, _ = quantizer.search(queries, quantizer.encode(items), 3 * K)
                    cells.append(recalls(found, truth))
                peer = faiss_recalls(items, queries, similarity, truth)
                cells += [] if peer is None else [peer[1]]
                shown = " | ".join(f"{first:.3f}, {rescored:.3f}" for first, rescored in cells)
                print(f"| {dim}-D {noise}, {similarity} | {shown} |", flush=True)


def bytes_table() -> None:
    """Bytes, error and recall of every kind of code, euclidean."""
    items, queries = vectors(512, "falling")
    truth = nearest(all_values(queries, items, "euclidean"), K)
    power = np.square(items - items.mean(0), dtype=np.float64).sum()
    print("| 512-D falling as | bytes a vector | error, part of the variance | recall@10 | with 3x rescoring |")
    print("|---|---|---|---|---|")

    def row(name: str, size: float, decoded: ndarray, found: list[float]) -> None:
        error = np.square(decoded.astype(np.float64) - items).sum() / power
        print(f"| {name} | {size:.0f} | {error:.2e} | {found[0]:.3f} | {found[1]:.3f} |", flush=True)

    def by_decoding(name: str, size: float, decoded: ndarray) -> None:
        row(name, size, decoded, recalls(np.argsort(all_values(queries, decoded, "euclidean"), axis=1), truth))

    by_decoding("float32", 2048, items)
    by_decoding("float16", 1024, items.astype(np.float16).astype(np.float32))
    for bits in (8, 4, 2, 1):
        quantizer = BinaryQuantizer.fit(items, bits=bits)
        codes = quantizer.encode(items)
        accuracy = measure_accuracy(quantizer, queries, items, codes, K, (1, 3))
        row(
            f"binary quantizer, {bits} {'bit' if bits == 1 else 'bits'}",
            codes.bytes_per_vector,
            quantizer.decode(codes),
            [*accuracy.recall.values()],
        )
    quantizer = BinaryQuantizer.fit(items, intervals="exact", query_bits=8)
    codes = quantizer.encode(items)
    accuracy = measure_accuracy(quantizer, queries, items, codes, K, (1, 3))
    name = "binary quantizer, 1 bit, exact, 8-bit queries"
    row(name, codes.bytes_per_vector, quantizer.decode(codes), [*accuracy.recall.values()])
    for codebook_size, levels in ((64, 8), (256, 8), (64, 32)):
        model = ResidualKMeans(levels, codebook_size, seed=0).fit(items)
        size = levels * np.log2(codebook_size) / 8
        by_decoding(f"residual k-means, {levels} x {codebook_size}", size, model.decode(model.encode(items)))
        peer = faiss_residual(items, levels, codebook_size)
        if peer is not None:
            by_decoding(f"faiss ResidualQuantizer, {levels} x {codebook_size}", size, peer)


def main() -> None:
    """Prints both tables."""
    bytes_table()
    print()
    modes_table()


if __name__ == "__main__":
    main()
