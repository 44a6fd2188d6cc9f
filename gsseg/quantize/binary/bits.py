"""Codes as bit planes, and integer products of codes by counting bits.

A row of components of `bits` bits is stored as `bits` planes, lowest bit first, one after another. A plane holds one
bit of every component: component i in byte i // 8, most significant bit first, padded with zeros to whole 64-bit
words. A plane of dim components takes `plane_bytes(dim)` = 8 ceil(dim / 64) bytes.

With planes x_b and y_c of two rows, their integer product is

    sum_i x_i y_i = sum_{b, c} 2^(b + c) popcount(x_b & y_c).

The layout is one of bytes. Counting common bits gives the same on every byte order, so words are only a way to read
eight bytes at once and never appear in a file.
"""

import numpy as np
from jaxtyping import UInt8, UInt64
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy import ndarray

from gsseg.compiled import intrinsic, njit

WORD_BYTES = 8


def plane_bytes(dim: int) -> int:
    """Bytes of one bit plane of ``dim`` components."""
    return -(-dim // (8 * WORD_BYTES)) * WORD_BYTES


def pack(components: UInt8[ndarray, "rows dim"], bits: int) -> UInt8[ndarray, "rows bytes"]:
    """The bit planes of each row; components are below 2^bits."""
    rows, dim = components.shape
    planes = np.zeros((rows, bits, plane_bytes(dim)), np.uint8)
    for bit in range(bits):
        plane = np.packbits((components >> bit) & 1, axis=1)
        planes[:, bit, : plane.shape[1]] = plane
    return planes.reshape(rows, bits * plane_bytes(dim))


def unpack(packed: UInt8[ndarray, "rows bytes"], dim: int, bits: int) -> UInt8[ndarray, "rows dim"]:
    """The components that `pack` was given."""
    planes = packed.reshape(len(packed), bits, plane_bytes(dim))
    components = np.zeros((len(packed), dim), np.uint8)
    for bit in range(bits):
        components |= np.unpackbits(planes[:, bit], axis=1, count=dim) << bit
    return components


def as_words(packed: UInt8[ndarray, "rows bytes"]) -> UInt64[ndarray, "rows words"]:
    """The same bytes, eight at a time (a copy only where they are not in order or not aligned)."""
    return np.require(packed, requirements=["C", "A"]).view(np.uint64)


def interleave(words: UInt64[ndarray, "rows words"], bits: int) -> UInt64[ndarray, "rows words"]:
    """Words of ``bits`` (4 or 8) planes a row in the order `products` takes queries: of the four lowest planes the four
    first words, the four second ones and so on, then those of the next four planes."""
    rows, size = words.shape
    groups = words.reshape(rows, bits // 4, 4, size // bits)
    return np.ascontiguousarray(groups.swapaxes(2, 3)).reshape(rows, size)


@njit(nogil=True, cache=True)
def pack_row(components, bits, planes):
    """As `pack`, for one row from compiled code."""
    size = len(planes) // bits
    for bit in range(bits):
        for byte in range(size):
            value = np.uint8(0)
            for i in range(8 * byte, min(8 * byte + 8, len(components))):
                value |= ((components[i] >> bit) & 1) << (7 - i % 8)
            planes[bit * size + byte] = value


@intrinsic
def _weighted_count(typingctx, words, at, size, query, query_at):
    """sum_w sum_c 2^c popcount(words[at + w] & query[query_at + 4 w + c]), c = 0..3, w = 0..size - 1.

    A word meets its four planes as one vector of four. Left to itself the compiler makes vectors of the words of one
    plane: on rows of a few words their remainders and final sums cost several times the counting.
    """
    signature = types.int64(words, types.int64, types.int64, query, types.int64)
    word_type, vector = ir.IntType(64), ir.VectorType(ir.IntType(64), 4)

    def codegen(context, b, signature, arguments):
        words, at, size, query, query_at = arguments
        kind = ir.FunctionType(vector, [vector])
        count = cgutils.get_or_insert_function(b.module, kind, "llvm.ctpop.v4i64")
        word_data = context.make_array(signature.args[0])(context, b, words).data
        query_data = context.make_array(signature.args[3])(context, b, query).data
        total = cgutils.alloca_once_value(b, ir.Constant(vector, [0] * 4))
        with cgutils.for_range(b, size) as loop:
            word = b.load(cgutils.gep_inbounds(b, word_data, b.add(at, loop.index)))
            single = b.insert_element(ir.Constant(vector, ir.Undefined), word, ir.Constant(ir.IntType(32), 0))
            four = b.shuffle_vector(
                single, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), 4), [0] * 4)
            )
            offset = b.add(query_at, b.shl(loop.index, ir.Constant(word_type, 2)))
            planes = b.bitcast(cgutils.gep_inbounds(b, query_data, offset), vector.as_pointer())
            common = b.call(count, [b.and_(four, b.load(planes, align=WORD_BYTES))])
            b.store(b.add(b.load(total), common), total)
        counts = b.load(total)
        result = ir.Constant(word_type, 0)
        for c in range(4):
            one = b.extract_element(counts, ir.Constant(ir.IntType(32), c))
            result = b.add(result, b.shl(one, ir.Constant(word_type, c)))
        return result

    return signature, codegen


@njit(nogil=True, cache=True)
def products(words, start, bits, query, query_row, query_bits, out):
    """Integer products of row ``query_row`` of ``query``, which `interleave` made, and the rows of ``words`` from
    ``start`` on, one for every place of ``out``."""
    size = words.shape[1] // bits
    for i in range(len(out)):
        total = 0
        for bit in range(bits):
            at = ((start + i) * bits + bit) * size
            for low in range(0, query_bits, 4):
                place = (query_row * query_bits + low) * size
                total += _weighted_count(words, at, size, query, place) << (bit + low)
        out[i] = total
