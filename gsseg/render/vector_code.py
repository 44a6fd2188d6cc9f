"""What vector code for eight pixels is made of: loads, stores, constants, and how a Gaussian falls off along a row.

The exponential is a degree-6 polynomial for exp(x / 8), squared three times: relative error below 5e-7 on the
range that is drawn, [-ln 255, 0]. Coefficients: least squares in relative error at Chebyshev points.
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from gsseg.render.constants import ALPHA_MAX

LANES = 8
"""Pixels in one block; blocks start at multiples of it."""

FLOATS = ir.VectorType(ir.FloatType(), LANES)
INTS = ir.VectorType(ir.IntType(32), LANES)
FAST = ("fast",)

EXP_EIGHTH = (
    0.9999999967087265, 0.9999996080762148, 0.49999216036764454, 0.16660661133737534,
    0.04144344826107169, 0.007897736417481526, 0.0009497851151069217,
)  # fmt: skip
"""exp(y) on [-0.75, 0] = sum_k EXP_EIGHTH[k] y^k."""


def falloff(b, offset, curvature, height, lead, tail):
    """Alpha of one Gaussian on a block: min(ALPHA_MAX, exp(curvature (offset + lane)^2 + height)) in lanes
    lead..tail, 0 elsewhere. Every kernel takes it from here, so that forward and backward see the same bits."""
    lane = ir.Constant(INTS, list(range(LANES)))
    x = b.fadd(broadcast(b, offset), floats(*np.arange(LANES, dtype=np.float64).tolist()), flags=FAST)
    square = b.fmul(b.fmul(broadcast(b, curvature), x, flags=FAST), x, flags=FAST)
    y = b.fmul(b.fadd(square, broadcast(b, height), flags=FAST), floats(0.125), flags=FAST)
    power = floats(EXP_EIGHTH[-1])
    for coefficient in EXP_EIGHTH[-2::-1]:
        power = b.fadd(b.fmul(power, y, flags=FAST), floats(coefficient), flags=FAST)
    for _ in range(3):
        power = b.fmul(power, power, flags=FAST)
    alpha = b.select(b.fcmp_ordered("<", power, floats(ALPHA_MAX)), power, floats(ALPHA_MAX))
    inside = b.and_(b.icmp_signed(">=", lane, broadcast(b, lead)), b.icmp_signed("<=", lane, broadcast(b, tail)))
    return b.select(inside, alpha, floats(0.0))


def floats(*values: float) -> ir.Constant:
    """A constant vector: one value for all lanes, or one a lane."""
    rounded = [float(np.float32(value)) for value in values]
    return ir.Constant(FLOATS, rounded if len(rounded) == LANES else rounded * LANES)


def broadcast(b: ir.IRBuilder, scalar):
    """The scalar in every lane."""
    vector = ir.VectorType(scalar.type, LANES)
    empty = ir.Constant(vector, ir.Undefined)
    single = b.insert_element(empty, scalar, ir.Constant(ir.IntType(32), 0))
    return b.shuffle_vector(single, empty, ir.Constant(INTS, [0] * LANES))


def vector_pointer(context, b: ir.IRBuilder, kind, array, at, vector: ir.VectorType):
    data = context.make_array(kind)(context, b, array).data
    return b.bitcast(cgutils.gep_inbounds(b, data, at), vector.as_pointer())


def load_vector(context, b: ir.IRBuilder, kind, array, at, vector: ir.VectorType):
    # numpy promises the alignment of a float, not of a vector
    return b.load(vector_pointer(context, b, kind, array, at, vector), align=4)


def store_vector(context, b: ir.IRBuilder, kind, array, at, vector) -> None:
    b.store(vector, vector_pointer(context, b, kind, array, at, vector.type), align=4)
