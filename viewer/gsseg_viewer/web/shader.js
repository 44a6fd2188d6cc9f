// viser's splat shader does two things otherwise than the rasterizers that splats were trained with.
// It asks for medium precision: where the driver takes that at its word, as Mesa's software drawing does and phones
// may, numbers end at 65504, which focal length times distance soon passes, and of a scene hundreds of units wide
// nothing was drawn but its middle. And it leaves out Gaussians narrower than about half a pixel, so that a scene of
// many small ones falls apart when it is seen from afar; widened by 0.3 square pixels, as trained, they fill it.
{
  const source = WebGL2RenderingContext.prototype.shaderSource;
  WebGL2RenderingContext.prototype.shaderSource = function (shader, text) {
    const exact = text.replaceAll("precision mediump float", "precision highp float");
    return source.call(this, shader, exact.replace("weightedDeterminant < 0.25", "weightedDeterminant <= 0.0"));
  };
}
