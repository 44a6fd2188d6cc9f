"""Eight pixels at once: the three inner steps of the processor's renderers, as vector code.

A Gaussian covers some ten pixels of a row; a compiler's own vector loops only begin to pay beyond thirty-two, and
then leave such runs to scalar code. These functions are therefore written as operations on vectors of `LANES`
floats (LLVM's, so every processor gets its own instructions: AVX, NEON, ...). Called from Numba code only.

The exponential is a degree-6 polynomial for exp(x / 8), squared three times: relative error below 5e-7 on the
range that is drawn, [-ln 255, 0]. Coefficients: least squares in relative error at Chebyshev points.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from gsseg.compiled import intrinsic
from gsseg.render.constants import ALPHA_MAX, TRANSMITTANCE_THRESHOLD

LANES = 8
"""Pixels in one block; blocks start at multiples of it."""

EXP_EIGHTH = (
    0.9999999967087265, 0.9999996080762148, 0.49999216036764454, 0.16660661133737534,
    0.04144344826107169, 0.007897736417481526, 0.0009497851151069217,
)  # fmt: skip
"""exp(y) on [-0.75, 0] = sum_k EXP_EIGHTH[k] y^k."""

_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTS = ir.VectorType(ir.IntType(32), LANES)
_FAST = ("fast",)


@intrinsic
def blend_block(typingctx, light, at, counts, weights, to, offset, curvature, height, lead, tail):
    """Draws one Gaussian over the pixels ``at .. at + LANES - 1`` and returns which of them took it.

    ``light`` (float32): transmittance of each pixel, 0 once finished; ``counts`` (int32): entries of each pixel;
    both are brought up to date. ``weights[to : to + LANES]`` receives alpha T, 0 where nothing is drawn.
    alpha = min(ALPHA_MAX, exp(curvature (offset + lane)^2 + height)) in lanes lead..tail, 0 elsewhere.
    Bits 0-7 of the result: drawn in this lane; bits 8-15: the lane's pixel is not finished.
    """
    f32, i32, i64 = types.float32, types.int32, types.int64
    signature = i64(light, i64, counts, weights, i64, f32, f32, f32, i32, i32)

    def codegen(context, b, signature, arguments):
        light, at, counts, weights, to, offset, curvature, height, lead, tail = arguments
        lane = ir.Constant(_INTS, list(range(LANES)))
        x = b.fadd(_all(b, offset), _floats(*np.arange(LANES, dtype=np.float64).tolist()), flags=_FAST)
        square = b.fmul(b.fmul(_all(b, curvature), x, flags=_FAST), x, flags=_FAST)
        y = b.fmul(b.fadd(square, _all(b, height), flags=_FAST), _floats(0.125), flags=_FAST)
        power = _floats(EXP_EIGHTH[-1])
        for coefficient in EXP_EIGHTH[-2::-1]:
            power = b.fadd(b.fmul(power, y, flags=_FAST), _floats(coefficient), flags=_FAST)
        for _ in range(3):
            power = b.fmul(power, power, flags=_FAST)
        alpha = b.select(b.fcmp_ordered("<", power, _floats(ALPHA_MAX)), power, _floats(ALPHA_MAX))
        inside = b.and_(b.icmp_signed(">=", lane, _all(b, lead)), b.icmp_signed("<=", lane, _all(b, tail)))
        alpha = b.select(inside, alpha, _floats(0.0))
        before = _load(context, b, signature.args[0], light, at, _FLOATS)
        weight = b.fmul(alpha, before)
        after = b.fsub(before, weight)
        # As in gsplat, the Gaussian that would end the pixel is not drawn, and nothing is after it.
        alive = b.fcmp_ordered(">", after, _floats(TRANSMITTANCE_THRESHOLD))
        weight = b.select(alive, weight, _floats(0.0))
        drawn = b.fcmp_ordered(">", weight, _floats(0.0))
        _store(context, b, signature.args[0], light, at, b.select(alive, after, _floats(0.0)))
        _store(context, b, signature.args[3], weights, to, weight)
        total = _load(context, b, signature.args[2], counts, at, _INTS)
        _store(context, b, signature.args[2], counts, at, b.add(total, b.zext(drawn, _INTS)))
        wide, bits = ir.IntType(64), ir.IntType(LANES)
        alive_bits = b.shl(b.zext(b.bitcast(alive, bits), wide), ir.Constant(wide, LANES))
        return b.or_(b.zext(b.bitcast(drawn, bits), wide), alive_bits)

    return signature, codegen


@intrinsic
def add_block(typingctx, out, at, weights, start, factor):
    """``out[at : at + LANES] += factor * weights[start : start + LANES]``, all float32."""
    signature = types.void(out, types.int64, weights, types.int64, types.float32)

    def codegen(context, b, signature, arguments):
        out, at, weights, start, factor = arguments
        weight = _load(context, b, signature.args[2], weights, start, _FLOATS)
        total = _load(context, b, signature.args[0], out, at, _FLOATS)
        total = b.fadd(total, b.fmul(weight, _all(b, factor), flags=_FAST), flags=_FAST)
        _store(context, b, signature.args[0], out, at, total)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def dot_block(typingctx, maps, at, weights, start):
    """``sum(maps[at : at + LANES] * weights[start : start + LANES])``, all float32."""
    signature = types.float32(maps, types.int64, weights, types.int64)

    def codegen(context, b, signature, arguments):
        maps, at, weights, start = arguments
        weight = _load(context, b, signature.args[2], weights, start, _FLOATS)
        product = b.fmul(weight, _load(context, b, signature.args[0], maps, at, _FLOATS), flags=_FAST)
        total = ir.Constant(ir.FloatType(), 0.0)
        for lane in range(LANES):
            total = b.fadd(total, b.extract_element(product, ir.Constant(ir.IntType(32), lane)), flags=_FAST)
        return total

    return signature, codegen


def _floats(*values: float) -> ir.Constant:
    """A constant vector: one value for all lanes, or one a lane."""
    rounded = [float(np.float32(value)) for value in values]
    return ir.Constant(_FLOATS, rounded if len(rounded) == LANES else rounded * LANES)


def _all(b: ir.IRBuilder, scalar):
    """The scalar in every lane."""
    vector = ir.VectorType(scalar.type, LANES)
    empty = ir.Constant(vector, ir.Undefined)
    single = b.insert_element(empty, scalar, ir.Constant(ir.IntType(32), 0))
    return b.shuffle_vector(single, empty, ir.Constant(_INTS, [0] * LANES))


def _pointer(context, b: ir.IRBuilder, kind, array, at, vector: ir.VectorType):
    data = context.make_array(kind)(context, b, array).data
    return b.bitcast(cgutils.gep_inbounds(b, data, at), vector.as_pointer())


def _load(context, b: ir.IRBuilder, kind, array, at, vector: ir.VectorType):
    # numpy promises the alignment of a float, not of a vector
    return b.load(_pointer(context, b, kind, array, at, vector), align=4)


def _store(context, b: ir.IRBuilder, kind, array, at, vector) -> None:
    b.store(vector, _pointer(context, b, kind, array, at, vector.type), align=4)
