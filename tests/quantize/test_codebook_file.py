"""Codebooks on disk: other writers' files are read, damaged and foreign ones refused."""

import numpy as np
import pytest

from gsseg.errors import InputError
from gsseg.quantize.residual.quantizer import ResidualKMeans


def rows(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 5)).astype(np.float32)


def test_either_byte_order_and_other_keys_are_read(tmp_path):
    book = rows(4)
    np.savez(tmp_path / "b.npz", codebook_0=book.astype(">f8"), codebook_1=book, note=np.zeros(2))
    loaded = ResidualKMeans.load(tmp_path / "b.npz")
    np.testing.assert_array_equal(np.stack(loaded.codebooks), np.stack([book, book]))


GOOD = np.ones((4, 3), np.float32)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"other": GOOD}, "no codebook_0"),
        ({"codebook_0": GOOD, "codebook_2": GOOD}, "no codebook_1"),
        ({"codebook_0": GOOD, "codebook_1": GOOD[:2]}, "codebook_1 is of shape"),
        ({"codebook_0": GOOD[0]}, "of shape (3,)"),
        ({"codebook_0": GOOD.astype(np.int32)}, "int32"),
        ({"codebook_0": GOOD * np.nan}, "NaN"),
        ({"codebook_0": GOOD.astype(np.float64) * 1e300}, "float32"),
        ({"codebook_0": np.array([{}, 1], dtype=object)}, "not a readable npz"),
    ],
)
def test_wrong_files_are_refused_in_one_line(tmp_path, arrays, said):
    path = tmp_path / "wrong.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError) as error:
        ResidualKMeans.load(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"", b"words", b"PK\x03\x04 cut short"])
def test_what_is_no_npz_is_refused(tmp_path, content):
    path = tmp_path / "wrong.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="npz"):
        ResidualKMeans.load(path)


def test_truncated_damaged_missing_and_npy_files_are_refused(tmp_path):
    path = tmp_path / "books.npz"
    ResidualKMeans(1, 4).fit(rows(40)).save(path)
    whole = path.read_bytes()
    way = whole.index(b"PK\x01\x02") + 10  # of compression, in the zip's directory
    packed_otherwise = whole[:way] + b"\x63" + whole[way + 1 :]
    for damaged in (whole[: len(whole) // 2], whole[:150] + b"\xff\xff\xff\xff" + whole[154:], packed_otherwise):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="npz"):
            ResidualKMeans.load(path)
    with pytest.raises(InputError, match="does not exist"):
        ResidualKMeans.load(tmp_path / "absent.npz")
    np.save(tmp_path / "one.npy", GOOD)
    with pytest.raises(InputError, match="not an npz"):
        ResidualKMeans.load(tmp_path / "one.npy")
