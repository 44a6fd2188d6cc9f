"""The result of stage 2."""

from dataclasses import dataclass, field

from jaxtyping import Float, Int64
from torch import Tensor

from gsseg.ids import NO_CODE as NO_CODE


@dataclass(frozen=True, eq=False)
class Codes:
    """A coarse and a fine code for every item, and what the codes stand for."""

    coarse: Int64[Tensor, " items"]
    """Coarse code, 0..k1-1, or `NO_CODE`. A single-level codebook has one coarse code, 0."""
    fine: Int64[Tensor, " items"]
    """Fine code counted through all coarse codes, 0..k1*k2-1, or `NO_CODE`; ``fine // k2 == coarse``."""
    coarse_codebook: Float[Tensor, "k1 dim"]
    """Feature of each coarse code."""
    fine_codebook: Float[Tensor, "codes dim"]
    """Feature of each fine code, k1 * k2 of them."""
    losses: dict[str, list[float]] = field(default_factory=dict)
    """Pseudo-feature loss of each level, one value a step; the first is before training, the last after."""

    def features(self) -> Float[Tensor, "items dim"]:
        """The discrete features: the fine code's, so bit-identical inside a code; zero for `NO_CODE` items."""
        return self.fine_codebook[self.fine.clamp(min=0)] * (self.fine >= 0)[:, None]
