"""RQ-KMeans+ begins where residual k-means ended: with the codebooks that `ResidualKMeans` wrote."""

from pathlib import Path

import torch

from gsseg.errors import InputError
from gsseg.quantize.residual.codebook_file import read_codebooks
from gsseg.quantize.rqvae.model import RQVAE, RQVAEConfig


def warm_started(config: RQVAEConfig, path: Path | str, seed: int = 0) -> RQVAE:
    """An `RQVAE` with the codebooks of the npz file at ``path``, keys codebook_0, codebook_1, ...

    With a residual encoder its codes are, until training moves it, the nearest codes of those codebooks; with a
    residual decoder too, so is its reconstruction. Raises `InputError`, naming the file and the key at fault, where
    the file cannot be read, or has another number of levels, codes or columns than ``config``.
    """
    model = RQVAE(config, seed)
    codebooks = read_codebooks(path)
    remedy = "fit ResidualKMeans with the levels, codebook size and width of the model"
    if len(codebooks) < config.levels:
        raise InputError(path, f"codebook_{len(codebooks)} is missing for a model of {config.levels} levels", remedy)
    if len(codebooks) > config.levels:
        raise InputError(path, f"codebook_{config.levels} is too many for a model of {config.levels} levels", remedy)
    shape = (config.codebook_size, config.latent_dim)
    with torch.no_grad():
        for number, (level, codebook) in enumerate(zip(model.quantizer.levels, codebooks, strict=True)):
            if codebook.shape != shape:
                raise InputError(path, f"codebook_{number} is of shape {codebook.shape}, not {shape}", remedy)
            level.codebook.copy_(torch.from_numpy(codebook))
        model.started.fill_(1)
    return model
