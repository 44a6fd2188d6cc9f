"""Eight pixels at once: the inner steps of drawing three colours, and of the way back, as vector code.

`blend_block` of `pixel_blocks` lists weights for whoever wants W; these two use a weight at once and forget it, because
while geometry is learnt no W lives longer than one step. Called from Numba code only.
"""

from llvmlite import ir
from numba import types

from gsseg.compiled import intrinsic
from gsseg.render.constants import ALPHA_MAX, TRANSMITTANCE_THRESHOLD
from gsseg.render.vector_code import FAST, FLOATS, LANES, broadcast, falloff, floats, load_vector, store_vector

SUMS = 9
"""Vectors that `gradient_block` adds up for one Gaussian: six moments of the gradient of ln alpha, three colours."""


@intrinsic
def draw_block(typingctx, light, picture, plane, at, offset, curvature, height, lead, tail, red, green, blue):
    """Draws one Gaussian of one colour over the pixels ``at .. at + LANES - 1``; whether any of them takes more.

    ``light`` (float32): transmittance of each pixel, negative once it is finished; ``picture``: three planes of
    ``plane`` float32 each, to which alpha T colour is added. The other arguments are those of `blend_block`.
    """
    f32, i32, i64 = types.float32, types.int32, types.int64
    signature = types.boolean(light, picture, i64, i64, f32, f32, f32, i32, i32, f32, f32, f32)

    def codegen(context, b, signature, arguments):
        light, picture, plane, at, offset, curvature, height, lead, tail, *colour = arguments
        kinds = signature.args
        alpha = falloff(b, offset, curvature, height, lead, tail)
        _, weight, after, alive = _blend(context, b, kinds[0], light, at, alpha)
        store_vector(context, b, kinds[0], light, at, after)
        place = at
        for channel in colour:
            total = load_vector(context, b, kinds[1], picture, place, FLOATS)
            total = b.fadd(total, b.fmul(weight, broadcast(b, channel), flags=FAST), flags=FAST)
            store_vector(context, b, kinds[1], picture, place, total)
            place = b.add(place, plane)
        return _any(b, alive)

    return signature, codegen


@intrinsic
def gradient_block(
    typingctx, light, behind, gradient, plane, at, sums, offset, curvature, height, lead, tail, dy, red, green, blue
):
    """The way back over the block that `draw_block` drew, front to back again; whether any pixel takes more.

    ``gradient``: three planes, dL / d picture; ``behind``: for each pixel the sum over what is still to be drawn
    of gradient . colour, at first that of the whole picture. With r the part of it that lies behind this Gaussian,

        dL / d ln alpha = w (gradient . colour - r / T'),    w = alpha T,   T' = T - w

    so nothing has to be kept of the way forward but the finished picture (T' is above `TRANSMITTANCE_THRESHOLD`).
    ``sums``: `SUMS` vectors: that gradient times 1, u, u^2, dy, dy^2, u dy (u = offset + lane), and w times the
    gradient of each channel. No gradient where alpha is held at `ALPHA_MAX`.
    """
    f32, i32, i64 = types.float32, types.int32, types.int64
    signature = types.boolean(
        light, behind, gradient, i64, i64, sums, f32, f32, f32, i32, i32, f32, f32, f32, f32
    )  # fmt: skip

    def codegen(context, b, signature, arguments):
        light, behind, gradient, plane, at, sums, offset, curvature, height, lead, tail, dy, *colour = arguments
        kinds = signature.args
        alpha = falloff(b, offset, curvature, height, lead, tail)
        _, weight, after, alive = _blend(context, b, kinds[0], light, at, alpha)
        store_vector(context, b, kinds[0], light, at, after)
        drawn = b.fcmp_ordered(">", weight, floats(0.0))
        channels, place = [], at
        seen = floats(0.0)
        for channel in colour:
            slope = load_vector(context, b, kinds[2], gradient, place, FLOATS)
            seen = b.fadd(seen, b.fmul(slope, broadcast(b, channel), flags=FAST), flags=FAST)
            channels.append(b.fmul(weight, slope, flags=FAST))
            place = b.add(place, plane)
        rest = load_vector(context, b, kinds[1], behind, at, FLOATS)
        rest = b.fsub(rest, b.fmul(weight, seen, flags=FAST), flags=FAST)
        store_vector(context, b, kinds[1], behind, at, rest)
        # Where nothing was drawn T' may be 0: the division is made harmless, and its result not used.
        safe = b.select(drawn, after, floats(1.0))
        slope = b.fmul(weight, b.fsub(seen, b.fdiv(rest, safe, flags=FAST), flags=FAST), flags=FAST)
        free = b.and_(drawn, b.fcmp_ordered("<", alpha, floats(ALPHA_MAX)))
        slope = b.select(free, slope, floats(0.0))
        u = b.fadd(broadcast(b, offset), floats(*map(float, range(LANES))), flags=FAST)
        across = broadcast(b, dy)
        slope_u, slope_dy = b.fmul(slope, u, flags=FAST), b.fmul(slope, across, flags=FAST)
        terms = [
            slope, slope_u, b.fmul(slope_u, u, flags=FAST),
            slope_dy, b.fmul(slope_dy, across, flags=FAST), b.fmul(slope_u, across, flags=FAST),
            *channels,
        ]  # fmt: skip
        for k, term in enumerate(terms):
            to = ir.Constant(ir.IntType(64), k * LANES)
            total = load_vector(context, b, kinds[5], sums, to, FLOATS)
            store_vector(context, b, kinds[5], sums, to, b.fadd(total, term, flags=FAST))
        return _any(b, alive)

    return signature, codegen


def _blend(context, b: ir.IRBuilder, kind, light, at, alpha):
    """Transmittance before, weight, transmittance after (negative: finished), and which lanes go on."""
    before = load_vector(context, b, kind, light, at, FLOATS)
    weight = b.fmul(alpha, before)
    after = b.fsub(before, weight)
    # The Gaussian that would end the pixel is not drawn. The light that was left then is the background's, so it is
    # kept, with a minus that ends the pixel for all that follow.
    alive = b.fcmp_ordered(">", after, floats(TRANSMITTANCE_THRESHOLD))
    going = b.fcmp_ordered(">", before, floats(0.0))
    ended = b.select(going, b.fsub(floats(0.0), before), before)
    return before, b.select(alive, weight, floats(0.0)), b.select(alive, after, ended), alive


def _any(b: ir.IRBuilder, lanes):
    bits = b.bitcast(lanes, ir.IntType(LANES))
    return b.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))
