"""What every quantizer offers once it is fitted: codes of vectors, vectors of codes, and what the codes weigh.

How one is fitted is its own: residual k-means by ``fit``, RQ-VAE by `train_rqvae`, binary quantization by a ``fit``
that is told the similarity. However it is called, fitting and ``encode`` take (items, dim) floats, refuse rows that are
not finite with a ValueError naming them, and are functions of their input and a seed.
"""

from typing import Any, Protocol, TypeVar, runtime_checkable

from jaxtyping import Float

Codes = TypeVar("Codes")
"""What a quantizer's codes are: an array of numbers, or a type of its own."""


@runtime_checkable
class Quantizer(Protocol[Codes]):
    """A fitted quantizer; tests/quantize/test_protocol.py holds each to the laws."""

    @property
    def bytes_per_vector(self) -> float:
        """Bytes that the codes of one vector take when they are packed; what all vectors share is left out."""
        ...

    def encode(self, vectors: Any, /) -> Codes:
        """The codes of (items, dim) floats, NumPy or torch."""
        ...

    def decode(self, codes: Codes, /) -> Float[Any, "items dim"]:
        """The float32 vectors that the codes stand for, as many and as wide as those encoded."""
        ...
