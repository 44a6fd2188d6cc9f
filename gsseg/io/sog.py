"""PlayCanvas' SOG: a zip (``.sog``) or a folder of ``meta.json`` and WebP pictures, a pixel a Gaussian, row by row.

    means_l, means_u   low and high bytes of x y z: 16 bits between the bounds in meta.json of sign(x) ln(|x| + 1)
    quats              three components in -1/sqrt(2) .. 1/sqrt(2); alpha - 252: which of wxyz, the largest, is left out
    scales             the log scales: numbers of entries in a table of 256 (version 2), or between bounds (version 1)
    sh0                f_dc, likewise; alpha: the opacity (version 2), or its logit between bounds (version 1)
    shN_labels         optional: number of a set of harmonics, 16 bits in red and green
    shN_centroids      the sets, 64 side by side, a pixel a coefficient; numbers of entries, or between bounds

Axes are those of a PLY. Rows are in the file's order, which is a space-filling curve's, not the trainer's.
Source: the format's page on developer.playcanvas.com; playcanvas/splat-transform, ``read-sog.ts``, ``read-sog-v1.ts``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files.json_file import parse_json
from gsseg.io.sog_files import AGAIN, META, SogFiles, fetch_picture, open_sog_files
from gsseg.io.splat_file import COLOUR, POSITION, REST_COLUMNS, ROTATION, SCALE
from gsseg.io.splat_format import SplatColumns, check_count, inria_dtype

_META_BYTES = 1 << 20
_SETS_A_ROW, _SETS_MAX = 64, 1 << 16
_HARMONICS = {columns // 3 for columns in REST_COLUMNS if columns}


class Sog:
    """The format's row in the table."""

    name = "SOG"
    endings = (".sog", META)

    def begins(self, head: bytes) -> bool:
        """Whether it is a zip whose first file is a WebP picture or ``meta.json``."""
        first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
        return head.startswith(b"PK\x03\x04") and first.endswith((b".webp", META.encode()))

    def read(self, path: Path) -> SplatColumns:
        """The Gaussians as Inria's float32 columns."""
        with open_sog_files(path) as files:
            sog = _open(files)
            columns = _decode(sog)
        return SplatColumns(
            columns, [f"A SOG (version {sog.version}): its 8 and 16 bit numbers are read as float columns."]
        )


@dataclass(frozen=True)
class _Sog:
    """A SOG whose meta.json has been read."""

    files: SogFiles
    meta: dict[str, Any]
    version: int
    rows: int

    def wrong(self, problem: str) -> InputError:
        """The error that says so."""
        return InputError(self.files.path, problem, AGAIN)

    def part(self, name: str) -> dict[str, Any]:
        """What meta.json says of means, scales, quats, sh0 or shN."""
        part = self.meta.get(name)
        if not isinstance(part, dict):
            raise self.wrong(f"its meta.json has no {name!r}")
        return part

    def picture(self, part: str, index: int, least: int, most: int) -> UInt8[ndarray, "height width 4"]:
        """A picture that meta.json names."""
        names = self.part(part).get("files")
        name = names[index] if isinstance(names, list) and len(names) > index else None
        # The name is followed on disk, so it may not lead out of the folder.
        if not isinstance(name, str) or not name or name != Path(name).name or set(name) & set("\\\0:"):
            raise self.wrong(f"its meta.json names no file number {index} of {part!r}")
        return fetch_picture(self.files, name, least, most)

    def pixels(self, part: str, index: int = 0) -> UInt8[ndarray, "rows 4"]:
        """A picture with one pixel for each Gaussian, in their order."""
        # Writers take the next square or multiple of four; much more than that is room for nothing.
        picture = self.picture(part, index, self.rows, 2 * self.rows + (1 << 16))
        return picture.reshape(-1, 4)[: self.rows]

    def numbers(self, part: str, key: str, least: int) -> Float64[ndarray, " numbers"]:
        """A list of ``least`` to 256 finite numbers in meta.json, or a single one."""
        value = self.part(part).get(key)
        listed = list(value) if isinstance(value, list) else [value]
        if len(listed) == 256 and listed[0] is None and isinstance(listed[1], float) and isinstance(listed[255], float):
            listed[0] = listed[1] + (listed[1] - listed[255]) / 255  # as the engine mends what an early writer left out
        plain = all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e30 for v in listed)
        if not plain or not least <= len(listed) <= 256:
            raise self.wrong(f"its meta.json has not the finite numbers {key!r} of {part!r}")
        return np.array(listed, np.float64)

    def tables(self, part: str, channels: int) -> Float32[ndarray, "channels 256"]:
        """What a byte means in each channel of a picture; NaN for bytes beyond a short table."""
        if self.version == 2:
            table = np.full(256, np.nan)
            codebook = self.numbers(part, "codebook", 1)
            table[: len(codebook)] = codebook
            return np.broadcast_to(table.astype(np.float32), (channels, 256))
        low, high = (self.numbers(part, key, 1 if part == "shN" else channels)[:channels] for key in ("mins", "maxs"))
        tables = low[:, None] + (high - low)[:, None] * (np.arange(256) / 255)
        return np.broadcast_to(tables.astype(np.float32), (channels, 256))


def _open(files: SogFiles) -> _Sog:
    try:
        meta = parse_json(files.fetch(META, _META_BYTES).decode("utf-8-sig"))
    except ValueError as error:
        raise InputError(files.path, f"its meta.json is not JSON ({error})", AGAIN) from error
    if not isinstance(meta, dict) or not isinstance(meta.get("means"), dict):
        raise InputError(files.path, "its meta.json has no 'means'", "give the meta.json of a SOG of splats")
    version = meta.get("version", 1)
    if type(version) is not int or version not in (1, 2):
        raise InputError(files.path, f"is of SOG version {str(version)[:20]}; 1 and 2 are read", "export it as PLY")
    shape = meta["means"].get("shape")
    rows = meta.get("count") if version == 2 else shape[0] if isinstance(shape, list) and shape else None
    if type(rows) is not int or rows < 0:
        raise InputError(files.path, "its meta.json states no number of Gaussians", AGAIN)
    check_count(files.path, rows, files.size)
    return _Sog(files, meta, version, rows)


def _decode(sog: _Sog) -> np.ndarray:
    sets = _read_sets(sog) if sog.meta.get("shN") is not None else np.empty((1, 0, 3), np.float32)
    rest = sets.shape[1]
    out = np.empty(sog.rows, inria_dtype(3 * rest))
    bounds = np.stack([sog.numbers("means", key, 3)[:3] for key in ("mins", "maxs")])
    low, high = sog.pixels("means", 0), sog.pixels("means", 1)
    with np.errstate(over="ignore"):  # absurd bounds become infinite positions, which are counted later
        for axis, name in enumerate(POSITION):
            steps = low[:, axis] | high[:, axis].astype(np.uint16) << 8
            value = bounds[0, axis] + (bounds[1, axis] - bounds[0, axis]) * (steps / 65535)
            out[name] = np.sign(value) * np.expm1(np.abs(value))
    quats = _unpack_quats(sog.pixels("quats"))
    for i, name in enumerate(ROTATION):
        out[name] = quats[:, i]
    scales, colours = sog.pixels("scales"), sog.pixels("sh0")
    for i, (scale, colour) in enumerate(zip(SCALE, COLOUR, strict=True)):
        out[scale] = sog.tables("scales", 3)[i][scales[:, i]]
        out[colour] = sog.tables("sh0", 3 if sog.version == 2 else 4)[i][colours[:, i]]
    out["opacity"] = _opacity_logits(sog)[colours[:, 3]]
    if rest:
        labels = sog.pixels("shN", 1)
        chosen = labels[:, 0] | labels[:, 1].astype(np.uint16) << 8
        if int(chosen.max()) >= len(sets):
            raise sog.wrong(f"names a set of harmonics number {chosen.max()}, and there are {len(sets)}")
        for channel in range(3):
            for i in range(rest):
                out[f"f_rest_{channel * rest + i}"] = sets[chosen, i, channel]
    out.setflags(write=False)
    return out


def _opacity_logits(sog: _Sog) -> Float32[ndarray, "256"]:
    if sog.version == 1:
        return sog.tables("sh0", 4)[3]
    with np.errstate(divide="ignore"):  # an opacity of 0 or 1 has an infinite logit, which is repaired later
        opacity = np.arange(256) / 255
        return (np.log(opacity) - np.log1p(-opacity)).astype(np.float32)


def _unpack_quats(pixels: UInt8[ndarray, "rows 4"]) -> Float32[ndarray, "rows 4"]:
    """Unit quaternions wxyz; a tag that names no component is read as no rotation, as other readers have it."""
    others = (pixels[:, :3] / np.float32(127.5) - 1) * np.float32(np.sqrt(0.5))
    largest = np.sqrt(np.maximum(0, 1 - (others**2).sum(1)))
    quats = np.tile(np.array([1, 0, 0, 0], np.float32), (len(pixels), 1))
    for omitted in range(4):
        rows = pixels[:, 3] == 252 + omitted
        quats[rows] = np.insert(others[rows], omitted, largest[rows], axis=1)
    return quats


def _read_sets(sog: _Sog) -> Float32[ndarray, "sets rest 3"]:
    """The sets of harmonics that Gaussians share."""
    pixels = sog.picture("shN", 0, _SETS_A_ROW, _SETS_MAX * max(_HARMONICS))[..., :3]
    rest, left = divmod(pixels.shape[1], _SETS_A_ROW)
    if left or rest not in _HARMONICS:
        raise sog.wrong(f"its harmonics are {pixels.shape[1]} pixels wide, which is 64 sets of no degree")
    return sog.tables("shN", 1)[0][pixels].reshape(-1, rest, 3)
