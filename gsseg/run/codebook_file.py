"""codebook.safetensors of a RUN folder: the codes of all Gaussians and the features that the codes stand for."""

from pathlib import Path

import numpy as np
import torch
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from gsseg.codebook import Codes
from gsseg.errors import InputError
from gsseg.ids import NO_CODE
from gsseg.run.columns import AGAIN

NAMES = ("coarse", "fine", "coarse_codebook", "fine_codebook")


def write_codebook(path: Path, codes: Codes) -> None:
    """Writes codes as int64 with `NO_CODE` for none, and both codebooks as float32."""
    assert NO_CODE == -1, "the file's convention"
    path.write_bytes(save({name: np.ascontiguousarray(getattr(codes, name).numpy()) for name in NAMES}))


def read_codebook(path: Path, gaussians: int) -> Codes:
    """The codes of that many Gaussians, without loss curves (metrics.json has them); `InputError` where it is not."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError, TypeError, AttributeError) as error:  # the last two: dtypes NumPy does not have
        raise InputError(path, f"cannot be read ({error})", AGAIN) from error
    problem = codes_problem(tensors, gaussians)
    if problem is not None:
        raise InputError(path, problem, AGAIN)
    coarse, fine, coarse_codebook, fine_codebook = (torch.from_numpy(tensors[name]) for name in NAMES)
    return Codes(coarse, fine, coarse_codebook, fine_codebook)


def codes_problem(tensors: dict[str, ndarray], gaussians: int) -> str | None:
    """What is wrong with tensors of these `NAMES` as codes of so many Gaussians, None where nothing is."""
    missing = [name for name in NAMES if name not in tensors]
    if missing:
        return f"has no {missing[0]}"
    coarse, fine = tensors["coarse"], tensors["fine"]
    coarse_codebook, fine_codebook = tensors["coarse_codebook"], tensors["fine_codebook"]
    for name, codes in (("coarse", coarse), ("fine", fine)):
        if codes.shape != (gaussians,) or codes.dtype != np.int64:
            return f"holds {codes.dtype} {name} codes of shape {codes.shape}, not int64 ones of {gaussians} Gaussians"
    for name, codebook in (("coarse", coarse_codebook), ("fine", fine_codebook)):
        if codebook.ndim != 2 or codebook.shape[1] != 6 or codebook.dtype != np.float32:
            return f"holds a {name} codebook of {codebook.dtype} in shape {codebook.shape}, not float32 rows of 6"
        if not np.isfinite(codebook).all():
            return f"holds a {name} codebook with values that are not finite"
    k1, rows = len(coarse_codebook), len(fine_codebook)
    if k1 == 0 or rows == 0 or rows % k1:
        return f"holds {rows} fine codes, which {k1} coarse codes cannot share evenly"
    if gaussians and (fine.min() < NO_CODE or fine.max() >= rows):
        return f"holds fine codes {fine.min()} to {fine.max()} of a codebook with {rows} rows"
    if (coarse != np.where(fine == NO_CODE, NO_CODE, fine // (rows // k1))).any():
        return "holds fine codes that are not of their coarse codes"
    return None
