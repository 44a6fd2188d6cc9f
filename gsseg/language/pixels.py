"""From a picture to the numbers that a CLIP model looks at: resized, cropped in the middle, normalised.

What Hugging Face's image processor for CLIP does, with Pillow and NumPy alone: ``preprocessor_config.json`` says how,
and where it is silent OpenAI's values stand.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError

FILE_NAME = "preprocessor_config.json"

OPENAI_MEAN, OPENAI_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of the pictures that CLIP was trained on, RGB in 0..1."""


@dataclass(frozen=True)
class Pixels:
    """How pictures are prepared."""

    side: int
    """Pixels of a side of what the model looks at, which is square."""
    shortest: int | None
    """The shorter edge is resized to this, the longer one in proportion; None: `stretched`."""
    stretched: tuple[int, int] | None = None
    """Height and width that pictures are resized to, whatever their shape; None: they keep their size."""
    resample: int = Image.Resampling.BICUBIC
    """Pillow's filter."""
    scale: float = 1 / 255
    """Factor on bytes."""
    mean: tuple[float, ...] = OPENAI_MEAN
    """Subtracted from each channel after scaling."""
    std: tuple[float, ...] = OPENAI_STD
    """Each channel is divided by it."""

    @staticmethod
    def read(folder: Path, side: int) -> "Pixels":
        """What the folder's file says for a model of this ``side``; OpenAI's values where there is no file.

        Raises `InputError` where it is damaged or prepares pictures that the model cannot look at.
        """
        path = folder / FILE_NAME
        if not path.exists():
            return Pixels(side, side)
        try:
            settings = json.loads(path.read_text(encoding="utf-8"))
            found = _parsed(settings, side)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(path, f"does not say how pictures are prepared ({error})", "copy it again") from error
        return found

    def __call__(self, picture: Image.Image) -> Float32[ndarray, "3 side side"]:
        """One picture of any size and mode."""
        picture = picture.convert("RGB")
        width, height = picture.size
        if self.shortest is not None:
            longest = int(self.shortest * max(width, height) / min(width, height))
            size = (self.shortest, longest) if width <= height else (longest, self.shortest)
            picture = picture.resize(size, Image.Resampling(self.resample))
        elif self.stretched is not None:
            picture = picture.resize((self.stretched[1], self.stretched[0]), Image.Resampling(self.resample))
        numbers = _middle(np.asarray(picture), self.side).astype(np.float32) * np.float32(self.scale)
        numbers = (numbers - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(numbers.transpose(2, 0, 1))


def _parsed(settings: dict[str, Any], side: int) -> Pixels:
    size, crop = _sides(settings.get("size", side)), _sides(settings.get("crop_size", side))
    shortest = size.get("shortest_edge")
    stretched = None if shortest is not None else (int(size["height"]), int(size["width"]))
    if not settings.get("do_resize", True):
        shortest = stretched = None
    cropped = (crop["height"], crop["width"]) if "height" in crop else (crop["shortest_edge"],) * 2
    whole = stretched == (side, side)
    if not whole and (cropped != (side, side) or not settings.get("do_center_crop", True)):
        raise ValueError(f"the model looks at {side} x {side} pixels, and it crops to {cropped[0]} x {cropped[1]}")
    mean, std = settings.get("image_mean", OPENAI_MEAN), settings.get("image_std", OPENAI_STD)
    if not settings.get("do_normalize", True):
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if len(mean) != 3 or len(std) != 3 or not all(0 < float(value) < float("inf") for value in std):
        raise ValueError(f"image_mean {mean} and image_std {std} are not three numbers each")
    scale = float(settings.get("rescale_factor", 1 / 255)) if settings.get("do_rescale", True) else 1.0
    resample = Image.Resampling(settings.get("resample", Image.Resampling.BICUBIC))
    return Pixels(side, shortest, stretched, int(resample), scale, tuple(map(float, mean)), tuple(map(float, std)))


def _sides(value: Any) -> dict[str, int]:
    """Older files give a number in place of named sides."""
    return {"shortest_edge": value} if isinstance(value, int) else {name: int(length) for name, length in value.items()}


def _middle(picture: ndarray, side: int) -> ndarray:
    """The square in the middle; black where the picture ends before it."""
    height, width = picture.shape[:2]
    if min(height, width) < side:
        up, left = (-(min(0, length - side) // 2) for length in (height, width))
        out = np.zeros((max(height, side), max(width, side), 3), np.uint8)
        out[up : up + height, left : left + width] = picture
        picture, (height, width) = out, out.shape[:2]
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]
