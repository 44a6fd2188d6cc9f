"""Bit planes: packing is undone by unpacking, and counting common bits multiplies codes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsseg.quantize.binary.bits import as_words, interleave, pack, pack_row, plane_bytes, products, unpack

WIDTHS = (1, 2, 4, 7, 8)


def components(rows: int, dim: int, bits: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**bits, (rows, dim)).astype(np.uint8)


def counted(words: np.ndarray, bits: int, query: np.ndarray, query_bits: int, start: int = 0) -> np.ndarray:
    """Products of all queries and the rows from ``start`` on."""
    out = np.full((len(query), len(words) - start), -1, np.int64)
    for q, row in enumerate(out):
        products(words, start, bits, query, q, query_bits, row)
    return out


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.sampled_from(WIDTHS), st.integers(0, 5), st.integers(0, 99))
def test_unpacking_undoes_packing(dim, bits, rows, seed):
    given_codes = components(rows, dim, bits, seed)
    packed = pack(given_codes, bits)
    assert packed.shape == (rows, bits * plane_bytes(dim))
    np.testing.assert_array_equal(unpack(packed, dim, bits), given_codes)


@pytest.mark.parametrize("dim", [1, 7, 8, 9, 63, 64, 65, 128, 200])
@pytest.mark.parametrize("bits", WIDTHS)
def test_compiled_packing_is_the_plain_one(dim, bits):
    codes = components(3, dim, bits, dim)
    planes = np.full((3, bits * plane_bytes(dim)), 255, np.uint8)
    for row, out in zip(codes, planes, strict=True):
        pack_row(row, bits, out)
    np.testing.assert_array_equal(planes, pack(codes, bits))


@pytest.mark.parametrize("query_bits", [4, 8])
@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("dim", [1, 64, 65, 300])
def test_counting_bits_is_the_integer_product(dim, bits, query_bits):
    codes, asked = components(5, dim, bits, 1), components(4, dim, query_bits, 2)
    words, query = as_words(pack(codes, bits)), interleave(as_words(pack(asked, query_bits)), query_bits)
    expected = asked.astype(np.int64) @ codes.T.astype(np.int64)
    np.testing.assert_array_equal(counted(words, bits, query, query_bits), expected)
    np.testing.assert_array_equal(counted(words, bits, query, query_bits, start=2), expected[:, 2:])


def test_one_bit_goes_to_the_byte_of_its_component_most_significant_first():
    codes = np.zeros((1, 70), np.uint8)
    codes[0, [0, 9, 69]] = 1
    packed = pack(codes, 1)[0]
    assert packed.tolist() == [0b10000000, 0b01000000, 0, 0, 0, 0, 0, 0, 0b00000100, 0, 0, 0, 0, 0, 0, 0]


def test_planes_stand_one_after_another_lowest_bit_first():
    planes = pack(np.array([[0b0110]], np.uint8), 4)[0].reshape(4, 8)
    assert planes[:, 0].tolist() == [0, 128, 128, 0]
    assert planes[:, 1:].sum() == 0


def test_words_are_read_from_any_memory():
    packed = pack(components(6, 100, 2, 3), 2)
    shifted = np.zeros(packed.size + 1, np.uint8)[1:].reshape(packed.shape)
    shifted[:] = packed
    np.testing.assert_array_equal(as_words(shifted), as_words(packed))
    np.testing.assert_array_equal(as_words(packed[::2]), as_words(packed)[::2])


def test_the_byte_order_of_words_does_not_matter():
    codes, asked = as_words(pack(components(5, 200, 1, 4), 1)), as_words(pack(components(3, 200, 4, 5), 4))
    straight = counted(codes, 1, interleave(asked, 4), 4)
    swapped = counted(codes.byteswap(), 1, interleave(asked.byteswap(), 4), 4)
    np.testing.assert_array_equal(straight, swapped)
