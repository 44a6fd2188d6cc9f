"""SPZ: a file packed as nianticlabs/spz packs it is read back to within its steps, in the axes of a PLY, or refused."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest
import zstandard
from scipy.special import lpmv

from gsseg.errors import InputError
from gsseg.io.splat_formats import read_splats
from gsseg.io.spz import harmonic_signs

FLIP_SH = [-1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1]
"""flipSh of nianticlabs/spz, ``splat-types.h``, for y and z negated, up to degree 3."""
RUB, RDF, LUF = 4, 6, 7


def smallest_three(xyzw: np.ndarray) -> int:
    """packQuaternionSmallestThree of ``load-spz.cc``, a row."""
    largest = int(np.argmax(np.abs(xyzw)))
    packed = largest
    for i in range(4):
        if i != largest:
            negative = int(xyzw[i] < 0) ^ int(xyzw[largest] < 0)
            packed = packed << 10 | negative << 9 | int(511 * (abs(xyzw[i]) / np.sqrt(0.5)) + 0.5)
    return packed


def pack(columns: np.ndarray, degree: int, version: int, bits: int = 12) -> list[bytes]:
    """The six arrays of a PLY's columns as packGaussians makes them, y and z negated."""

    def bytes_of(values: np.ndarray) -> bytes:
        return np.clip(np.round(values), 0, 255).astype(np.uint8).tobytes()

    rest = (degree + 1) ** 2 - 1
    xyz = np.stack([columns[axis] for axis in "xyz"], 1) * [1, -1, -1]
    if version == 1:
        positions = xyz.astype("<f2").tobytes()
    else:
        fixed = np.round(xyz * 2**bits).astype("<i4")
        positions = fixed.view(np.uint8).reshape(-1, 3, 4)[..., :3].tobytes()
    quats = np.stack([columns[f"rot_{i}"] for i in (1, 2, 3, 0)], 1) * [1, -1, -1, 1]
    if version >= 3:
        rotations = np.array([smallest_three(row) for row in quats], "<u4").tobytes()
    else:
        rotations = bytes_of(quats[:, :3] * np.where(quats[:, 3:] < 0, -1, 1) * 127.5 + 127.5)
    sh = [columns[f"f_rest_{c * rest + i}"] * FLIP_SH[i] for i in range(rest) for c in range(3)]
    return [
        positions,
        bytes_of(255 / (1 + np.exp(-columns["opacity"]))),
        bytes_of(np.stack([columns[f"f_dc_{c}"] for c in range(3)], 1) * 0.15 * 255 + 127.5),
        bytes_of((np.stack([columns[f"scale_{i}"] for i in range(3)], 1) + 10) * 16),
        rotations,
        bytes_of(np.stack(sh, 1) * 128 + 128) if rest else b"",
    ]


def write(path, columns, degree=0, version=4, flags=0, extension=b"", **changes):
    """Writes a file; ``changes`` damage fields of the header: rows, degree_said, bits_said, version_said."""
    arrays = pack(columns, degree, version)
    streams = [array for array in arrays if array]
    header = b"NGSP" + struct.pack(
        "<IIBBBB",
        changes.get("version_said", version),
        changes.get("rows", len(columns)),
        changes.get("degree_said", degree),
        changes.get("bits_said", 12),
        flags | (2 if extension else 0),
        len(streams) if version == 4 else 0,
    )
    if version < 4:
        path.write_bytes(gzip.compress(header + b"".join(arrays) + extension))
        return path
    packed = [zstandard.ZstdCompressor().compress(stream) for stream in streams]
    table = b"".join(struct.pack("<QQ", len(small), len(large)) for small, large in zip(packed, streams, strict=True))
    before = header + struct.pack("<I12x", 32 + len(extension)) + extension
    path.write_bytes(before + table + b"".join(packed))
    return path


@pytest.fixture
def columns(make_columns):
    columns = make_columns(50, 3)
    columns["opacity"] *= 4
    return columns


@pytest.mark.parametrize("version", [1, 2, 3, 4])
@pytest.mark.parametrize("degree", [0, 1, 3])
def test_what_was_packed_is_read_back_to_within_its_steps(tmp_path, columns, version, degree):
    file = read_splats(write(tmp_path / "a.spz", columns, degree, version))
    got = file.columns
    assert file.gaussians.sh_degree == degree
    assert len(file.notes) == 1 + (version < 3)  # 8-bit quaternions are not quite of unit length
    for axis in "xyz":
        assert np.abs(got[axis] - columns[axis]).max() <= (2**-11 if version == 1 else 2**-13 * 1.01)
    for i in range(3):
        assert np.abs(got[f"scale_{i}"] - columns[f"scale_{i}"]).max() <= 1 / 32 * 1.01
        assert np.abs(got[f"f_dc_{i}"] - columns[f"f_dc_{i}"]).max() <= 0.5 / 255 / 0.15 * 1.01
    quats, expected = (np.stack([table[f"rot_{i}"] for i in range(4)], 1) for table in (got, columns))
    expected *= np.sign((quats * expected).sum(1, keepdims=True))  # a quaternion and its negative are one rotation
    stored = slice(1, 4) if version < 3 else slice(0, 4)  # what w is made of is coarse, and w where it is small worse
    assert np.abs(quats - expected)[:, stored].max() <= (0.5 / 127.5 if version < 3 else 1.5e-3) * 1.01
    opacity = 1 / (1 + np.exp(-columns["opacity"]))
    assert np.abs(file.gaussians.opacities.numpy() - opacity).max() <= 0.5 / 255 * 1.01
    for i in range(3 * ((degree + 1) ** 2 - 1)):
        off = np.abs(got[f"f_rest_{i}"] - columns[f"f_rest_{i}"])
        assert off[np.abs(columns[f"f_rest_{i}"]) < 0.99].max() <= 1 / 256 * 1.01  # beyond, they are cut


def real_harmonics(degree: int, directions: np.ndarray) -> np.ndarray:
    """Y_lm for l = 1 ... degree by Legendre functions, up to constant factors of each."""
    x, y, z = directions.T
    azimuth = np.arctan2(y, x)
    columns = []
    for band in range(1, degree + 1):
        for m in range(-band, band + 1):
            wave = np.sin(-m * azimuth) if m < 0 else np.cos(m * azimuth)
            columns.append(lpmv(abs(m), band, z) * wave)
    return np.stack(columns, 1)


@pytest.mark.parametrize("signs", [(1, -1, -1), (-1, 1, -1), (-1, -1, -1), (1, 1, -1), (-1, 1, 1), (1, -1, 1)])
def test_harmonics_of_mirrored_axes(signs):
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(40, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    signs = np.array(signs, np.float32)
    mirrored = real_harmonics(4, directions * signs)
    assert np.allclose(mirrored, real_harmonics(4, directions) * harmonic_signs(signs, 4), atol=1e-9)


def test_harmonic_signs_are_those_of_the_library():
    assert harmonic_signs(np.array([1, -1, -1], np.float32), 3).tolist() == FLIP_SH


def covariances(file) -> np.ndarray:
    w, x, y, z = file.gaussians.quats_wxyz.double().numpy().T
    rotation = np.stack([
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ], 1).reshape(-1, 3, 3)  # fmt: skip
    spread = rotation * file.gaussians.scales.double().numpy()[:, None, :]
    return spread @ spread.transpose(0, 2, 1)


@pytest.mark.parametrize(("axes", "signs"), [(RDF, (1, -1, -1)), (LUF, (-1, 1, -1)), (1, (-1, -1, 1)), (0, (1, 1, 1))])
@pytest.mark.parametrize("version", [3, 4])
def test_axes_that_an_extension_names_are_obeyed(tmp_path, columns, axes, signs, version):
    usual = read_splats(write(tmp_path / "a.spz", columns, 1, version))
    others = struct.pack("<II3x", 0xADBE0002, 3)
    named = read_splats(
        write(tmp_path / "b.spz", columns, 1, version, extension=others + struct.pack("<III", 0xADBE0003, 4, axes))
    )
    # The same bytes in axes that differ from right-up-back in some signs: every Gaussian is mirrored in those axes.
    # `signs` are those by which the axes named differ from the usual ones.
    mirror = np.array(signs, np.float64)
    assert np.array_equal(named.gaussians.means.numpy(), usual.gaussians.means.numpy() * mirror)
    expected = mirror[:, None] * covariances(usual) * mirror
    assert np.allclose(covariances(named), expected, rtol=1e-5, atol=1e-12)


def test_an_antialiased_file_says_so(tmp_path, columns):
    notes = read_splats(write(tmp_path / "a.spz", columns, flags=1)).notes
    assert any("antialiasing" in note for note in notes)


def test_it_is_known_by_its_content(tmp_path, columns):
    for version in (2, 4):
        assert len(read_splats(write(tmp_path / "splats.ply", columns, 0, version)).gaussians) == 50


def cut(path, size=-20):
    path.write_bytes(path.read_bytes()[:size])
    return path


def changed(path, at, new):
    blob = bytearray(path.read_bytes())
    blob[at : at + len(new)] = new
    path.write_bytes(blob)
    return path


CASES = {
    "of a later version": (lambda p, c: write(p, c, version_said=5), "is of SPZ version 5"),
    "of version 0": (lambda p, c: write(p, c, 0, 2, version_said=0), "is of SPZ version 0"),
    "of degree 5": (lambda p, c: write(p, c, degree_said=5), "SH degree 5"),
    "of 200 bits": (lambda p, c: write(p, c, bits_said=200), "200 fractional bits"),
    "a tree": (lambda p, c: write(p, c, 0, 3, flags=0x80), "levels of detail"),
    "of no row": (lambda p, c: write(p, c[:0]), "holds 0 Gaussians"),
    "of rotated axes": (lambda p, c: write(p, c, extension=struct.pack("<III", 0xADBE0003, 4, 9)), "axes number 9"),
    "another gzip": (lambda p, c: p.write_bytes(gzip.compress(b"ply\n" * 9)), "is not an SPZ file"),
    "gzip of nothing": (lambda p, c: p.write_bytes(gzip.compress(b"")), "is not an SPZ file"),
    "gzip cut": (lambda p, c: cut(write(p, c, 1, 3)), "truncated or damaged"),
    "gzip cut in its header": (lambda p, c: cut(write(p, c, 1, 3), 15), "truncated or damaged"),
    "gzip changed": (lambda p, c: changed(write(p, c, 1, 3), 60, b"\1\2\3\4\5"), "truncated or damaged|promises"),
    "gzip with more in it": (lambda p, c: p.write_bytes(gzip.compress(gzip.decompress(write(p, c, 0, 2).read_bytes())
                                                                      + b"more")), "holds more than the 50"),
    "gzip with less in it": (lambda p, c: write(p, c, 0, 2, rows=51), "is truncated: 51 Gaussians take"),
    "streams cut": (lambda p, c: cut(write(p, c, 1)), "stream 5 has a wrong size"),
    "table cut": (lambda p, c: cut(write(p, c), 60), "table of streams"),
    "header cut": (lambda p, c: cut(write(p, c), 20), "table of streams"),
    "magic alone": (lambda p, c: p.write_bytes(b"NGSP"), "is not an SPZ file"),
    "table far away": (lambda p, c: changed(write(p, c), 16, b"\xff\xff\xff\xff"), "table of streams"),
    "other sizes": (lambda p, c: write(p, c, rows=49), "stream 0 has a wrong size"),
    "huge streams": (lambda p, c: changed(write(p, c), 32, struct.pack("<Q", 1 << 63)), "stream 0 has a wrong size"),
    "no zstd": (lambda p, c: changed(write(p, c), 32 + 80, bytes(20)), "truncated or damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_damaged_files_are_refused_in_one_line(tmp_path, columns, name):
    make, says = CASES[name]
    path = tmp_path / "a.spz"
    make(path, columns)
    with pytest.raises(InputError, match=says) as caught:
        read_splats(path)
    assert caught.value.path == str(path)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def bomb(path, version):
    """A small file that promises 10^9 Gaussians and unpacks to gigabytes of zeros."""
    rows = 10**9
    header = b"NGSP" + struct.pack("<IIBBBB", version, rows, 0, 12, 0, 5)
    if version == 3:
        path.write_bytes(gzip.compress(header + bytes(50 << 20)))
    else:
        sizes = [9 * rows, rows, 3 * rows, 3 * rows, 4 * rows]
        small = zstandard.ZstdCompressor().compress(bytes(50 << 20))
        table = b"".join(struct.pack("<QQ", len(small), size) for size in sizes)
        path.write_bytes(header + struct.pack("<I12x", 32) + table + small * 5)
    return path


@pytest.mark.parametrize("version", [3, 4])
def test_a_bomb_takes_no_memory(tmp_path, version):
    path = bomb(tmp_path / "a.spz", version)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="promises 1000000000 Gaussians in"):
            read_splats(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_stream_that_says_it_is_huge_takes_no_memory(tmp_path, columns):
    path = write(tmp_path / "a.spz", columns)
    frame = zstandard.ZstdCompressor().compress(bytes(100 << 20))
    blob = bytearray(path.read_bytes())
    start = 32 + 16 * 5
    first = struct.unpack_from("<Q", blob, 32)[0]
    struct.pack_into("<Q", blob, 32, len(frame))
    blob[start : start + first] = frame
    path.write_bytes(blob)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="of another size than the table says"):
            read_splats(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("version", [2, 3, 4])
def test_random_damage_is_read_or_named(tmp_path, columns, version):
    path = write(tmp_path / "a.spz", columns, 1, version)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(version), 0
    for _ in range(80):
        blob = bytearray(whole)
        for at in rng.integers(0, len(blob), 3):
            blob[at] = int(rng.integers(0, 256))
        path.write_bytes(blob[: int(rng.integers(1, len(blob) + 1))] if rng.random() < 0.3 else blob)
        try:
            read_splats(path)
        except InputError:
            refused += 1
    assert refused > 20
