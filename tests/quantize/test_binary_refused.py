"""The binary quantizer: its files, and what it refuses."""

import io
import zipfile

import numpy as np
import pytest

from gsseg.errors import InputError
from gsseg.quantize.binary.accuracy import measure_accuracy
from gsseg.quantize.binary.bits import pack
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.quantize.binary.quantizer import BinaryQuantizer


@pytest.mark.parametrize("options", [{}, {"bits": 8, "similarity": "cosine"}, {"rotate": True, "seed": 7}])
def test_a_file_gives_back_what_was_saved(tmp_path, options, gaussian, assert_same):
    vectors = gaussian(21, 100)
    codes = BinaryQuantizer.fit(vectors, **options).encode(vectors)
    codes.save(tmp_path / "codes.npz")
    assert_same(BinaryCodes.load(tmp_path / "codes.npz"), codes)
    assert [path.name for path in tmp_path.iterdir()] == ["codes.npz"]
    again = BinaryQuantizer.of(BinaryCodes.load(tmp_path / "codes.npz"))
    np.testing.assert_array_equal(again.estimate(vectors, codes), BinaryQuantizer.of(codes).estimate(vectors, codes))


def test_a_file_of_the_other_byte_order_is_the_same(tmp_path, gaussian, assert_same):
    vectors = gaussian(5, 70)
    codes = BinaryQuantizer.fit(vectors).encode(vectors)
    codes.save(tmp_path / "codes.npz")
    with np.load(tmp_path / "codes.npz") as file:
        arrays = dict(file)
    assert {array.dtype.str for array in arrays.values()} >= {"<f4", "|u1", "<u2", "<i4", "<i8"}
    swapped = {name: array.astype(array.dtype.newbyteorder(">")) for name, array in arrays.items()}
    assert swapped["lower"].dtype.str == ">f4"
    np.savez(tmp_path / "swapped.npz", **swapped)
    assert_same(BinaryCodes.load(tmp_path / "swapped.npz"), codes)


def test_damaged_and_foreign_files_are_refused(tmp_path, gaussian):
    vectors = gaussian(40, 100)
    BinaryQuantizer.fit(vectors).encode(vectors).save(tmp_path / "codes.npz")
    whole = (tmp_path / "codes.npz").read_bytes()
    other, empty_zip, pickled = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.savez(other, centroid=np.ones(3))
    zipfile.ZipFile(empty_zip, "w").close()
    np.savez(pickled, format=np.array([{}], object))
    files = {
        "half": whole[: len(whole) // 2],
        "end": whole[:-30],
        "empty": b"",
        "text": b"ply\nformat ascii 1.0\n",
        "other": other.getvalue(),
        "zip": empty_zip.getvalue(),
        "pickled": pickled.getvalue(),
    }
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError, match=name) as caught:
            BinaryCodes.load(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="does not exist"):
        BinaryCodes.load(tmp_path / "absent")


def test_no_damaged_value_is_believed(tmp_path, gaussian, assert_same):
    vectors = gaussian(12, 20)
    codes = BinaryQuantizer.fit(vectors).encode(vectors)
    codes.save(tmp_path / "codes.npz")
    whole, refused = (tmp_path / "codes.npz").read_bytes(), 0
    for position in np.random.default_rng(0).permutation(len(whole))[:200]:
        damaged = bytearray(whole)
        damaged[position] ^= 1 << (position % 8)
        (tmp_path / "damaged.npz").write_bytes(damaged)
        try:
            # What is not covered by a checksum, such as the time of writing, changes nothing.
            assert_same(BinaryCodes.load(tmp_path / "damaged.npz"), codes)
        except InputError:
            refused += 1
    assert refused > 120


@pytest.mark.parametrize(("name", "change"), [
    ("packed", lambda a: a[:, :8]), ("packed", lambda a: a.astype(np.uint16)), ("lower", lambda a: a[:-1]),
    ("upper", lambda a: a * np.float32(np.nan)), ("centroid", lambda a: a[:20]), ("component_sum", lambda a: a[:2]),
    ("bits", lambda a: a + 2), ("similarity", lambda a: np.array("hamming")), ("format", lambda a: np.array("v2")),
    ("bits", lambda a: np.array([1, 1])), ("lower", lambda a: a[:, None]),
])  # fmt: skip
def test_files_with_wrong_contents_are_refused(tmp_path, name, change, gaussian):
    vectors = gaussian(9, 100)
    BinaryQuantizer.fit(vectors).encode(vectors).save(tmp_path / "codes.npz")
    with np.load(tmp_path / "codes.npz") as file:
        arrays = dict(file)
    np.savez(tmp_path / "wrong.npz", **(arrays | {name: change(arrays[name])}))
    with pytest.raises(InputError, match=r"wrong\.npz: .+; write it again"):
        BinaryCodes.load(tmp_path / "wrong.npz")


# wrong values


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("options", [{}, {"similarity": "cosine"}, {"rotate": True}, {"bits": 8}])
def test_rows_that_are_not_finite_are_named(value, options, gaussian):
    good = gaussian(30, 20)
    quantizer = BinaryQuantizer.fit(good, **options)
    bad = good.copy()
    bad[[4, 17], [3, 0]] = value
    for call in (lambda: BinaryQuantizer.fit(bad, **options), lambda: quantizer.encode(bad),
                 lambda: quantizer.encode_query(bad)):  # fmt: skip
        with pytest.raises(ValueError, match=r"rows 4, 17 hold values that are NaN or infinite"):
            call()


def test_rows_without_direction_are_named(gaussian):
    good = gaussian(30, 20)
    bad = good.copy()
    bad[3], bad[5], bad[6] = 0, 1e-30, 1e25
    for call in (lambda: BinaryQuantizer.fit(bad, "cosine"), lambda: BinaryQuantizer.fit(good, "cosine").encode(bad)):
        with pytest.raises(ValueError, match="rows 3, 5, 6 have no direction"):
            call()
    assert len(BinaryQuantizer.fit(good).encode(bad[:6])) == 6


def test_rows_that_overflow_are_named(gaussian):
    vectors = gaussian(30, 20)
    quantizer = BinaryQuantizer.fit(vectors)
    vectors[8, 2] = 1e20
    with pytest.raises(ValueError, match="rows 8 are too long"):
        quantizer.encode(vectors)
    with pytest.raises(ValueError, match="rows 0 hold values that are NaN or infinite"):
        quantizer.encode(np.full((1, 20), 1e300))
    with pytest.raises(ValueError, match="overflows float32"):
        BinaryQuantizer.fit(np.full((4, 20), 3e38, np.float32))


def test_many_bad_rows_are_not_all_listed():
    with pytest.raises(ValueError, match=r"rows 0, 1, .*, 9 and 90 more hold"):
        BinaryQuantizer.fit(np.full((100, 3), np.nan, np.float32))


@pytest.mark.parametrize(("options", "words"), [
    ({"bits": 3}, "bits is one of 1, 2, 4, 7, 8"), ({"bits": 4, "intervals": "exact"}, "one bit"),
    ({"query_bits": 5}, "4 or 8"),
])  # fmt: skip
def test_wrong_options_are_refused(options, words, gaussian):
    with pytest.raises(ValueError, match=words):
        BinaryQuantizer.fit(gaussian(5, 8), **options)


def test_what_does_not_belong_together_is_refused(gaussian):
    vectors = gaussian(5, 8)
    quantizer = BinaryQuantizer.fit(vectors)
    codes = quantizer.encode(vectors)
    with pytest.raises(ValueError, match="9 components, the centroid has 8"):
        quantizer.encode(gaussian(2, 9))
    with pytest.raises(ValueError, match="different centroids"):
        BinaryQuantizer.fit(gaussian(5, 8, 1)).estimate(vectors, codes)
    with pytest.raises(ValueError, match="different centroids, similarities or rotations"):
        BinaryQuantizer(quantizer.centroid, rotation=3).estimate(vectors, codes)
    with pytest.raises(ValueError, match="4 or 8 bits"):
        quantizer.estimate(codes, codes)
    with pytest.raises(ValueError, match="no vectors"):
        BinaryQuantizer.fit(vectors[:0])
    with pytest.raises(ValueError, match="3 codes of 5 vectors"):
        measure_accuracy(quantizer, vectors, vectors, codes.take([0, 1, 2]), k=1)
    with pytest.raises(ValueError, match="centroid is one vector"):
        BinaryQuantizer(np.full(8, np.nan, np.float32))
    with pytest.raises(ValueError, match="pack to 8 bytes"):
        BinaryCodes(pack(np.ones((5, 80), np.uint8), 1), codes.lower, codes.upper, codes.additional,
                    codes.component_sum, codes.centroid, "euclidean", 1)  # fmt: skip


def test_nothing_encodes_to_nothing(gaussian):
    quantizer = BinaryQuantizer.fit(gaussian(5, 8))
    codes = quantizer.encode(np.empty((0, 8), np.float32))
    assert len(codes) == 0
    assert quantizer.estimate(gaussian(3, 8), codes).shape == (3, 0)
