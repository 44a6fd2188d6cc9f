"""Binary quantization: a vector as one bit a component and four small corrections, searched by counting bits.

"Better Binary Quantization" of Apache Lucene 10.2 (OptimizedScalarQuantizer): vectors are centred on their mean,
every vector gets its own interval (`gsseg.quantize.binary.intervals`), queries keep four bits a component, and
distances or inner products are estimated from the codes (`gsseg.quantize.binary.scoring`). With the defaults, codes
and corrections equal Lucene's bit for bit.

Beyond it, at the same bytes a vector:

- ``intervals="exact"``: the smallest loss that one bit allows;
- ``rotate=True``: random axes before centring, for vectors whose axes differ much in variance;
- ``unit_centroid=False`` ("cosine"): Lucene scales the mean of the unit vectors to unit length, away from them;
  centred on the mean itself, estimates lose their bias and half of their error;
- ``query_bits=8``: finer queries, at twice the time of a search.

    quantizer = BinaryQuantizer.fit(vectors, similarity="cosine")
    codes = quantizer.encode(vectors)
    rows, values = quantizer.search(queries, codes, k=10, rescore=vectors)
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from gsseg.quantize.binary.codes import SIMILARITIES, BinaryCodes, Similarity, bytes_per_vector, check_width
from gsseg.quantize.binary.encode import encode, mean_vector
from gsseg.quantize.binary.exact import exact_values
from gsseg.quantize.binary.rotation import rotate as rotated
from gsseg.quantize.binary.scoring import QUERY_WIDTHS, estimates, final_scores
from gsseg.quantize.binary.search import best
from gsseg.quantize.binary.vectors import Vectors, as_float32

Intervals: TypeAlias = Literal["descent", "exact"]
"""How a vector's interval is found: Lucene's descent, or (one bit) the smallest loss there is."""


@dataclass(frozen=True, eq=False)
class BinaryQuantizer:
    """Encodes vectors with a few bits a component, and searches and compares the codes with finer queries."""

    centroid: Float32[ndarray, " dim"]
    """What vectors are centred on."""
    similarity: Similarity = "euclidean"
    """How vectors are compared."""
    bits: int = 1
    """Bits of a component of encoded vectors: 1, 2, 4, 7 or 8."""
    intervals: Intervals = "descent"
    """"descent": codes equal Lucene's. "exact": the smallest loss over all one-bit codes, for ``bits=1`` only."""
    rotation: int | None = None
    """Seed of the rotation before centring, or none."""
    query_bits: int = 4
    """Bits of a component of encoded queries: 4 or 8."""

    def __post_init__(self) -> None:
        if self.similarity not in SIMILARITIES:
            raise ValueError(f"similarity is one of {', '.join(SIMILARITIES)}, not {self.similarity!r}")
        check_width(self.bits)
        centroid = self.centroid
        if centroid.ndim != 1 or centroid.dtype != np.float32 or not np.isfinite(centroid).all():
            raise ValueError("the centroid is one vector, (dim,) float32, of finite values")
        if self.intervals not in ("descent", "exact"):
            raise ValueError(f"intervals is 'descent' or 'exact', not {self.intervals!r}")
        if self.query_bits not in QUERY_WIDTHS:
            raise ValueError(f"query_bits is 4 or 8, not {self.query_bits}")
        if self.intervals == "exact" and self.bits != 1:
            raise ValueError(f"intervals='exact' is solved for one bit a component, not for {self.bits}")

    @staticmethod
    def fit(
        vectors: Vectors,
        similarity: Similarity = "euclidean",
        bits: int = 1,
        intervals: Intervals = "descent",
        rotate: bool = False,
        unit_centroid: bool = True,
        query_bits: int = 4,
        seed: int = 0,
    ) -> "BinaryQuantizer":
        """A quantizer centred on the mean of the vectors (cosine: of the unit vectors, to unit length if
        ``unit_centroid``); ``seed`` decides the rotation.

        ValueError naming the rows that hold NaN or infinite values, overflow float32, or (cosine) have no direction.
        """
        checked = BinaryQuantizer(
            np.zeros(1, np.float32), similarity, bits, intervals, seed if rotate else None, query_bits
        )
        rows = as_float32(vectors)
        if rotate:
            rows = rotated(rows, seed)
        return replace(checked, centroid=mean_vector(rows, similarity, unit_centroid))

    @staticmethod
    def of(codes: BinaryCodes, query_bits: int = 4) -> "BinaryQuantizer":
        """A quantizer that searches codes which were read from a file."""
        return BinaryQuantizer(
            codes.centroid, codes.similarity, codes.bits, rotation=codes.rotation, query_bits=query_bits
        )

    @property
    def bytes_per_vector(self) -> int:
        """Bytes that one vector's codes and corrections take."""
        return bytes_per_vector(len(self.centroid), self.bits)

    def encode(self, vectors: Vectors) -> BinaryCodes:
        """Codes and corrections of the vectors.

        Centred vectors shorter than about 1e-19 lose their squared length to float32, as Lucene's do: scale them up.
        ValueError naming the rows that hold NaN or infinite values, overflow float32 when squared and summed, or
        (cosine) have no direction.
        """
        rows, exact = self._rows(vectors), self.intervals == "exact"
        return encode(rows, self.centroid, self.similarity, self.bits, exact, self.rotation)

    def encode_query(self, queries: Vectors) -> BinaryCodes:
        """Codes of the queries, as `estimate` takes them: ``query_bits`` bit planes, lowest bit first."""
        rows = self._rows(queries)
        return encode(rows, self.centroid, self.similarity, self.query_bits, False, self.rotation, query=True)

    def decode(self, codes: BinaryCodes) -> Float32[ndarray, "items dim"]:
        """The vectors that the codes stand for: lower + step code + centroid (cosine: of unit vectors)."""
        rows = codes.components() * codes.steps()[:, None] + codes.lower[:, None] + codes.centroid
        return rows if codes.rotation is None else rotated(rows, codes.rotation, back=True)

    def estimate(self, query: Vectors | BinaryCodes, codes: BinaryCodes) -> Float32[ndarray, "queries items"]:
        """Estimated squared distances ("euclidean") or inner products (of unit vectors for "cosine").

        ``query``: vectors, or what `encode_query` made of them. ValueError as `encode`, and where the codes are of
        another quantizer.
        """
        return estimates(self._asked(query), codes)

    def score(self, query: Vectors | BinaryCodes, codes: BinaryCodes) -> Float32[ndarray, "queries items"]:
        """Lucene's final scores of the estimates, greater is better (`gsseg.quantize.binary.scoring.final_scores`)."""
        return final_scores(self.estimate(query, codes), self.similarity)

    def search(
        self,
        queries: Vectors,
        codes: BinaryCodes,
        k: int,
        rescore: Vectors | None = None,
        oversample: int = 3,
    ) -> tuple[Int64[ndarray, "queries k"], Float32[ndarray, "queries k"]]:
        """Rows of the ``k`` best vectors (all, if there are fewer) for each query, best first, and their values.

        Values are squared distances ("euclidean", ascending) or inner products (descending), estimated; with
        ``rescore``, the float vectors that were encoded, the best ``oversample k`` estimates are ranked by exact
        values and these are returned. Ties go to the smaller row. ValueError as `encode`.
        """
        if k < 1 or oversample < 1:
            raise ValueError(f"k and oversample are at least 1, not {k} and {oversample}")
        asked = self.encode_query(queries)
        k = min(k, len(codes))
        if rescore is None:
            return best(asked, codes, k)
        if rescore.shape != (len(codes), codes.dimension):
            raise ValueError(f"rescore holds the {len(codes)} encoded vectors of {codes.dimension} components, "
                             f"not an array of shape {tuple(rescore.shape)}")  # fmt: skip
        rows, _ = best(asked, codes, min(k * oversample, len(codes)))
        values = exact_values(as_float32(queries), rescore, rows, self.similarity)
        order = np.lexsort((rows, values if self.similarity == "euclidean" else -values), axis=1)[:, :k]
        with np.errstate(over="ignore"):  # a square beyond float32 becomes infinite, in its right place
            return np.take_along_axis(rows, order, 1), np.take_along_axis(values, order, 1).astype(np.float32)

    def _asked(self, query: Vectors | BinaryCodes) -> BinaryCodes:
        return query if isinstance(query, BinaryCodes) else self.encode_query(query)

    def _rows(self, vectors: Vectors) -> Float32[ndarray, "items dim"]:
        rows = as_float32(vectors)
        if rows.shape[1] != len(self.centroid):
            raise ValueError(f"vectors have {rows.shape[1]} components, the centroid has {len(self.centroid)}")
        return rows if self.rotation is None else rotated(rows, self.rotation)
