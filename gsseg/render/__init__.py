"""Blending weights W, and who computes them."""

from gsseg.render.config import RenderConfig as RenderConfig
from gsseg.render.door import Renderer as Renderer
from gsseg.render.door import blend_weights as blend_weights
from gsseg.render.door import render_map as render_map
from gsseg.render.weights import BlendWeights as BlendWeights
