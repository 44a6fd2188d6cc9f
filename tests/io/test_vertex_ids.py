"""Ids of vertices from every kind of file that tools write."""

from pathlib import Path

import numpy as np
import pytest

from gsseg.errors import InputError
from gsseg.io.ply import write_splats
from gsseg.io.vertex_ids import read_vertex_ids

IDS = np.array([3, -1, 0, 7, -5, 2**31 - 1])


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64])
@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_arrays(tmp_path: Path, dtype, shape) -> None:
    np.save(tmp_path / "a.npy", IDS.astype(dtype).reshape(shape))
    assert read_vertex_ids(tmp_path / "a.npy").tolist() == [3, -1, 0, 7, -1, 2**31 - 1]
    assert read_vertex_ids(tmp_path / "a.npy", none=0).tolist() == [3, -1, -1, 7, -1, 2**31 - 1]


def test_unsigned_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([0, 255], np.uint8))
    assert read_vertex_ids(tmp_path / "a.npy", none=255).tolist() == [0, -1]


def test_text_and_columns(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("3\n-1\n 0\n7.0\n")
    assert read_vertex_ids(tmp_path / "a.txt").tolist() == [3, -1, 0, 7]
    columns = np.zeros(3, [("x", "<f4"), ("label", "<u2"), ("mine", "<i4")])
    columns["label"], columns["mine"] = [5, 0, 9], [1, 2, -3]
    write_splats(tmp_path / "a.ply", columns)
    assert read_vertex_ids(tmp_path / "a.ply").tolist() == [5, 0, 9]
    assert read_vertex_ids(tmp_path / "a.ply", column="mine").tolist() == [1, 2, -1]
    with pytest.raises(InputError, match=r"has no column other \(there: x, label, mine\)"):
        read_vertex_ids(tmp_path / "a.ply", column="other")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes"),
        (b"1\n2.5\n", "fractions"),
        (b"1\nnan\n", "fractions"),
        (b"99999999999\n", "absurd"),
        (b"one\n", "no list of whole numbers"),
        (b"   \n", "no list of ids"),
        (b"\x93NUMPY\1\0", "can be read"),
        (b"ply\nformat ascii 1.0\nend_header\n", "no vertices"),
    ],
)
def test_what_holds_no_ids(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_vertex_ids(tmp_path / "a")
