"""The constants of the rasterizer: gsplat 1.5.3's, so that CPU and CUDA draw the same picture.

What differs from one splat file to the next is in `gsseg.scene.RenderConfig`, which the Gaussians carry. All of both
decide W, so all of both are part of the key of its cache.
"""

ALPHA_THRESHOLD = 1.0 / 255.0
"""A contribution below one step of an 8-bit image is not drawn (gsplat, Inria)."""

ALPHA_MAX = 0.999
"""Keeps 1 - alpha away from 0, because the backward pass of a rasterizer divides by it (gsplat)."""

TRANSMITTANCE_THRESHOLD = 1e-4
"""A pixel is finished when less of its light than this would be left (gsplat, Inria)."""

FRUSTUM_MARGIN = 0.3
"""The projection's Jacobian is held constant beyond 1.3 half-widths of the image: farther out the affine
approximation of the projection (Zwicker et al. 2002) grows without bound."""
