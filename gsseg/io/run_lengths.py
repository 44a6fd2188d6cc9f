"""COCO's run lengths as text: how its annotation files write a mask on one line.

A number is digits of 5 bits, the lowest first, as letters from '0' on; the sixth bit says that more follow, the fifth
of the last one is the sign. From the fourth number on, the difference to the one before the last is written. Runs are
of none and of the mask in turns, from none, down the columns. Source: cocodataset.org, "Data format"; the text is that
of its ``maskApi``.
"""

import numpy as np
from jaxtyping import Bool
from numpy import ndarray


def runs_from_text(text: str) -> list[int]:
    """The run lengths that a text says, in pixels.

    ValueError where the text ends in the middle of a number or has another character.
    """
    lengths: list[int] = []
    value, shift = 0, 0
    for letter in text:
        digit = ord(letter) - 48
        if not 0 <= digit < 64 or shift > 60:
            raise ValueError(f"{letter!r} is no digit of run lengths")
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value, shift = 0, 0
    if shift:
        raise ValueError("its run lengths end in the middle of a number")
    return lengths


def text_of_runs(lengths: list[int]) -> str:
    """The text that says these run lengths."""
    letters: list[str] = []
    for place, length in enumerate(lengths):
        value = length - (lengths[place - 2] if place > 2 else 0)
        while True:
            digit, value = value & 31, value >> 5
            # Done where what is left is only the sign, and the digit's highest bit says the same sign.
            last = value == (-1 if digit & 16 else 0)
            letters.append(chr(48 + digit + (0 if last else 32)))
            if last:
                break
    return "".join(letters)


def runs_of_mask(mask: Bool[ndarray, "height width"]) -> list[int]:
    """Lengths of its runs down the columns, that of none first; 0 where the first pixel is of the mask."""
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *edges.tolist(), len(flat)]).tolist()
    return [0, *lengths] if len(flat) and flat[0] else lengths
