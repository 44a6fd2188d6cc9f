"""Niantic's ``.spz``: about 20 bytes a Gaussian, before gzip (versions 1 to 3) or ZSTD (version 4).

    1 to 3   gzip( magic u32 "NGSP" | version u32 | count u32 | SH degree u8 | fractional bits u8 | flags u8 | 0 u8 |
                   the six arrays, one after the other | extensions )
    4        the same 16 bytes, but the last is the number of streams | place of the table u32 | 12 zero bytes |
             extensions | table: (compressed, plain) bytes u64 of each stream | the arrays that are not empty, each ZSTD

The arrays, all rows of one before the next:

    positions   3 x int24, divided by 2^(fractional bits); version 1: 3 x float16
    opacities   u8 = 255 sigmoid(logit)
    colours     3 x u8 = 255 (0.5 + 0.15 f_dc)
    scales      3 x u8 = 16 (log scale + 10)
    rotations   3 x u8 = 127.5 (1 + q_xyz), w positive; from version 3 a u32: index of the largest of xyzw 2 bits |
                the other three, 1 bit sign and 9 bits of |q| sqrt(2) 511 each
    sh          u8 = 128 (1 + f_rest), coefficient-major

Axes: an SPZ holds x right, y up, z back (RUB), the world of a splat PLY has x right, y down, z forward (RDF), and every
writer turns one into the other by negating y and z. So does this reader, with quaternions and harmonics, and what was
packed from a PLY lies again where its cameras see it. An extension may name other axes; it is obeyed.
Source: nianticlabs/spz, ``load-spz.cc``, ``splat-types.h`` and ``extensions``.
"""

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zstandard
from jaxtyping import Float32, UInt8
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.io.splat_file import COLOUR, POSITION, ROTATION, SCALE
from gsseg.io.splat_format import SplatColumns, check_count, inria_dtype

_MAGIC, _GZIP = b"NGSP", b"\x1f\x8b"
_ANTIALIASED, _EXTENSIONS, _DETAIL_TREE = 0x01, 0x02, 0x80
_AXES = 0xADBE0003
"""The extension that names the axes: a u32, 1 + (right 1 | up 2 | front 4) for the eight mirrorings, more with y and z
exchanged."""
_RUB, _RDF = 4, 6

_AGAIN = "copy or export it again"
_FRACTIONAL_BITS_MAX, _DEGREE_MAX = 30, 4
_EXTENSION_BYTES = 1 << 20


@dataclass(frozen=True)
class _Header:
    version: int
    rows: int
    degree: int
    fractional_bits: int
    flags: int

    @property
    def rest(self) -> int:
        """Coefficients of the harmonics beyond the constant one."""
        return (self.degree + 1) ** 2 - 1

    @property
    def widths(self) -> tuple[int, ...]:
        """Bytes a row of positions, opacities, colours, scales, rotations and harmonics."""
        return (6 if self.version == 1 else 9, 1, 3, 3, 4 if self.version >= 3 else 3, 3 * self.rest)


class Spz:
    """The format's row in the table."""

    name = "SPZ"
    endings = (".spz",)

    def begins(self, head: bytes) -> bool:
        """Whether it is gzip, in which no other format comes, or has the magic number."""
        return head.startswith((_MAGIC, _GZIP))

    def read(self, path: Path) -> SplatColumns:
        """The Gaussians as Inria's float32 columns in the axes of a PLY."""
        with path.open("rb") as stream:
            packed = stream.read(2) == _GZIP
        header, arrays, extensions = _read_gzip(path) if packed else _read_streams(path)
        notes = ["An SPZ: its 8 and 24 bit numbers are read as float columns, y and z negated as in a PLY."]
        axes = _axes(path, extensions)
        if axes != _RUB:
            notes = ["An SPZ: its 8 and 24 bit numbers are read as float columns, in the axes that the file names."]
        if header.flags & _ANTIALIASED:
            notes.append("It was trained with antialiasing (Mip-Splatting) and is drawn without.")
        return SplatColumns(_decode(header, arrays, _signs(axes)), notes)


def _parse_header(path: Path, raw: bytes) -> _Header:
    if len(raw) < 16 or raw[:4] != _MAGIC:
        raise InputError(path, "is not an SPZ file (no 'NGSP' at its beginning)", "unpack it, if it is another gzip")
    version, rows, degree, fractional_bits, flags = struct.unpack_from("<IIBBB", raw, 4)
    if not 1 <= version <= 4:
        raise InputError(path, f"is of SPZ version {version}; 1 to 4 are read", "export it as PLY")
    if degree > _DEGREE_MAX or fractional_bits > _FRACTIONAL_BITS_MAX:
        problem = f"has SH degree {degree} and {fractional_bits} fractional bits, which no SPZ has"
        raise InputError(path, problem, _AGAIN)
    if flags & _DETAIL_TREE:
        raise InputError(path, "holds a tree of levels of detail, not one scene", "export its finest level as PLY")
    check_count(path, rows, path.stat().st_size)
    return _Header(version, rows, degree, fractional_bits, flags)


def _read_gzip(path: Path) -> tuple[_Header, list[UInt8[ndarray, "rows _"]], bytes]:
    try:
        with gzip.open(path) as stream:
            header = _parse_header(path, stream.read(16))
            if header.version == 4:
                raise InputError(path, "is of SPZ version 4 inside gzip, where none is", _AGAIN)
            body = stream.read(header.rows * sum(header.widths))
            extensions = stream.read(_EXTENSION_BYTES + 1)  # to the end, where the checksum is
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(path, f"is truncated or damaged ({error})", _AGAIN) from error
    return header, _split(path, header, body), _check_extensions(path, header, extensions)


def _check_extensions(path: Path, header: _Header, extensions: bytes) -> bytes:
    if len(extensions) > (_EXTENSION_BYTES if header.flags & _EXTENSIONS else 0):
        raise InputError(path, f"holds more than the {header.rows} Gaussians of its header", _AGAIN)
    return extensions


def _split(path: Path, header: _Header, body: bytes) -> list[UInt8[ndarray, "rows _"]]:
    wanted = header.rows * sum(header.widths)
    if len(body) < wanted:
        problem = f"is truncated: {header.rows} Gaussians take {wanted} bytes, {len(body)} are there"
        raise InputError(path, problem, _AGAIN)
    flat, arrays, start = np.frombuffer(body, np.uint8), [], 0
    for width in header.widths:
        end = start + header.rows * width
        arrays.append(flat[start:end].reshape(header.rows, width))
        start = end
    return arrays


def _read_streams(path: Path) -> tuple[_Header, list[UInt8[ndarray, "rows _"]], bytes]:
    raw = path.read_bytes()
    header = _parse_header(path, raw)
    if header.version < 4:  # versions 1 to 3 as they are inside their gzip
        end = 16 + header.rows * sum(header.widths)
        return header, _split(path, header, raw[16:end]), _check_extensions(path, header, raw[end:])
    widths = [width for width in header.widths if width]
    table = struct.unpack_from("<I", raw, 16)[0] if len(raw) >= 32 else 0
    start = table + 16 * len(widths)
    if raw[15] != len(widths) or table < 32 or start > len(raw):
        raise InputError(path, "is truncated or damaged: its table of streams is not there", _AGAIN)
    arrays = []
    for index, width in enumerate(widths):
        packed, plain = struct.unpack_from("<QQ", raw, table + 16 * index)
        if plain != header.rows * width or packed > len(raw) - start:
            raise InputError(path, f"is truncated or damaged: stream {index} has a wrong size", _AGAIN)
        arrays.append(_unpack_stream(path, raw[start : start + packed], plain).reshape(header.rows, width))
        start += packed
    if header.rest == 0:
        arrays.append(np.empty((header.rows, 0), np.uint8))
    return header, arrays, raw[32:table] if header.flags & _EXTENSIONS else b""


def _unpack_stream(path: Path, packed: bytes, plain: int) -> UInt8[ndarray, " size"]:
    try:
        # The decompressor takes memory for what the frame says of itself, so that is looked at first.
        if zstandard.frame_content_size(packed) not in (plain, -1):
            raise InputError(path, "is damaged: a ZSTD stream is of another size than the table says", _AGAIN)
        unpacked = zstandard.ZstdDecompressor().decompress(packed, max_output_size=plain)
    except zstandard.ZstdError as error:
        raise InputError(path, f"is truncated or damaged ({error})", _AGAIN) from error
    if len(unpacked) != plain:
        raise InputError(path, f"is truncated: a stream holds {len(unpacked)} bytes, not {plain}", _AGAIN)
    return np.frombuffer(unpacked, np.uint8)


def _axes(path: Path, extensions: bytes) -> int:
    """The number of the file's axes, from its records (type u32, bytes u32, content); `_RUB` where none names them."""
    start = 0
    while start + 8 <= len(extensions):
        kind, size = struct.unpack_from("<II", extensions, start)
        start += 8
        if kind == _AXES and size >= 4 and start + 4 <= len(extensions):
            axes = struct.unpack_from("<I", extensions, start)[0]
            if axes > 8:
                raise InputError(path, f"is in axes number {axes}, which exchange y and z", "export it as PLY")
            return axes or _RUB
        start += size
    return _RUB


def _signs(axes: int) -> Float32[ndarray, "3"]:
    """The signs that x, y and z change by on the way to a PLY."""
    differ = (axes - 1) ^ (_RDF - 1)
    return np.array([-1 if differ >> bit & 1 else 1 for bit in range(3)], np.float32)


def harmonic_signs(signs: Float32[ndarray, "3"], degree: int) -> Float32[ndarray, " rest"]:
    """The signs by which the real harmonics of degrees 1 and up change where the axes change theirs.

    Y_lm is P(z) times the real (m >= 0) or imaginary (m < 0) part of (x + iy)^|m|, and P is even or odd like l - |m|:
    x counts |m| times, once more for m < 0; y once for m < 0; z l - |m| times. The library's own table has another
    sign for the last one of degree 4.
    """
    x, y, z = signs
    orders = [(band, m) for band in range(1, degree + 1) for m in range(-band, band + 1)]
    return np.array([x ** (abs(m) + (m < 0)) * y ** (m < 0) * z ** (band - abs(m)) for band, m in orders], np.float32)


def _decode(header: _Header, arrays: list[UInt8[ndarray, "rows _"]], signs: Float32[ndarray, "3"]) -> np.ndarray:
    positions, opacities, colours, scales, rotations, sh = arrays
    out = np.empty(header.rows, inria_dtype(3 * header.rest))
    quats = _unpack_rotations(rotations) if header.version < 3 else _unpack_smallest_three(rotations)
    quats[:, 1:] *= signs.prod() * signs  # an axis of rotation changes like a vector, and again where space is mirrored
    for axis in range(3):
        with np.errstate(invalid="ignore"):  # NaN among 16-bit floats, which is counted later
            out[POSITION[axis]] = signs[axis] * _coordinate(header, positions, axis)
        out[COLOUR[axis]] = (colours[:, axis] / np.float32(255) - np.float32(0.5)) / np.float32(0.15)
        out[SCALE[axis]] = scales[:, axis] / np.float32(16) - 10
    for i, name in enumerate(ROTATION):
        out[name] = quats[:, i]
    with np.errstate(divide="ignore"):  # an opacity of 0 or 1 has an infinite logit, which is repaired later
        opacity = opacities[:, 0] / np.float32(255)
        out["opacity"] = np.log(opacity) - np.log1p(-opacity)
    for i, sign in enumerate(harmonic_signs(signs, header.degree)):
        for channel in range(3):
            out[f"f_rest_{channel * header.rest + i}"] = sign * (sh[:, 3 * i + channel].astype(np.float32) / 128 - 1)
    out.setflags(write=False)
    return out


def _coordinate(header: _Header, positions: UInt8[ndarray, "rows _"], axis: int) -> Float32[ndarray, " rows"]:
    if header.version == 1:
        return np.ascontiguousarray(positions).view("<f2")[:, axis].astype(np.float32)
    low, middle, high = (positions[:, 3 * axis + i] for i in range(3))
    fixed = low.astype(np.int32) | middle.astype(np.int32) << 8 | high.astype(np.int8).astype(np.int32) << 16
    return np.ldexp(fixed.astype(np.float32), -header.fractional_bits)


def _unpack_rotations(packed: UInt8[ndarray, "rows 3"]) -> Float32[ndarray, "rows 4"]:
    vector = packed / np.float32(127.5) - 1
    return np.column_stack([np.sqrt(np.maximum(0, 1 - (vector**2).sum(1))), vector])


def _unpack_smallest_three(packed: UInt8[ndarray, "rows 4"]) -> Float32[ndarray, "rows 4"]:
    numbers = np.ascontiguousarray(packed).view("<u4")[:, 0]
    fields = np.stack([numbers >> shift & 1023 for shift in (20, 10, 0)], 1)
    others = (fields & 511) * np.float32(np.sqrt(0.5) / 511) * np.where(fields & 512, np.float32(-1), np.float32(1))
    largest = np.sqrt(np.maximum(0, 1 - (others**2).sum(1)))
    xyzw = np.empty((len(packed), 4), np.float32)
    for omitted in range(4):
        rows = numbers >> 30 == omitted
        xyzw[rows] = np.insert(others[rows], omitted, largest[rows], axis=1)
    return xyzw[:, [3, 0, 1, 2]]
