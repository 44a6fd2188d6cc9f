"""viser's pages with its splat shader mended."""

_MENDED_SHADER = b"""<script>{
const source = WebGL2RenderingContext.prototype.shaderSource;
WebGL2RenderingContext.prototype.shaderSource = function (shader, text) {
  const exact = text.replaceAll("precision mediump float", "precision highp float");
  return source.call(this, shader, exact.replace("weightedDeterminant < 0.25", "weightedDeterminant <= 0.0"));
};
}</script>"""
"""What viser's splat shader does otherwise than the rasterizers that splats were trained with.

It asks for medium precision. Where the driver takes that at its word, as Mesa's software drawing does and phones may,
numbers end at 65504, which focal length times distance soon passes: of a scene hundreds of units wide nothing was
drawn but its middle. And it leaves out Gaussians narrower than about half a pixel, so that a scene of many small ones
falls apart when it is seen from afar; widened by 0.3 square pixels, as trained, they fill it."""


def mended_page(page: bytes) -> bytes:
    """viser's html page, or one that it made to be kept, with its splat shader mended. ValueError for other pages."""
    before, head, after = page.partition(b"<head>")
    if not head:
        raise ValueError("no page of viser: it has no <head>")
    return before + head + _MENDED_SHADER + after
