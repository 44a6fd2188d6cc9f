"""Eight pixels at once: the three inner steps of the processor's renderers, as vector code.

A Gaussian covers some ten pixels of a row; a compiler's own vector loops only begin to pay beyond thirty-two, and
then leave such runs to scalar code. These functions are therefore written as operations on vectors of `LANES`
floats (LLVM's, so every processor gets its own instructions: AVX, NEON, ...). Called from Numba code only.
"""

from llvmlite import ir
from numba import types

from gsseg.compiled import intrinsic
from gsseg.render.constants import TRANSMITTANCE_THRESHOLD
from gsseg.render.vector_code import FAST, FLOATS, INTS, LANES, broadcast, falloff, floats, load_vector, store_vector


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
        alpha = falloff(b, offset, curvature, height, lead, tail)
        before = load_vector(context, b, signature.args[0], light, at, FLOATS)
        weight = b.fmul(alpha, before)
        after = b.fsub(before, weight)
        # As in gsplat, the Gaussian that would end the pixel is not drawn, and nothing is after it.
        alive = b.fcmp_ordered(">", after, floats(TRANSMITTANCE_THRESHOLD))
        weight = b.select(alive, weight, floats(0.0))
        drawn = b.fcmp_ordered(">", weight, floats(0.0))
        store_vector(context, b, signature.args[0], light, at, b.select(alive, after, floats(0.0)))
        store_vector(context, b, signature.args[3], weights, to, weight)
        total = load_vector(context, b, signature.args[2], counts, at, INTS)
        store_vector(context, b, signature.args[2], counts, at, b.add(total, b.zext(drawn, INTS)))
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
        weight = load_vector(context, b, signature.args[2], weights, start, FLOATS)
        total = load_vector(context, b, signature.args[0], out, at, FLOATS)
        total = b.fadd(total, b.fmul(weight, broadcast(b, factor), flags=FAST), flags=FAST)
        store_vector(context, b, signature.args[0], out, at, total)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def dot_block(typingctx, maps, at, weights, start):
    """``sum(maps[at : at + LANES] * weights[start : start + LANES])``, all float32."""
    signature = types.float32(maps, types.int64, weights, types.int64)

    def codegen(context, b, signature, arguments):
        maps, at, weights, start = arguments
        weight = load_vector(context, b, signature.args[2], weights, start, FLOATS)
        product = b.fmul(weight, load_vector(context, b, signature.args[0], maps, at, FLOATS), flags=FAST)
        total = ir.Constant(ir.FloatType(), 0.0)
        for lane in range(LANES):
            total = b.fadd(total, b.extract_element(product, ir.Constant(ir.IntType(32), lane)), flags=FAST)
        return total

    return signature, codegen
