"""Everything that decides the result of training, in one frozen value that a run folder can be read back from."""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from gsseg.codebook.levels import CodebookConfig
from gsseg.features.fit import FeatureConfig
from gsseg.features.opengaussian import OpenGaussianConfig
from gsseg.objects.build import ObjectConfig
from gsseg.validation import LARGEST_SEED, check_choice, check_whole

Objective = Literal["masks", "pixels"]
Preset = Literal["default", "lerf", "scannet", "opengaussian"]


@dataclass(frozen=True)
class TrainConfig:
    """How `gsseg.train` turns splats and masks into objects."""

    objective: Objective = "masks"
    """What features are learnt from: masks = what the masks say of each Gaussian; pixels = rendered pixels, the
    published objective of OpenGaussian."""
    features: FeatureConfig = field(default_factory=FeatureConfig)
    """Stage 1, features, under the objective masks."""
    opengaussian: OpenGaussianConfig = field(default_factory=OpenGaussianConfig)
    """Stage 1, features, under the objective pixels."""
    codebook: CodebookConfig = field(default_factory=CodebookConfig)
    """Stage 2, codes."""
    objects: ObjectConfig = field(default_factory=ObjectConfig)
    """Stage 3, codes to objects."""
    pixels_per_view: int = 8192
    """Pixels of each view that the codebook's loss looks at, spread over its masks; 0 = all."""
    memory_budget_mb: int = 1024
    """Blending weights kept in memory, MiB; the rest is read from RUN/cache again and again. Changes no result."""
    seed: int = 0
    """Decides every random choice: two runs with one seed on one machine give the same objects."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense; the parts check their own."""
        check_choice(self, "objective", get_args(Objective))
        check_whole(self, "pixels_per_view", "memory_budget_mb", least=0)
        check_whole(self, "seed", least=0, most=LARGEST_SEED)


def preset(name: Preset) -> TrainConfig:
    """The named starting point; options on the command line change single values of it.

    ``scannet`` (64 x 5 codes) and ``lerf`` (64 x 10) set the codebook sizes of the OpenGaussian paper and nothing else:
    fewer codes store features more coarsely, and objects are the same. ``opengaussian`` has the paper's objective too,
    and its objects are made of codes.
    """
    base = TrainConfig()
    if name == "scannet":
        return replace(base, codebook=replace(base.codebook, coarse=64, fine=5))
    if name == "lerf":
        return replace(base, codebook=replace(base.codebook, coarse=64, fine=10))
    if name == "opengaussian":
        book, objects = replace(base.codebook, coarse=64, fine=10), replace(base.objects, start="codes")
        return replace(base, objective="pixels", codebook=book, objects=objects)
    return base
