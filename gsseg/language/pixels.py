"""From a picture to the numbers that a CLIP model looks at: resized, cropped in the middle, normalised.

transformers' image processor on Pillow does it, which needs no torchvision. ``preprocessor_config.json`` says how;
where it is silent, pictures are made as large as the model looks at them and normalised as OpenAI did.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError
from gsseg.files.json_file import read_json_object

FILE_NAME = "preprocessor_config.json"

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
"""Of the pictures that CLIP was trained on, RGB in 0..1."""

LARGEST = 4096
"""Pixels that a file may ask pictures to be resized to: a damaged number must not fill the memory."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """How pictures are prepared."""

    processor: Any
    """transformers' ``CLIPImageProcessorPil``."""

    @staticmethod
    def read(kind: Any, folder: Path, side: int) -> "Pixels":
        """What the folder's file says for a model that looks at squares of this ``side``.

        ``kind``: transformers' ``CLIPImageProcessorPil``, given so that only who has a model imports transformers.
        Raises `InputError` where the file is damaged or prepares pictures that the model cannot look at.
        """
        path, whole = folder / FILE_NAME, {"height": side, "width": side}
        settings: dict[str, Any] = {"size": {"shortest_edge": side}, "crop_size": whole}
        try:
            if path.exists():
                settings = {**settings, **read_json_object(path, "copy it again")}
            pixels = Pixels(kind.from_dict(settings))
            _check_size(pixels.processor)
            shape, finite = _tried(pixels)
            if shape != (3, side, side):
                made = " x ".join(map(str, shape[1:]))
                raise ValueError(f"the model looks at {side} x {side} pixels, and pictures become {made}")
            if not finite:
                raise ValueError("pictures become numbers that are not finite")
        except InputError:
            raise
        except Exception as error:  # whatever transformers raises on odd settings: it is of no fixed type
            problem = f"does not say how pictures are prepared ({type(error).__name__}: {error})"
            raise InputError(path, problem, "copy it again") from error
        return pixels

    def __call__(self, picture: Image.Image) -> Float32[ndarray, "3 side side"]:
        """One picture of any size and mode."""
        return np.ascontiguousarray(self._prepared(picture), np.float32)

    def _prepared(self, picture: Image.Image) -> ndarray:
        return self.processor(picture.convert("RGB"), return_tensors="np")["pixel_values"][0]


def _check_size(processor: Any) -> None:
    settings = processor.to_dict()
    for name in ("size", "crop_size"):
        for value in (settings[name] or {}).values():
            if not 0 < value <= LARGEST:
                raise ValueError(f"{name} is {value}, must be 1 to {LARGEST}")


def _tried(pixels: Pixels) -> tuple[tuple[int, ...], bool]:
    """Shape of a prepared picture, which is no square, and whether its numbers are finite."""
    with np.errstate(all="ignore"):
        made = np.asarray(pixels._prepared(Image.new("RGB", (48, 36), (200, 100, 50))), np.float64)
    return made.shape, bool(np.isfinite(made).all())
