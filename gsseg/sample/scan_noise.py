"""How often masks fail in each of the ways in which Segment Anything fails on scans, and who saw it fail so."""

from dataclasses import dataclass

from gsseg.validation import check_real, check_whole


@dataclass(frozen=True)
class ScanNoise:
    """Rates of the faults of masks that are cut out of the rendered photo (`gsseg.sample.segmenter`).

    Rates are chosen by eye on contact sheets and not fitted to any data set.
    """

    parts: float = 0.35
    """Probability that a part of a thing that fills a hundredth of the picture has a mask of its own on top of the
    whole's; less for smaller parts, more for larger ones. A point prompt is ambiguous, so the model answers with nested
    masks (Kirillov et al. 2023, arXiv 2304.02643); frames are segmented one by one, so their granularity differs
    (arXiv 2511.00785); flattening puts the smallest on top."""
    alike: float = 0.05
    """Difference of colour across a common border (sRGB, 0..1) at which the probability of sharing a mask has fallen to
    1/e."""
    merged: float = 0.8
    """Probability that two touching large even things of equal colour share one mask; a quarter of it where one of them
    is small or patterned. Under-segmented masks are what MaskClustering (arXiv 2401.07745) filters on ScanNet; low
    contrast between things makes Segment Anything fail (arXiv 2412.04243)."""
    edges: float = 0.5
    """Probability that a mask is cut along an edge of light and dark inside it that the photo shows: a shadow, a
    pattern, a reflection. Local structure taken for a border of texture over-segments (arXiv 2412.04243), and the model
    goes by texture rather than by shape (arXiv 2306.07713)."""
    edge_step: float = 0.07
    """Least difference of brightness (0..1) between the two sides of such an edge."""
    islands: float = 0.85
    """Probability that what an occluder cuts off from the rest of a thing has a mask of its own: a mask answers one
    point and is mostly one connected region; local occlusion is among what harms the model (arXiv 2306.07713)."""
    unstable: float = 0.6
    """Probability that a small thing whose border shows no contrast has no mask; a sixth of it for a thing that fills a
    hundredth of the picture. Generators drop masks of low predicted IoU (0.88) and of low stability under a shifted
    threshold (0.95); users see unclear borders come out wrong (facebookresearch/segment-anything issue 305)."""
    missing: float = 0.06
    """Probability that anything else has no mask: large regions without one are reported too (issue 761 there)."""
    covered: float = 0.5
    """Fraction of things without a mask over which the surrounding thing's mask runs on; the rest is in no mask."""
    blurred: float = 0.15
    """Fraction of training views that are blurred by motion, photo and masks: blur harms the model (arXiv 2306.07713,
    2406.09627). Borders are coarse, small things have no mask, edges that blur hides are not followed."""
    blur_pixels: float = 9.0
    """Longest motion during such an exposure, pixels of the photo."""
    unmasked_views: float = 0.06
    """Fraction of training views in which the segmenter gave nothing: they have no file of masks."""
    rim: float = 0.8
    """Mean width of the strip along every border that belongs to no mask, pixels: masks are eroded and differ in size
    from the photo. Drawn anew in each view."""
    wobble: float = 0.8
    """Typical distance by which mask borders stray, pixels."""
    persistence: float = 0.5
    """Probability that a part or a pair meets its usual fate in a view instead of a fresh one: like views bring like
    errors. Edges of the photo persist by themselves."""
    smallest: int = 24
    """Masks of fewer pixels are dropped; six times as many in a blurred view. A prompt grid of 32 x 32 points has one
    for every 75 pixels of a 320 x 240 picture."""

    def __post_init__(self) -> None:
        """ValueError for a value that makes no sense."""
        check_real(
            self, "parts", "merged", "edges", "edge_step", "islands", "unstable", "missing", "covered", "blurred",
            "unmasked_views", "persistence", least=0, most=1,
        )  # fmt: skip
        check_real(self, "alike", above=0)
        check_real(self, "blur_pixels", "rim", "wobble", least=0)
        check_whole(self, "smallest", least=1)
