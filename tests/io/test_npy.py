"""``.npy``: what numpy saves is read bit for bit, and a header is judged before numpy sees it."""

import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from gsseg.errors import InputError
from gsseg.io.npy import read_npy

SHAPES = st_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
DTYPES = ["?", "<i1", "<u1", "<i2", ">i2", "<u4", "<i8", "<f2", "<f4", ">f8"]


@settings(max_examples=60, deadline=None)
@given(
    array=st.sampled_from(DTYPES).flatmap(lambda kind: st_numpy.arrays(np.dtype(kind), SHAPES)),
    fortran=st.booleans(),
    mapped=st.booleans(),
    version=st.sampled_from([(1, 0), (2, 0), (3, 0)]),
)
def test_what_numpy_saves_is_read_bit_for_bit(tmp_path_factory, array, fortran, mapped, version):
    path = tmp_path_factory.mktemp("npy") / "a.npy"
    with path.open("wb") as stream:
        np.lib.format.write_array(stream, np.asarray(array, order="F" if fortran else "C"), version)
    back = read_npy(path, mapped)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def spell(header: str, body: bytes = bytes(64)) -> bytes:
    text = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + body


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,3,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }",
    ],
)
def test_other_writers_spellings(tmp_path, header):
    (tmp_path / "a.npy").write_bytes(spell(header))
    assert read_npy(tmp_path / "a.npy").shape == (2, 3)


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
CASES = {
    "hello": b"hello",
    "the magic alone": b"\x93NUMPY",
    "version 9": b"\x93NUMPY\x09\0" + spell(GOOD)[8:],
    "objects": spell(GOOD.replace("<f4", "|O")),
    "texts": spell(GOOD.replace("<f4", "<U4")),
    "a structure": spell(GOOD.replace("'<f4'", "[('a', '<f4')]")),
    "nested": spell(GOOD.replace("(2, 3)", "(" * 500 + ")" * 500)),
    "a call": spell(GOOD.replace("(2, 3)", "(2, __import__('os').getpid())")),
    "negative": spell(GOOD.replace("(2, 3)", "(2, -3)")),
    "other digits": spell(GOOD.replace("(2, 3)", "(\xb2, 3)")),
    "thousands of digits": spell(GOOD.replace("(2, 3)", "(" + "9" * 5000 + ",)")),
    "a float8": spell(GOOD.replace("<f4", "<f1")),
    "forty axes": spell(GOOD.replace("(2, 3)", "(" + "1, " * 40 + ")")),
    "a long header": b"\x93NUMPY\2\0" + struct.pack("<I", 1 << 31) + GOOD.encode() + bytes(1 << 16),
    "cut": spell(GOOD, bytes(23)),
    "too many": spell(GOOD.replace("(2, 3)", "(999999999999, 999999999999)")),
    "none, absurdly": spell(GOOD.replace("(2, 3)", "(0, 999999999999, 999999999999)")),
}


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_others_are_refused_without_memory(tmp_path, name, mapped):
    path = tmp_path / "a.npy"
    path.write_bytes(CASES[name])
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            read_npy(path, mapped)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.path == str(path)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)
