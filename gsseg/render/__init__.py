"""Blending weights W, and who computes them."""

from gsseg.render.renderers import Renderer as Renderer
from gsseg.render.renderers import blend_weights as blend_weights
from gsseg.render.renderers import render_map as render_map
from gsseg.render.weights import BlendWeights as BlendWeights
from gsseg.scene import RenderConfig as RenderConfig
