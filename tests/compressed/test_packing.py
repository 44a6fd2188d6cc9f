"""A stream gives back what was packed, in as many bits as it should take."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsseg.compressed.packing import bits_for, pack, packed_size, unpack


@given(st.integers(1, 32), st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_unpack_inverts_pack(width, items, seed):
    values = np.random.default_rng(seed).integers(0, 1 << width, items)
    stream = pack(values, width)
    assert len(stream) == packed_size(items, width) == -(-items * width // 8)
    assert np.array_equal(unpack(stream, width, items), values)


def test_blocks_join_without_a_seam():
    values = np.random.default_rng(0).integers(0, 1 << 13, 200_001)
    assert np.array_equal(unpack(pack(values, 13), 13, len(values)), values)


def test_the_stream_is_the_documented_one():
    # 5 = 101, 3 = 011, 6 = 110: bits 101 110 011 from the first, so bytes 0b10011101 and 0b1.
    assert pack(np.array([5, 3, 6]), 3).tolist() == [0b10011101, 0b1]


@pytest.mark.parametrize(("count", "bits"), [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (2560, 12), (65536, 16)])
def test_bits_tell_values_apart(count, bits):
    assert bits_for(count) == bits


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="do not fit 3 bits"):
        pack(np.array([8]), 3)
    with pytest.raises(ValueError, match="do not fit"):
        pack(np.array([-1]), 3)
    with pytest.raises(ValueError, match="1 to 32"):
        pack(np.array([1]), 33)
    with pytest.raises(ValueError, match="2 bytes do not hold 9 numbers of 2 bits"):
        unpack(np.zeros(2, np.uint8), 2, 9)
