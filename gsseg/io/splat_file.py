"""From the columns of a splat file to `Gaussians`, with every repair counted.

Real files hold infinite opacities (an 8-bit alpha of 0 or 255 turned back into a logit), quaternions as the
optimiser left them, and now and then a row of NaN. No row is ever dropped, because everything later speaks of
Gaussians by their row: what cannot be drawn stays where it is and is marked.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.scene import Gaussians

OPACITY_LOGIT_MAX = 15.0
"""sigmoid(15) = 1 - 3e-7: the last place where float32 still tells an opacity from 1."""

LOG_SCALE_MIN, LOG_SCALE_MAX = -30.0, 20.0
"""exp(2 * -30) = 9e-27 and exp(2 * 20) = 2e17: covariances within this range are harmless in float32. Below it a
Gaussian is a point and is drawn as one; above it, wider than 10^8 world units, it is not part of any scene."""

POSITION_MAX, COLOUR_MAX = 1e9, 1e6
"""World units from the origin, and spherical-harmonics coefficients, that a Gaussian is drawn with: their squares are
far from the end of float32, and no scene reaches as far."""

REST_COLUMNS = {3 * ((degree + 1) ** 2 - 1): degree for degree in range(5)}
"""Number of ``f_rest_*`` columns -> degree of the spherical harmonics: 0, 9, 24, 45 and 72 for degrees 0 to 4."""

POSITION = ("x", "y", "z")
COLOUR = ("f_dc_0", "f_dc_1", "f_dc_2")
SCALE = ("scale_0", "scale_1", "scale_2")
ROTATION = ("rot_0", "rot_1", "rot_2", "rot_3")
REQUIRED = (*POSITION, *COLOUR, "opacity", *SCALE, *ROTATION)

_CHUNK = 8192
"""Rows converted at a time: 2 MB of the widest layout, so that a row is fetched once and not once a column."""


def check_columns(path: Path, columns: np.dtype) -> int:
    """The degree of the spherical harmonics of a splat layout; `InputError` where it is no splat layout."""
    names = set(columns.names or ())
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        few = ", ".join(missing[:6]) + (" ..." if len(missing) > 6 else "")
        kind = "holds points but no Gaussian splats" if names >= set(POSITION) else "holds no Gaussian splats"
        raise InputError(path, f"{kind}: columns {few} are missing", "give the PLY that a 3DGS trainer wrote")
    rest = {name for name in names if name.startswith("f_rest_")}
    if len(rest) not in REST_COLUMNS or rest != {f"f_rest_{i}" for i in range(len(rest))}:
        raise InputError(
            path,
            f"has {len(rest)} f_rest columns, which is no degree of spherical harmonics",
            "export it with 0, 9, 24, 45 or 72 of them, numbered from f_rest_0",
        )
    for name in (*REQUIRED, *sorted(rest)):
        if columns[name].kind != "f":
            raise InputError(
                path, f"column {name} is of type {columns[name].name}, expected float", "export it again as float32"
            )
    return REST_COLUMNS[len(rest)]


def gaussians_from_columns(path: Path, columns: np.ndarray) -> tuple[Gaussians, list[str]]:
    """The Gaussians that the columns of an Inria-named table mean, and one sentence for every kind of repair.

    ``f_rest`` is channel-major on disk (all of red, then green, then blue). Raises `InputError` where columns are
    missing or of the wrong type, where there is no row, and where no row can be drawn.
    """
    degree = check_columns(path, columns.dtype)
    rows, rest = len(columns), (degree + 1) ** 2 - 1
    if rows == 0:
        raise InputError(path, "holds 0 Gaussians", "give a trained scene")
    means, log_scales = np.empty((rows, 3), np.float32), np.empty((rows, 3), np.float32)
    quats, logits = np.empty((rows, 4), np.float32), np.empty((rows, 1), np.float32)
    sh = np.empty((rows, rest + 1, 3), np.float32)
    targets = [(means, POSITION), (log_scales, SCALE), (quats, ROTATION), (logits, ("opacity",))]
    places = [(table[:, i], name) for table, names in targets for i, name in enumerate(names)]
    places += [(sh[:, 0, channel], name) for channel, name in enumerate(COLOUR)]
    places += [(sh[:, 1 + i, c], f"f_rest_{c * rest + i}") for c in range(3) for i in range(rest)]
    drawable = np.empty(rows, bool)
    with np.errstate(over="ignore", invalid="ignore"):  # float64 beyond float32 becomes infinite, and is handled so
        for start in range(0, rows, _CHUNK):
            part = slice(start, start + _CHUNK)
            block = np.array(columns[part])
            for target, name in places:
                target[part] = block[name]
            drawable[part] = (
                (np.abs(means[part]) <= POSITION_MAX).all(1)  # false for NaN, here and below
                & np.isfinite(quats[part]).all(1)
                & (np.abs(sh[part]) <= COLOUR_MAX).all((1, 2))
                & ~np.isnan(logits[part, 0])
                & (log_scales[part] <= LOG_SCALE_MAX).all(1)
            )
    notes = _repair_(path, means, log_scales, quats, logits[:, 0], sh, drawable)
    gaussians = Gaussians(
        means=torch.from_numpy(means),
        log_scales=torch.from_numpy(log_scales),
        quats_wxyz=torch.from_numpy(quats),
        opacity_logits=torch.from_numpy(logits[:, 0]),
        sh=torch.from_numpy(sh),
        drawable=torch.from_numpy(drawable),
    )
    return gaussians, notes


def _repair_(
    path: Path,
    means: Float32[ndarray, "rows 3"],
    log_scales: Float32[ndarray, "rows 3"],
    quats: Float32[ndarray, "rows 4"],
    logits: Float32[ndarray, " rows"],
    sh: Float32[ndarray, "rows coefficients 3"],
    drawable: Bool[ndarray, " rows"],
) -> list[str]:
    """Mends the arrays in place and says how many rows each mending touched."""
    rows, notes = len(means), []
    lost = ~drawable
    if lost.all():
        raise InputError(path, f"none of its {rows} rows can be drawn (NaN or infinite)", "train the scene again")
    if lost.any():
        notes.append(
            f"{lost.sum()} of {rows} rows hold NaN, infinite or absurdly large numbers; they keep their place "
            "and are never drawn."
        )
        # Numbers that harm nobody who forgets to look at `drawable`: tiny, transparent, in the middle of the scene.
        means[lost] = means[drawable].mean(0, dtype=np.float64)
        log_scales[lost], quats[lost], logits[lost], sh[lost] = LOG_SCALE_MIN, (1, 0, 0, 0), -OPACITY_LOGIT_MAX, 0
    infinite = int(np.isinf(logits).sum())
    if infinite:
        notes.append(f"{infinite} opacity logits are infinite; they are held at -15 or +15.")
    beyond = int((np.abs(logits) > OPACITY_LOGIT_MAX).sum()) - infinite
    if beyond:
        notes.append(f"{beyond} opacity logits lie outside -15 to +15; they are held at the nearer bound.")
    np.clip(logits, -OPACITY_LOGIT_MAX, OPACITY_LOGIT_MAX, out=logits)
    thin = (log_scales < LOG_SCALE_MIN).any(1)
    if thin.any():
        notes.append(f"{thin.sum()} rows have a scale below exp(-30); it is held there.")
        np.maximum(log_scales, LOG_SCALE_MIN, out=log_scales)
    # The largest component comes out first, so that neither 1e30 nor 1e-30 leaves float32 when it is squared.
    largest = np.abs(quats).max(1, keepdims=True)
    zero = largest[:, 0] < np.finfo(np.float32).tiny
    quats[zero], largest[zero] = (1, 0, 0, 0), 1
    scaled = quats / largest
    norm = np.linalg.norm(scaled, axis=1, keepdims=True)
    loose = int((np.abs(norm * largest - 1) > 1e-3).sum())
    np.divide(scaled, norm, out=quats)
    if zero.any():
        notes.append(f"{zero.sum()} quaternions are zero; they are read as no rotation.")
    if loose:
        notes.append(f"{loose} quaternions are not of unit length; they are normalised.")
    return notes
