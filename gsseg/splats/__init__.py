"""Stage 0: photos and poses to splats."""

from gsseg.splats.config import SplatConfig as SplatConfig
from gsseg.splats.loop import SplatTrainer as SplatTrainer
