"""RQ-VAE: an encoder, a residual quantizer of its latents, and a decoder, learnt together (Lee et al. 2022; Zeghidour
et al. 2021). RQ-KMeans+ is the variant that starts as the residual k-means it is given and learns from there.

x -> z = encoder(x) -> codes k_1 .. k_L -> x_q = sum of their words -> x_hat = decoder(x_q). Encoder and decoder are
multilayer perceptrons (linear maps with ReLU between), the decoder's hidden widths in reverse order. A "residual" one
computes v + MLP(v) and starts with a last layer of zeros: as the identity.

Items are expected at about unit variance an entry: the learning rate and beta do not follow their unit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64, Integer
from numpy import ndarray
from torch import Tensor, nn

from gsseg.quantize.residual.statistics import checked_codes, code_bytes
from gsseg.quantize.rows import finite_rows
from gsseg.quantize.rqvae.vector_quantizer import Gradient, ResidualQuantizer, VectorQuantizer

Network: TypeAlias = Literal["mlp", "residual"]

ENCODE_ROWS = 65536
"""Items encoded at a time: bounds the memory of a million items to some 100 MB."""


@dataclass(frozen=True)
class RQVAEConfig:
    """What an `RQVAE` is made of; all of it stands in its checkpoints. Raises ValueError where parts do not fit."""

    input_dim: int
    """Width of an item."""
    latent_dim: int
    """Width of a latent and of a code word; equal to ``input_dim`` where encoder or decoder is residual."""
    hidden: Sequence[int] = (128, 64)
    """Widths between items and latents, the encoder's order."""
    levels: int = 3
    """Codes an item has."""
    codebook_size: int = 16
    """Words a level has."""
    beta: float = 0.25
    """Weight of the commitment loss, >= 0."""
    encoder: Network = "mlp"
    """"residual": z = x + MLP(x)."""
    decoder: Network = "mlp"
    """"residual": x_hat = x_q + MLP(x_q), so training starts at the error of the codebooks themselves."""
    gradient: Gradient = "joint"
    """How gradients pass the quantizer, see `ResidualQuantizer`; "per_level" is the published one."""
    sinkhorn_epsilons: Sequence[float | None] | None = None
    """For each level the epsilon of balanced codes in training, None = nearest words; None = that at every level."""
    sinkhorn_iterations: int = 50
    """Rounds of `sinkhorn`."""

    def __post_init__(self) -> None:
        # A list would differ from the tuple that a checkpoint gives back, and a training would not be resumed.
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if self.sinkhorn_epsilons is not None:
            object.__setattr__(self, "sinkhorn_epsilons", tuple(self.sinkhorn_epsilons))
        sizes = {"input_dim": self.input_dim, "latent_dim": self.latent_dim, "levels": self.levels}
        sizes |= {"codebook_size": self.codebook_size, **{f"hidden[{i}]": w for i, w in enumerate(self.hidden)}}
        small = [f"{name} = {value}" for name, value in sizes.items() if value < 1]
        if small:
            raise ValueError(f"RQVAEConfig: sizes must be at least 1: {', '.join(small)}")
        if not 0 <= self.beta < math.inf:
            raise ValueError(f"RQVAEConfig: beta must be at least 0 and finite, is {self.beta}")
        if self.sinkhorn_iterations < 0:
            raise ValueError(f"RQVAEConfig: sinkhorn_iterations must not be negative, is {self.sinkhorn_iterations}")
        for part in ("encoder", "decoder"):
            if getattr(self, part) not in ("mlp", "residual"):
                raise ValueError(f"RQVAEConfig: {part} is 'mlp' or 'residual', not {getattr(self, part)!r}")
        if self.gradient not in ("joint", "per_level"):
            raise ValueError(f"RQVAEConfig: gradient is 'joint' or 'per_level', not {self.gradient!r}")
        if self.latent_dim != self.input_dim and "residual" in (self.encoder, self.decoder):
            raise ValueError(
                f"RQVAEConfig: a residual encoder or decoder adds items and latents, so latent_dim must equal "
                f"input_dim: {self.latent_dim} is not {self.input_dim}"
            )
        epsilons = self.sinkhorn_epsilons
        if epsilons is not None and len(epsilons) != self.levels:
            raise ValueError(f"RQVAEConfig: {len(epsilons)} sinkhorn_epsilons for {self.levels} levels")
        if any(epsilon is not None and not 0 < epsilon < math.inf for epsilon in epsilons or ()):
            raise ValueError(f"RQVAEConfig: sinkhorn_epsilons must be positive or None, and finite, are {epsilons}")

    @classmethod
    def plus(cls, input_dim: int, **options: Any) -> "RQVAEConfig":
        """RQ-KMeans+ with both improvements: residual encoder and decoder, joint gradient.

        The published RQ-KMeans+ is ``plus(input_dim, decoder="mlp", gradient="per_level")``.
        """
        return cls(**{"input_dim": input_dim, "latent_dim": input_dim, "encoder": "residual", "decoder": "residual"}
                   | options)  # fmt: skip


class RQVAE(nn.Module):
    """Items to codes and back. Weights start at random, drawn from ``seed`` alone.

    ``started`` says whether the codebooks came from data (k-means or a file); training starts them where not.
    """

    started: Tensor

    def __init__(self, config: RQVAEConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        generator = torch.Generator().manual_seed(seed)
        widths = (config.input_dim, *config.hidden, config.latent_dim)
        self.encoder = _perceptron(widths, config.encoder == "residual", generator)
        self.decoder = _perceptron(widths[::-1], config.decoder == "residual", generator)
        epsilons = config.sinkhorn_epsilons or (None,) * config.levels
        layers = [
            VectorQuantizer(config.codebook_size, config.latent_dim, generator, config.beta, epsilon,
                            config.sinkhorn_iterations)
            for epsilon in epsilons
        ]  # fmt: skip
        self.quantizer = ResidualQuantizer(layers, config.gradient)
        self.register_buffer("started", torch.zeros((), dtype=torch.uint8))

    def forward(
        self, items: Float[Tensor, "items input_dim"]
    ) -> tuple[Float[Tensor, "items input_dim"], Float[Tensor, ""], Int64[Tensor, "levels items"]]:
        """(x_hat, quantization loss, codes); in training mode with Sinkhorn where the config says so."""
        quantized, loss, codes = self.quantizer(self.latents(items))
        return self.reconstruct(quantized), loss, codes

    def latents(self, items: Float[Tensor, "items input_dim"]) -> Float[Tensor, "items latent_dim"]:
        """z: what the quantizer is given."""
        encoded = self.encoder(items)
        return items + encoded if self.config.encoder == "residual" else encoded

    def reconstruct(self, quantized: Float[Tensor, "items latent_dim"]) -> Float[Tensor, "items input_dim"]:
        """x_hat of a sum of words."""
        decoded = self.decoder(quantized)
        return quantized + decoded if self.config.decoder == "residual" else decoded

    @property
    def bytes_per_vector(self) -> float:
        """Bytes that the codes of one item take, packed."""
        return code_bytes(self.config.levels, self.config.codebook_size)

    @torch.no_grad()
    def encode(
        self, items: Float[Tensor, "items input_dim"] | Float[ndarray, "items input_dim"]
    ) -> Int64[Tensor, "levels items"]:
        """Nearest codes level by level, never Sinkhorn's: an item's codes do not depend on the others.

        Raises ValueError where the width is not ``input_dim`` or an item is not finite.
        """
        rows = self.checked(items)
        codes = [self.quantizer.encode(self.latents(part)) for part in rows.split(ENCODE_ROWS)]
        return torch.cat(codes, dim=1)

    @torch.no_grad()
    def decode(
        self, codes: Integer[Tensor, "levels items"] | Integer[ndarray, "levels items"]
    ) -> Float32[Tensor, "items input_dim"]:
        """x_hat of codes. Raises ValueError unless there are ``levels`` rows of numbers in [0, codebook_size)."""
        levels, size = self.config.levels, self.config.codebook_size
        checked = checked_codes(codes.cpu() if isinstance(codes, Tensor) else codes, [size] * levels)
        if len(checked) < levels:
            raise ValueError(f"codes have {len(checked)} levels, the model {levels}")
        rows = torch.from_numpy(checked.astype(np.int64)).to(self.started.device)
        return torch.cat([self.reconstruct(self.quantizer.decode(part)) for part in rows.split(ENCODE_ROWS, dim=1)])

    @torch.no_grad()
    def start_codebooks_(
        self, items: Float[Tensor, "items input_dim"] | Float[ndarray, "items input_dim"], seed: int
    ) -> None:
        """Starts the codebooks with balanced residual k-means on the latents of a first batch.

        Raises ValueError as `encode` does, and where there are fewer items than codes.
        """
        self.quantizer.start_codebooks_(self.latents(self.checked(items)), seed)
        self.started.fill_(1)

    def checked(
        self, items: Float[Tensor, "items input_dim"] | Float[ndarray, "items input_dim"]
    ) -> Float32[Tensor, "items input_dim"]:
        """The items in float32 on the model's device.

        Raises ValueError where there is none, one is not finite or beyond float32, or of another width.
        """
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(finite_rows(items, "items", self.config.input_dim), np.float32)
        if not np.isfinite(rows).all():
            raise ValueError("items have values beyond float32")
        return torch.from_numpy(rows).to(self.started.device)


def _perceptron(widths: tuple[int, ...], zero_last: bool, generator: torch.Generator) -> nn.Sequential:
    """Linear maps with ReLU between, Xavier-normal weights (Glorot and Bengio 2010) and zero biases."""
    layers: list[nn.Module] = []
    for narrow, wide in pairwise(widths):
        # Made without torch's own initialisation: that would draw from the global generator.
        linear = nn.Linear(narrow, wide, device="meta").to_empty(device="cpu")
        nn.init.xavier_normal_(linear.weight, generator=generator)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    last = layers[-2]
    assert isinstance(last, nn.Linear)
    if zero_last:
        nn.init.zeros_(last.weight)
    return nn.Sequential(*layers[:-1])
