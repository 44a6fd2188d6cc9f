"""Everything that decides the result of training, in one frozen value that a run folder can be read back from."""

from dataclasses import dataclass, field, replace
from typing import Literal

from gsseg.codebook.levels import CodebookConfig
from gsseg.features.fit import FeatureConfig
from gsseg.features.opengaussian import OpenGaussianConfig
from gsseg.objects.build import ObjectConfig

Preset = Literal["default", "lerf", "scannet", "opengaussian"]


@dataclass(frozen=True)
class TrainConfig:
    """How `gsseg.train` turns splats and masks into objects."""

    objective: Literal["masks", "pixels"] = "masks"
    """What features are learnt from: ``masks`` = what the masks say of each Gaussian; ``pixels`` = the published
    OpenGaussian objective on rendered pixels."""
    features: FeatureConfig = field(default_factory=FeatureConfig)
    """Stage 1 under ``masks``."""
    opengaussian: OpenGaussianConfig = field(default_factory=OpenGaussianConfig)
    """Stage 1 under ``pixels``."""
    codebook: CodebookConfig = field(default_factory=CodebookConfig)
    """Stage 2."""
    objects: ObjectConfig = field(default_factory=ObjectConfig)
    """Codes to objects."""
    pixels_per_view: int = 8192
    """Pixels of each view that the pseudo-feature loss looks at, spread over its masks; 0 = all."""
    memory_budget_mb: int = 1024
    """Blending weights kept in memory; what goes beyond is read from RUN/cache again and again."""
    seed: int = 0
    """Of every random choice: two runs with one seed on one machine give the same objects."""


def preset(name: Preset) -> TrainConfig:
    """The named starting point; options on the command line change single values of it.

    ``scannet`` and ``lerf`` have the codebook sizes of the OpenGaussian paper, ``opengaussian`` its objective too.
    """
    base = TrainConfig()
    if name == "scannet":
        return replace(base, codebook=replace(base.codebook, coarse=64, fine=5))
    if name == "lerf":
        return replace(base, codebook=replace(base.codebook, coarse=64, fine=10))
    if name == "opengaussian":
        return replace(base, objective="pixels", codebook=replace(base.codebook, coarse=64, fine=10))
    return base
