"""Stage 1: a 6-D instance feature for every Gaussian, learnt from masks without identity."""

from gsseg.features.evidence import MaskEvidence as MaskEvidence
from gsseg.features.field import FeatureField as FeatureField
