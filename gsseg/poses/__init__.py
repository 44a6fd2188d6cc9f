"""From photos or a video alone to a SCENE folder with cameras and sparse points: structure from motion, by COLMAP."""

# Both bring a zlib, and pycolmap's names shadow those that Pillow would find later: it must have found its own before,
# or saving a PNG frees memory twice.
import PIL.Image as _  # noqa: F401
