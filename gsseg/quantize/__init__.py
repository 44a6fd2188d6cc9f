"""Vectors in fewer bytes: residual k-means, RQ-VAE and binary quantization of (items, dim) arrays.

    codes = gsseg.quantize.ResidualKMeans(levels=3, codebook_size=64, seed=0).fit(x).encode(x)

Names are imported when they are first used: residual k-means and `BinaryCodes` need no torch.
"""

from typing import TYPE_CHECKING

from gsseg.lazy_names import lazy_names

if TYPE_CHECKING:
    from gsseg.quantize.binary.codes import BinaryCodes as BinaryCodes
    from gsseg.quantize.binary.quantizer import BinaryQuantizer as BinaryQuantizer
    from gsseg.quantize.protocol import Quantizer as Quantizer
    from gsseg.quantize.residual.quantizer import ResidualKMeans as ResidualKMeans
    from gsseg.quantize.rqvae.model import RQVAE as RQVAE
    from gsseg.quantize.rqvae.model import RQVAEConfig as RQVAEConfig

__getattr__, __dir__ = lazy_names(__name__)
