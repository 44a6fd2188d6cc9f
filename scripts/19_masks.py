"""What making masks costs: a model of sam2.1-hiera-tiny's shape with random weights, on one photo.

    python scripts/19_masks.py OUT PHOTO [--grid 16]

Random weights cost what trained ones cost and say nothing of quality: every proposal is kept for the steps after the
model, which makes them dearer than they ever are. Prints seconds of processor time of the model and of everything
around it, the peak of memory, and the time to tell 200 masks of a megapixel apart. The model is kept in OUT.
"""

import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from PIL import Image

from gsseg.masks.automatic import grid_points
from gsseg.masks.bits import pack_masks, shared_pixels
from gsseg.masks.segmenter import Segmenter
from gsseg.masks.select import each_once, flatten, full_size


@dataclass(frozen=True)
class Arguments:
    """What to measure."""

    out: Annotated[Path, tyro.conf.Positional]
    """Folder for the model."""
    photo: Annotated[Path, tyro.conf.Positional]
    """A picture."""
    grid: int = 16
    """Points a side."""


def opened(out: Path) -> Segmenter:
    """The model, made first where it is not there."""
    if not (out / "config.json").exists():
        from transformers import Sam2Config, Sam2Model

        torch.manual_seed(0)
        Sam2Model(Sam2Config()).save_pretrained(out)
    return Segmenter.open(out)


def blobs(count: int, side: int) -> np.ndarray:
    """Random boxes, a tenth to a half of the picture wide."""
    rng = np.random.default_rng(0)
    masks = np.zeros((count, side, side), bool)
    for mask in masks:
        top, left = rng.integers(0, side // 2, 2)
        height, width = rng.integers(side // 10, side // 2, 2)
        mask[top : top + height, left : left + width] = True
    return masks


def main() -> None:
    """Prints the figures."""
    arguments = tyro.cli(Arguments, description=__doc__)
    segmenter = opened(arguments.out)
    photo = Image.open(arguments.photo).convert("RGB")
    clock = time.process_time
    started = clock()
    look = segmenter.look(photo)
    encoder = clock() - started
    said = look.propose(grid_points(arguments.grid, *photo.size))
    decoder = clock() - started - encoder
    started = clock()
    # Random logits are noise about 0; a trained model's masks are a few smooth areas, and about this many are sure.
    logits = said.logits[: 80 // 3].flatten(0, 1)
    kept = each_once(logits, np.ones(len(logits), np.float32), 0.7)
    flatten(full_size(logits[kept], photo.height, photo.width), 100)
    around = clock() - started
    words = pack_masks(blobs(200, 1024))
    shared_pixels(words[:2])
    started = time.perf_counter()
    shared_pixels(words)
    apart = time.perf_counter() - started
    print(f"{segmenter.network.dtype}, {photo.width} x {photo.height}, {arguments.grid} x {arguments.grid} points")
    print(f"encoder {encoder:.1f} s, decoder {decoder:.1f} s, around the model {around:.2f} s of processor time")
    print(f"share around the model {around / (encoder + decoder + around):.1%}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    print(f"200 masks of a megapixel told apart in {apart:.2f} s")


if __name__ == "__main__":
    main()
