"""Blending weights W, and who computes them."""

from gsseg.render.config import RenderConfig as RenderConfig
from gsseg.render.weights import BlendWeights as BlendWeights
