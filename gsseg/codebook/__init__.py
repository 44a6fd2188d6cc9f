"""Stage 2: continuous features become codes that all Gaussians of a part share, bit for bit."""

from gsseg.codebook.codes import Codes as Codes
