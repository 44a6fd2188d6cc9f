"""A row of one Gaussian, eight pixels at once: drawing three colours, and the way back, as vector code.

`blend_block` of `pixel_blocks` lists weights for whoever wants W; these two use a weight at once and forget it, because
while geometry is learnt no W lives longer than one step. Called from Numba code only.
"""

from contextlib import contextmanager

from llvmlite import ir
from numba import types
from numba.core import cgutils

from gsseg.compiled import intrinsic
from gsseg.render.constants import ALPHA_MAX, TRANSMITTANCE_THRESHOLD
from gsseg.render.vector_code import FAST, FLOATS, LANES, broadcast, falloff, floats, load_vector, store_vector

SUMS = 9
"""Vectors that `gradient_row` adds up for one Gaussian: six moments of the gradient of ln alpha, three colours."""


@intrinsic
def draw_row(typingctx, light, alive, picture, plane, at, blocks, x0, x1, centre, curvature, height, red, green, blue):
    """Draws one Gaussian of one colour over the pixels x0..x1 of a row, in whole blocks.

    ``light`` (float32): transmittance of each pixel, negative once it is finished; ``alive`` (uint8): 0 for blocks all
    of whose pixels are; ``picture``: three planes of ``plane`` float32 each, to which alpha T colour is added.
    ``at``, ``blocks``: where the row begins in ``light`` and ``picture``, and in ``alive``.
    alpha = min(ALPHA_MAX, exp(curvature (x - centre)^2 + height)).
    """
    f32, f64, i64 = types.float32, types.float64, types.int64
    signature = types.void(light, alive, picture, i64, i64, i64, i64, i64, f64, f32, f32, f32, f32, f32)

    def codegen(context, b, signature, arguments):
        light, alive, picture, plane, at, blocks, x0, x1, centre, curvature, height, *colour = arguments
        kinds = signature.args
        channels = [broadcast(b, channel) for channel in colour]
        with _alive_blocks(context, b, kinds[1], alive, blocks, x0, x1) as (x, flag):
            place = b.add(at, x)
            alpha = falloff(b, *_placed(b, x, x0, x1, centre, curvature, height))
            weight, after, going = _blend(context, b, kinds[0], light, place, alpha)
            store_vector(context, b, kinds[0], light, place, after)
            for channel in channels:
                total = load_vector(context, b, kinds[2], picture, place, FLOATS)
                total = b.fadd(total, b.fmul(weight, channel, flags=FAST), flags=FAST)
                store_vector(context, b, kinds[2], picture, place, total)
                place = b.add(place, plane)
            b.store(_any(b, going), flag)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def gradient_row(
    typingctx, light, alive, behind, gradient, plane, at, blocks, sums, x0, x1, centre, curvature, height, dy,
    red, green, blue,
):  # fmt: skip
    """The way back over the row that `draw_row` drew, front to back again.

    ``gradient``: three planes, dL / d picture; ``behind``: for each pixel the sum over what is still to be drawn
    of gradient . colour, at first that of the whole picture. With r the part of it that lies behind this Gaussian,

        dL / d ln alpha = w (gradient . colour - r / T'),    w = alpha T,   T' = T - w

    so nothing has to be kept of the way forward but the finished picture (T' is above `TRANSMITTANCE_THRESHOLD`).
    ``sums``: `SUMS` vectors: that gradient times 1, u, u^2, dy, dy^2, u dy (u = x - centre), and w times the gradient
    of each channel. No gradient where alpha is held at `ALPHA_MAX`. What a row adds stays in registers until its end,
    where dy, which is the same for all of it, makes six moments of three.
    """
    f32, f64, i64 = types.float32, types.float64, types.int64
    signature = types.void(
        light, alive, behind, gradient, i64, i64, i64, sums, i64, i64, f64, f32, f32, f32, f32, f32, f32
    )  # fmt: skip

    def codegen(context, b, signature, arguments):
        light, alive, behind, gradient, plane, at, blocks, sums, x0, x1, centre, curvature, height, dy = arguments[:14]
        kinds = signature.args
        channels = [broadcast(b, channel) for channel in arguments[14:]]
        totals = [cgutils.alloca_once(b, FLOATS) for _ in range(6)]
        for total in totals:
            b.store(floats(0.0), total)
        with _alive_blocks(context, b, kinds[1], alive, blocks, x0, x1) as (x, flag):
            place = b.add(at, x)
            offset, *shape = _placed(b, x, x0, x1, centre, curvature, height)
            alpha = falloff(b, offset, *shape)
            weight, after, going = _blend(context, b, kinds[0], light, place, alpha)
            store_vector(context, b, kinds[0], light, place, after)
            b.store(_any(b, going), flag)
            rest = load_vector(context, b, kinds[2], behind, place, FLOATS)
            where, seen, terms = place, floats(0.0), []
            for channel in channels:
                slope = load_vector(context, b, kinds[3], gradient, where, FLOATS)
                seen = b.fadd(seen, b.fmul(slope, channel, flags=FAST), flags=FAST)
                terms.append(b.fmul(weight, slope, flags=FAST))
                where = b.add(where, plane)
            rest = b.fsub(rest, b.fmul(weight, seen, flags=FAST), flags=FAST)
            store_vector(context, b, kinds[2], behind, place, rest)
            # Where nothing was drawn T' may be 0: the division is made harmless, and its result not used.
            drawn = b.fcmp_ordered(">", weight, floats(0.0))
            safe = b.select(drawn, after, floats(1.0))
            slope = b.fmul(weight, b.fsub(seen, b.fdiv(rest, safe, flags=FAST), flags=FAST), flags=FAST)
            free = b.and_(drawn, b.fcmp_ordered("<", alpha, floats(ALPHA_MAX)))
            slope = b.select(free, slope, floats(0.0))
            u = b.fadd(broadcast(b, offset), floats(*map(float, range(LANES))), flags=FAST)
            slope_u = b.fmul(slope, u, flags=FAST)
            for total, term in zip(totals, [slope, slope_u, b.fmul(slope_u, u, flags=FAST), *terms], strict=True):
                b.store(b.fadd(b.load(total), term, flags=FAST), total)
        across = broadcast(b, dy)
        plain, by_u, by_uu, *colours = (b.load(total) for total in totals)
        by_dy = b.fmul(plain, across, flags=FAST)
        moments = [plain, by_u, by_uu, by_dy, b.fmul(by_dy, across, flags=FAST), b.fmul(by_u, across, flags=FAST)]
        for k, term in enumerate([*moments, *colours]):
            to = ir.Constant(ir.IntType(64), k * LANES)
            total = load_vector(context, b, kinds[7], sums, to, FLOATS)
            store_vector(context, b, kinds[7], sums, to, b.fadd(total, term, flags=FAST))
        return context.get_dummy_value()

    return signature, codegen


@contextmanager
def _alive_blocks(context, b: ir.IRBuilder, kind, alive, blocks, x0, x1):
    """A loop over the blocks of pixels x0..x1 that are alive: first pixel of each, and where to say that it is not.

    x0 and x1 are not negative, so that a shift divides them.
    """
    width = ir.Constant(x0.type, LANES.bit_length() - 1)
    first, last = b.lshr(x0, width), b.lshr(x1, width)
    count = b.add(b.sub(last, first), ir.Constant(x0.type, 1))
    data = context.make_array(kind)(context, b, alive).data
    flags = cgutils.gep_inbounds(b, data, b.add(blocks, first))
    with cgutils.for_range(b, count) as loop:
        flag = cgutils.gep_inbounds(b, flags, loop.index)
        with b.if_then(b.icmp_unsigned("!=", b.load(flag), ir.Constant(ir.IntType(8), 0))):
            yield b.shl(b.add(first, loop.index), width), flag


def _placed(b: ir.IRBuilder, x, x0, x1, centre, curvature, height):
    """What `falloff` takes, for the block that begins at pixel x."""
    offset = b.fptrunc(b.fsub(b.sitofp(x, centre.type), centre), ir.FloatType())
    lead, tail = (b.trunc(b.sub(end, x), ir.IntType(32)) for end in (x0, x1))
    return offset, curvature, height, lead, tail


def _blend(context, b: ir.IRBuilder, kind, light, at, alpha):
    """Weight, transmittance after (negative: finished), and which lanes go on."""
    before = load_vector(context, b, kind, light, at, FLOATS)
    weight = b.fmul(alpha, before)
    after = b.fsub(before, weight)
    # The Gaussian that would end the pixel is not drawn. The light that was left then is the background's, so it is
    # kept, with a minus that ends the pixel for all that follow.
    alive = b.fcmp_ordered(">", after, floats(TRANSMITTANCE_THRESHOLD))
    going = b.fcmp_ordered(">", before, floats(0.0))
    ended = b.select(going, b.fsub(floats(0.0), before), before)
    return b.select(alive, weight, floats(0.0)), b.select(alive, after, ended), alive


def _any(b: ir.IRBuilder, lanes):
    """1 where any lane is set, as a byte."""
    bits = b.bitcast(lanes, ir.IntType(LANES))
    return b.zext(b.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0)), ir.IntType(8))
