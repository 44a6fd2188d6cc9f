"""The inner settings of training as options ``--config.STAGE.VALUE``."""

from dataclasses import dataclass, field, fields, replace
from typing import Literal

from gsseg.codebook.levels import CodebookConfig
from gsseg.config import TrainConfig
from gsseg.features.fit import FeatureConfig
from gsseg.features.opengaussian import OpenGaussianConfig
from gsseg.objects.build import ObjectConfig
from gsseg.scene import RenderConfig


@dataclass(frozen=True)
class Advanced:
    """What `TrainConfig` holds besides the values that have short options of their own."""

    objective: Literal["masks", "pixels"] = "masks"
    """What features are learnt from: masks pooled over their pixels, or rendered pixels (OpenGaussian's objective)."""
    features: FeatureConfig = field(default_factory=FeatureConfig)
    """Stage 1, features from masks."""
    opengaussian: OpenGaussianConfig = field(default_factory=OpenGaussianConfig)
    """Stage 1, features from rendered pixels."""
    codebook: CodebookConfig = field(default_factory=CodebookConfig)
    """Stage 2, codes."""
    objects: ObjectConfig = field(default_factory=ObjectConfig)
    """Stage 3, codes to objects."""
    render: RenderConfig = field(default_factory=RenderConfig)
    """Constants of the rasterizer that the splats were trained with."""

    @classmethod
    def of(cls, config: TrainConfig) -> "Advanced":
        """The inner settings of a configuration."""
        return cls(**{each.name: getattr(config, each.name) for each in fields(cls) if each.name != "render"})

    def onto(self, config: TrainConfig) -> TrainConfig:
        """The configuration with these inner settings."""
        return replace(
            config, **{each.name: getattr(self, each.name) for each in fields(self) if each.name != "render"}
        )
