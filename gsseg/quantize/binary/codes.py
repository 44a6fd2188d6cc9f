"""Quantized vectors: bit planes, the interval of each vector and what corrects an inner product for centring.

For a vector v and the centroid c the centred vector is x = v - c (cosine: v is scaled to unit length first). Its
components are codes k_i of ``bits`` bits in planes (`gsseg.quantize.binary.bits`); x_i is about lower + step k_i with
step = (upper - lower) / (2^bits - 1). ``additional`` is |x|^2 for "euclidean" and v . c for the others.

One vector takes ``bits`` 8 ceil(dim / 64) bytes and 14 bytes of corrections (three float32 and the sum of its codes,
16 bits while it fits). On 6 dimensions that is 22 bytes against 24 of float32: it pays on long vectors only.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Float32, Int, Integer, UInt8, UInt64
from numpy import ndarray

from gsseg.compiled import njit
from gsseg.errors import InputError
from gsseg.files import check_readable, whole_file
from gsseg.quantize.binary.bits import as_words, plane_bytes, unpack

Similarity: TypeAlias = Literal["euclidean", "cosine", "dot", "max_inner_product"]
"""How vectors are compared. The last two estimate the same inner product and differ in the final score only."""

SIMILARITIES: tuple[Similarity, ...] = get_args(Similarity)
WIDTHS = (1, 2, 4, 7, 8)
"""Bits a component may have."""

FORMAT = "gsseg binary codes 1"
"""Stands in the file; the number is raised whenever the layout changes."""


@dataclass(frozen=True, eq=False)
class BinaryCodes:
    """Quantized vectors with all that a comparison needs; checked when built, so any source of arrays will do.

    ValueError where shapes or types do not belong together, or a value is not finite.
    """

    packed: UInt8[ndarray, "items bytes"]
    """Bit planes of each vector, lowest bit first; (items, bits 8 ceil(dim / 64))."""
    lower: Float32[ndarray, " items"]
    """Component that code 0 stands for, relative to the centroid."""
    upper: Float32[ndarray, " items"]
    """Component that the greatest code stands for, relative to the centroid."""
    additional: Float32[ndarray, " items"]
    """|v - c|^2 for "euclidean", v . c otherwise."""
    component_sum: Int[ndarray, " items"]
    """Sum of the codes of each vector."""
    centroid: Float32[ndarray, " dim"]
    """What the vectors were centred on (in the rotated axes, where there are such)."""
    similarity: Similarity
    """How the vectors are compared."""
    bits: int
    """Bits of a component: 1, 2, 4, 7 or 8."""
    rotation: int | None = None
    """Seed of the rotation before centring (`gsseg.quantize.binary.rotation`), if there was one."""

    def __post_init__(self) -> None:
        if self.similarity not in SIMILARITIES:
            raise ValueError(f"similarity is one of {', '.join(SIMILARITIES)}, not {self.similarity!r}")
        check_width(self.bits)
        rows, expected = len(self.packed), self.bits * plane_bytes(self.dimension)
        if self.dimension < 1:
            raise ValueError("vectors need at least one component")
        if self.packed.shape != (rows, expected):
            raise ValueError(f"{self.dimension} components of {self.bits} bits pack to {expected} bytes a vector, "
                             f"not to {self.packed.shape[1]}")  # fmt: skip
        for name in ("lower", "upper", "additional", "component_sum"):
            if getattr(self, name).shape != (rows,):
                raise ValueError(f"{rows} vectors need as many values of {name}, not {len(getattr(self, name))}")
        for name in ("lower", "upper", "additional", "centroid"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} has values that are not finite")

    def __len__(self) -> int:
        """Number of vectors."""
        return len(self.packed)

    @property
    def size(self) -> int:
        """Number of vectors."""
        return len(self.packed)

    @property
    def dimension(self) -> int:
        """Components of a vector, padding left out."""
        return len(self.centroid)

    @property
    def bytes_per_vector(self) -> int:
        """Bytes that one vector takes in a file, corrections included, the shared centroid left out."""
        return bytes_per_vector(self.dimension, self.bits)

    @cached_property
    def centroid_dp(self) -> float:
        """Inner product of the centroid with itself (float32)."""
        return float(squared_length(self.centroid))

    @cached_property
    def words(self) -> UInt64[ndarray, "items words"]:
        """The packed codes as the compiled code reads them."""
        return as_words(self.packed)

    def components(self) -> UInt8[ndarray, "items dim"]:
        """The codes of all components, a byte each."""
        return unpack(self.packed, self.dimension, self.bits)

    def steps(self) -> Float32[ndarray, " items"]:
        """Distance of neighbouring grid points of each vector."""
        return (self.upper - self.lower) / np.float32(2**self.bits - 1)

    def take(self, rows: Integer[ndarray, " rows"] | Sequence[int] | slice) -> "BinaryCodes":
        """The codes of some vectors, in the order asked for."""
        return BinaryCodes(
            self.packed[rows],
            self.lower[rows],
            self.upper[rows],
            self.additional[rows],
            self.component_sum[rows],
            self.centroid,
            self.similarity,
            self.bits,
            self.rotation,
        )

    def save(self, path: Path | str) -> None:
        """Writes one uncompressed npz file, whole or not at all; little endian on every machine."""
        arrays = {
            "format": np.array(FORMAT, "<U"),
            "similarity": np.array(self.similarity, "<U"),
            "bits": np.array(self.bits, "<i4"),
            "rotation": np.array([] if self.rotation is None else [self.rotation], "<i8"),
            "centroid": self.centroid.astype("<f4"),
            "packed": self.packed,
            "lower": self.lower.astype("<f4"),
            "upper": self.upper.astype("<f4"),
            "additional": self.additional.astype("<f4"),
            "component_sum": self.component_sum.astype(f"<u{sum_bytes(self.dimension, self.bits)}"),
        }
        with whole_file(path) as beside, beside.open("wb") as stream:
            np.savez(stream, **arrays)  # pyright: ignore[reportArgumentType]

    @staticmethod
    def load(path: Path | str) -> "BinaryCodes":
        """Reads what `save` wrote; InputError where the file is missing, damaged or something else."""
        check_readable(Path(path))
        try:
            # The archive holds a checksum of every array: none that was damaged comes out of it.
            with (
                warnings.catch_warnings(),
                Path(path).open("rb") as stream,
                np.lib.npyio.NpzFile(stream, allow_pickle=False) as file,
            ):
                warnings.simplefilter("error")  # of headers that Python 2 wrote, which `save` never does
                if "format" not in file:
                    raise InputError(path, "holds no binary codes", "give a file that BinaryCodes.save wrote")
                if str(file["format"]) != FORMAT:
                    raise InputError(path, f"is {str(file['format'])!r}, not {FORMAT!r}", "write it again")
                seeds = file["rotation"]
                return BinaryCodes(
                    packed=_as(np.uint8, file["packed"], 2),
                    lower=_as(np.float32, file["lower"], 1),
                    upper=_as(np.float32, file["upper"], 1),
                    additional=_as(np.float32, file["additional"], 1),
                    component_sum=_as(np.int32, file["component_sum"], 1),
                    centroid=_as(np.float32, file["centroid"], 1),
                    similarity=str(file["similarity"]),  # pyright: ignore[reportArgumentType] -- checked when built
                    bits=int(file["bits"]),
                    rotation=int(seeds[0]) if len(seeds) else None,
                )
        except InputError:
            raise
        except Exception as error:  # numpy evaluates headers, zipfile believes them: what they raise has no fixed type
            raise InputError(path, f"is damaged or holds no binary codes ({error})", "write it again") from error


def bytes_per_vector(dim: int, bits: int) -> int:
    """Bytes that a vector of ``dim`` components takes: bit planes, three float32 and the sum of its codes."""
    return bits * plane_bytes(dim) + 3 * 4 + sum_bytes(dim, bits)


def sum_bytes(dim: int, bits: int) -> int:
    """Bytes that the sum of a vector's codes takes: 2 while the greatest one fits."""
    return 2 if dim * (2**bits - 1) < 2**16 else 4


def check_width(bits: int) -> None:
    """ValueError unless components may have this many bits."""
    if bits not in WIDTHS:
        raise ValueError(f"bits is one of {', '.join(map(str, WIDTHS))}, not {bits}")


def _as(kind, array: ndarray, axes: int) -> ndarray:
    """The array in this machine's byte order; ValueError where it is of another kind or shape."""
    native = array.dtype.newbyteorder("=")
    if array.ndim != axes or not (native == kind or (kind is np.int32 and native in (np.uint16, np.uint32))):
        raise ValueError(f"an array is {array.dtype} with {array.ndim} axes")
    return np.ascontiguousarray(array, kind)


@njit(nogil=True, cache=True)
def squared_length(vector):
    """Sum of squares in float32, in the order of Lucene's dot product: four sums from 33 components on."""
    length = len(vector)
    whole = length - length % 4 if length > 32 else 0
    first, second, third, fourth = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for i in range(0, whole, 4):
        first += vector[i] * vector[i]
        second += vector[i + 1] * vector[i + 1]
        third += vector[i + 2] * vector[i + 2]
        fourth += vector[i + 3] * vector[i + 3]
    total = first + second + third + fourth
    for i in range(whole, length):
        total += vector[i] * vector[i]
    return total
