"""SOG: a file packed as splat-transform packs it is read back to within its steps, zipped or not, or refused."""

import io
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.splat_formats import read_splats

ROWS = 50


def webp(pixels: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", lossless=True, exact=True, **options)
    return stream.getvalue()


def picture(values: np.ndarray, spare: int = 0) -> bytes:
    """Rows of two to four bytes as the pixels of a picture eight wide; what is left over is 77."""
    height = -(-(len(values) + spare) // 8)
    pixels = np.full((height * 8, 4), 77, np.uint8)
    pixels[: len(values), : values.shape[1]] = values
    if values.shape[1] < 4:
        pixels[:, 3] = 255
    return webp(pixels.reshape(height, 8, 4))


def numbers(table: np.ndarray, names: list[str]) -> np.ndarray:
    return np.stack([table[name] for name in names], 1)


def nearest(codebook: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.abs(values[..., None] - codebook).argmin(-1).astype(np.uint8)


def between(low: np.ndarray, high: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.round((values - low) / (high - low) * 255).astype(np.uint8)


def pack(columns: np.ndarray, degree: int, version: int) -> dict[str, bytes]:
    """The files of a SOG, as write-sog.ts (version 2) and the older python tool (version 1) make them."""
    xyz = numbers(columns, ["x", "y", "z"])
    logs = np.sign(xyz) * np.log1p(np.abs(xyz))
    low, high = logs.min(0), logs.max(0)
    steps = np.round((logs - low) / (high - low) * 65535).astype(np.uint16)
    quats = numbers(columns, [f"rot_{i}" for i in range(4)])
    largest = np.abs(quats).argmax(1)
    quats = quats * np.sign(np.take_along_axis(quats, largest[:, None], 1))
    others = np.stack([np.delete(row, which) for row, which in zip(quats, largest, strict=True)])
    packed = np.round((others * np.sqrt(2) * 0.5 + 0.5) * 255)
    scales, colours = (numbers(columns, [f"{kind}_{i}" for i in range(3)]) for kind in ("scale", "f_dc"))
    opacity = columns["opacity"]
    meta = {
        "means": {"mins": low.tolist(), "maxs": high.tolist(), "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"files": ["sh0.webp"]},
    }
    if version == 2:
        meta |= {"version": 2, "count": len(columns)}
        books = [np.linspace(values.min(), values.max(), 256) for values in (scales, colours)]
        meta["scales"]["codebook"], meta["sh0"]["codebook"] = books[0].tolist(), books[1].tolist()
        scale_bytes, colour_bytes = nearest(books[0], scales), nearest(books[1], colours)
        opacity_bytes = np.round(255 / (1 + np.exp(-opacity)))
    else:
        meta["means"]["shape"] = [len(columns), 3]
        sh0 = np.column_stack([colours, opacity])
        for part, values in (("scales", scales), ("sh0", sh0)):
            meta[part] |= {"mins": values.min(0).tolist(), "maxs": values.max(0).tolist()}
        scale_bytes = between(scales.min(0), scales.max(0), scales)
        colour_bytes, opacity_bytes = np.split(between(sh0.min(0), sh0.max(0), sh0), [3], 1)
    files = {
        "means_l.webp": picture((steps & 255).astype(np.uint8)),
        "means_u.webp": picture((steps >> 8).astype(np.uint8), spare=9),
        "quats.webp": picture(np.column_stack([packed, 252 + largest]).astype(np.uint8)),
        "scales.webp": picture(scale_bytes),
        "sh0.webp": picture(np.column_stack([colour_bytes, opacity_bytes]).astype(np.uint8)),
    }
    if degree:
        rest = (degree + 1) ** 2 - 1
        sets = numbers(columns, [f"f_rest_{i}" for i in range(3 * rest)]).reshape(-1, 3, rest).transpose(0, 2, 1)
        book = np.linspace(sets.min(), sets.max(), 256)
        pixels = np.zeros((-(-len(sets) // 64) * 64, rest, 4), np.uint8)  # a set for each Gaussian
        pixels[: len(sets), :, :3], pixels[..., 3] = nearest(book, sets), 255
        order = np.arange(len(sets))[::-1]
        pixels[: len(sets)] = pixels[order]
        files["shN_centroids.webp"] = webp(pixels.reshape(-1, 64 * rest, 4))
        files["shN_labels.webp"] = picture(np.column_stack([order & 255, order >> 8, 0 * order]).astype(np.uint8))
        meta["shN"] = {"files": ["shN_centroids.webp", "shN_labels.webp"]}
        if version == 2:
            meta["shN"] |= {"count": len(sets), "bands": degree, "codebook": book.tolist()}
        else:
            meta["shN"] |= {"mins": float(book[0]), "maxs": float(book[-1])}
    files["meta.json"] = json.dumps(meta).encode()
    return files


def write_zip(path, files, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def columns(make_columns):
    columns = make_columns(ROWS, 3)
    columns["x"] *= 40
    return columns


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("degree", [0, 1, 3])
@pytest.mark.parametrize("bundled", [True, False])
def test_what_was_packed_is_read_back_to_within_its_steps(tmp_path, columns, version, degree, bundled):
    kept = [name for name in columns.dtype.names if not name.startswith("f_rest") or degree == 3]
    rest = 3 * ((degree + 1) ** 2 - 1)
    files = pack(columns, degree, version)
    if bundled:
        path = write_zip(tmp_path / "a.sog", files)
    else:
        path = tmp_path / "meta.json"
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
    file = read_splats(path)
    got = file.columns
    assert file.gaussians.sh_degree == degree
    assert file.notes[0].startswith(f"A SOG (version {version})")
    for axis in "xyz":
        spread = np.log1p(np.abs(columns[axis]).max()) * 2
        assert (np.abs(got[axis] - columns[axis]) <= spread / 65535 * (1 + np.abs(columns[axis]))).all()
    quats, expected = (numbers(table, [f"rot_{i}" for i in range(4)]) for table in (got, columns))
    expected *= np.sign((quats * expected).sum(1, keepdims=True))
    assert np.abs(quats - expected).max() < 0.006
    for kind, count in (("scale", 3), ("f_dc", 3), ("f_rest", rest)):
        names = [f"{kind}_{i}" for i in range(count)]
        for name in names:
            step = np.ptp(numbers(columns, names)) / 255
            assert np.abs(got[name] - columns[name]).max() <= step / 2 * 1.01
    opacity = 1 / (1 + np.exp(-columns["opacity"]))
    assert np.abs(file.gaussians.opacities.numpy() - opacity).max() < 1 / 255
    assert set(kept) - {"nx", "ny", "nz"} <= set(got.dtype.names)


def test_pixels_of_opacity_zero_keep_their_colour(tmp_path, columns):
    columns["opacity"][:3] = -40
    files = pack(columns, 0, 2)
    file = read_splats(write_zip(tmp_path / "a.sog", files))
    step = np.ptp(numbers(columns, [f"f_dc_{i}" for i in range(3)])) / 255
    assert np.abs(file.columns["f_dc_0"][:3] - columns["f_dc_0"][:3]).max() <= step
    assert np.isneginf(file.columns["opacity"][:3]).all()


def test_a_tag_that_names_no_component_is_no_rotation(tmp_path, columns):
    files = pack(columns, 0, 2)
    files["quats.webp"] = picture(np.full((ROWS, 4), 100, np.uint8))
    assert read_splats(write_zip(tmp_path / "a.sog", files)).gaussians.quats_wxyz.tolist() == [[1, 0, 0, 0]] * ROWS


def test_an_early_writers_missing_first_entry_is_mended(tmp_path, columns):
    files = pack(columns, 0, 2)
    meta = json.loads(files["meta.json"])
    first = meta["scales"]["codebook"][0]
    meta["scales"]["codebook"][0] = None
    files["meta.json"] = json.dumps(meta).encode()
    file = read_splats(write_zip(tmp_path / "a.sog", files))
    book = meta["scales"]["codebook"]
    assert file.columns["scale_0"].min() >= min(first, book[1] + (book[1] - book[255]) / 255) - 1e-6
    assert file.gaussians.drawable.all()


def test_it_is_known_by_its_content(tmp_path, columns):
    assert len(read_splats(write_zip(tmp_path / "splats.ply", pack(columns, 0, 2))).gaussians) == ROWS


def edited(change):
    """A case that changes meta.json as an object."""

    def make(path, files):
        meta = json.loads(files["meta.json"])
        change(meta)
        write_zip(path, {**files, "meta.json": json.dumps(meta).encode()})

    return make


def replaced(name, content):
    return lambda path, files: write_zip(path, {**files, name: content})


def without(name):
    return lambda path, files: write_zip(path, {key: value for key, value in files.items() if key != name})


def bytes_changed(change):
    def make(path, files):
        write_zip(path, files)
        path.write_bytes(change(path.read_bytes()))

    return make


def huge_webp() -> bytes:
    """The header of an extended WebP of 16384 x 16384 pixels, and nothing else."""
    side = (16383).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + side + side


CASES = {
    "no zip": (lambda p, f: p.write_bytes(b"hello"), "not a zip that can be read"),
    "cut": (bytes_changed(lambda blob: blob[:-30]), "truncated or not a zip"),
    "changed": (
        bytes_changed(lambda blob: blob[:100] + bytes(40) + blob[140:]),
        "truncated or not a zip|not a picture",
    ),
    "no meta.json": (without("meta.json"), "holds no meta.json"),
    "no picture": (without("quats.webp"), "holds no quats.webp"),
    "no JSON": (replaced("meta.json", b"{"), "not JSON"),
    "deep JSON": (replaced("meta.json", b"[" * 200_000), "not JSON"),
    "long JSON": (replaced("meta.json", b" " * (2 << 20)), "has more than 1048576 bytes"),
    "another JSON": (replaced("meta.json", b"[1]"), "no 'means'"),
    "version 3": (edited(lambda m: m.update(version=3)), "is of SOG version 3"),
    "version true": (edited(lambda m: m.update(version=True)), "is of SOG version True"),
    "no count": (edited(lambda m: m.pop("count")), "states no number of Gaussians"),
    "no row": (edited(lambda m: m.update(count=0)), "holds 0 Gaussians"),
    "absurd count": (edited(lambda m: m.update(count=10**12)), "promises 1000000000000 Gaussians"),
    "too high a count": (edited(lambda m: m.update(count=ROWS * 9)), "means_l.webp is 8 x 7 pixels, 450 to"),
    "no scales": (edited(lambda m: m.pop("scales")), "has no 'scales'"),
    "no files": (edited(lambda m: m["quats"].pop("files")), "names no file number 0 of 'quats'"),
    "one file of two": (edited(lambda m: m["means"]["files"].pop()), "names no file number 1 of 'means'"),
    "a path": (edited(lambda m: m["quats"].update(files=["../quats.webp"])), "names no file number 0 of 'quats'"),
    "no bounds": (edited(lambda m: m["means"].update(mins=[0, 0])), "'mins' of 'means'"),
    "words": (edited(lambda m: m["means"].update(mins=["a", "b", "c"])), "'mins' of 'means'"),
    "infinite": (edited(lambda m: m["means"].update(mins=[float("inf")] * 3)), "'mins' of 'means'"),
    "a huge integer": (edited(lambda m: m["means"].update(mins=[10**400] * 3)), "a whole number of 401 digits"),
    "a long table": (edited(lambda m: m["scales"].update(codebook=[0.0] * 300)), "'codebook' of 'scales'"),
    "a text as picture": (replaced("sh0.webp", b"hello"), "not a picture"),
    "a cut picture": (lambda p, f: write_zip(p, {**f, "sh0.webp": f["sh0.webp"][:-40]}), "picture"),
    "a huge picture": (replaced("sh0.webp", huge_webp()), "16384 x 16384 pixels"),
    "a long picture": (replaced("sh0.webp", bytes(2 << 20)), "has more than"),
}


@pytest.mark.parametrize("name", CASES)
def test_damaged_files_are_refused_in_one_line(tmp_path, columns, name):
    make, says = CASES[name]
    path = tmp_path / "a.sog"
    make(path, pack(columns, 0, 2))
    with pytest.raises(InputError, match=says) as caught:
        read_splats(path)
    assert caught.value.path == str(path)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def test_harmonics_that_are_refused(tmp_path, columns):
    files = pack(columns, 1, 2)
    with pytest.raises(InputError, match="names a set of harmonics number"):
        read_splats(replaced("shN_labels.webp", picture(np.full((ROWS, 3), 255, np.uint8)))(tmp_path / "a.sog", files))
    with pytest.raises(InputError, match="100 pixels wide"):
        read_splats(replaced("shN_centroids.webp", webp(np.zeros((1, 100, 4), np.uint8)))(tmp_path / "a.sog", files))


def test_a_folder_that_is_not_whole(tmp_path, columns):
    (tmp_path / "meta.json").write_bytes(pack(columns, 0, 2)["meta.json"])
    with pytest.raises(InputError, match=r"names means_l\.webp, which is not beside it"):
        read_splats(tmp_path / "meta.json")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_take_any_memory_are_refused(tmp_path, columns, compression):
    path = write_zip(tmp_path / "a.sog", pack(columns, 0, 2), compression)
    with pytest.raises(InputError, match="a compression that no SOG has"):
        read_splats(path)


def test_a_bomb_takes_no_memory(tmp_path, columns):
    files = {**pack(columns, 0, 2), "means_l.webp": bytes(200 << 20)}
    path = write_zip(tmp_path / "a.sog", files, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="has more than"):
            read_splats(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_random_damage_is_read_or_named(tmp_path, columns):
    path = write_zip(tmp_path / "a.sog", pack(columns, 1, 2))
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(80):
        blob = bytearray(whole)
        for at in rng.integers(0, len(blob), 8):
            blob[at] = int(rng.integers(0, 256))
        path.write_bytes(blob)
        try:
            read_splats(path)
        except InputError:
            refused += 1
    assert refused > 20
