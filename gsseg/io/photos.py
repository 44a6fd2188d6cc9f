"""Photos, at the size of the camera and freed of lens distortion."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.lens import sample_points, undistort
from gsseg.io.picture import decode_picture, open_picture, pixels_of
from gsseg.scene import Camera, Lens, View

ASPECT_TOLERANCE = 0.02
"""Relative difference of width / height between a picture and its camera beyond which they are not of one view;
below it lies the rounding of a picture that was scaled down."""


def check_aspect(path: Path, width: int, height: int, camera: Camera) -> None:
    """Raises `InputError` where a picture of that size cannot be of this camera's view."""
    # A picture of few pixels is rounded by up to half of one of them in either direction.
    allowed = ASPECT_TOLERANCE + 0.5 / min(width, camera.width) + 0.5 / min(height, camera.height)
    if abs(width * camera.height / (height * camera.width) - 1) > allowed:
        raise InputError(
            path,
            f"is {width} x {height} pixels, its camera is {camera.width} x {camera.height}: another shape",
            "use pictures of the photos that the cameras were estimated from",
        )


def read_photo(view: View) -> UInt8[ndarray, "height width 3"]:
    """The photo of a view, sRGB, at the camera's size; pixels that a distorted photo never saw are 0.

    Transparent pixels are blended over black. Raises `InputError` where the photo is damaged or of another shape
    than its camera, ValueError where the view has none.
    """
    if view.photo is None:
        raise ValueError(f"view {view.name!r} has no photo")
    with open_picture(view.photo) as picture:
        check_aspect(view.photo, *picture.size, view.camera)
        with pixels_of(view.photo):
            pixels = _to_rgb(decode_picture(view.photo, picture))
    return fit_photo(pixels, view.camera, view.lens)


def read_opacity(view: View) -> UInt8[ndarray, "height width"] | None:
    """How opaque each pixel of a view's photo is, 0 to 255, at the camera's size; None where it has no transparency.

    Raises as `read_photo`.
    """
    if view.photo is None:
        raise ValueError(f"view {view.name!r} has no photo")
    with open_picture(view.photo) as picture:
        if not picture.has_transparency_data:
            return None
        with pixels_of(view.photo):
            alpha = decode_picture(view.photo, picture).convert("RGBA").getchannel("A")
            pixels = Image.merge("RGB", (alpha, alpha, alpha))
    return fit_photo(pixels, view.camera, view.lens)[:, :, 0]


def seen_pixels(view: View) -> Bool[ndarray, "height width"] | None:
    """Which pixels of the view its photo shows; None: all. Undistortion leaves some that no photo ever saw."""
    if view.lens is None:
        return None
    inside = sample_points(view.camera, view.lens)[1]
    return None if inside.all() else inside


def fit_photo(pixels: Image.Image, camera: Camera, lens: Lens | None) -> UInt8[ndarray, "height width 3"]:
    """An RGB picture brought to the camera's size and freed of the lens."""
    if pixels.size != (camera.width, camera.height):
        # Averaging over the area a pixel covers; the undistortion afterwards then moves nothing by much more than one.
        shrinks = pixels.size[0] >= camera.width and pixels.size[1] >= camera.height
        filter_ = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
        pixels = pixels.resize((camera.width, camera.height), filter_)
    array = np.array(pixels, dtype=np.uint8)
    return array if lens is None else undistort(array, camera, lens)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16-bit grey: Pillow would clip it at 255 instead of scaling
        grey = (np.asarray(picture).astype(np.float64) / 257).clip(0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba).convert("RGB")
    return picture.convert("RGB")
