"""Vectors in fewer bytes: residual k-means, RQ-VAE and binary quantization of (items, dim) arrays.

    codes = gsseg.quantize.ResidualKMeans(levels=3, codebook_size=64, seed=0).fit(x).encode(x)

Names are imported when they are first used: residual k-means and `BinaryCodes` need no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gsseg.quantize.binary.codes import BinaryCodes as BinaryCodes
    from gsseg.quantize.binary.quantizer import BinaryQuantizer as BinaryQuantizer
    from gsseg.quantize.residual.quantizer import ResidualKMeans as ResidualKMeans
    from gsseg.quantize.rqvae.model import RQVAE as RQVAE
    from gsseg.quantize.rqvae.model import RQVAEConfig as RQVAEConfig

_HOMES = {
    "BinaryCodes": "binary.codes",
    "BinaryQuantizer": "binary.quantizer",
    "RQVAE": "rqvae.model",
    "RQVAEConfig": "rqvae.model",
    "ResidualKMeans": "residual.quantizer",
}
"""Where each public name lives, below gsseg.quantize; the same as above, which is for type checkers."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gsseg.quantize' has no attribute {name!r}")
    value = getattr(import_module(f"gsseg.quantize.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
