"""Codes in 16 bits, as segmented.ply and scene.gsseg hold them: 65535 stands for no code."""

import numpy as np
from jaxtyping import Int32, Integer
from numpy import ndarray

from gsseg.ids import NO_CODE

NO_CODE_ON_DISK = 65535
"""The largest number of 16 bits; codes are smaller."""


def codes_to_disk(codes: Integer[ndarray, "..."]) -> Integer[ndarray, "..."]:
    """uint16 of codes in memory; ValueError for codes that 16 bits do not hold."""
    if codes.size and not NO_CODE <= int(codes.min()) <= int(codes.max()) < NO_CODE_ON_DISK:
        raise ValueError(f"codes are {codes.min()} to {codes.max()}, and 16 bits hold 0 to {NO_CODE_ON_DISK - 1}")
    return np.where(codes == NO_CODE, NO_CODE_ON_DISK, codes).astype(np.uint16)


def codes_from_disk(numbers: Integer[ndarray, "..."]) -> Int32[ndarray, "..."]:
    """Codes as memory has them, of numbers 0 to 65535."""
    return np.where(numbers == NO_CODE_ON_DISK, NO_CODE, numbers).astype(np.int32)
