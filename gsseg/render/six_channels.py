"""Six channels at once: the two inner loops of training, as vector code.

The instance features have six channels, which is no vector's length; a row of six floats is taken as two runs,
lanes 0-3 and 2-5 where they are added up, 0-3 and 4-5 where they are scattered (overlapping stores would count
lanes 2-3 twice). Twice as fast as what the compiler makes of six scalars. Called from Numba code only.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils

from gsseg.compiled import intrinsic

SIX = 6

_WIDE = ir.VectorType(ir.FloatType(), 4)
_PAIR = ir.VectorType(ir.FloatType(), 2)
_INDEX = ir.IntType(64)
_FAST = ("fast",)


@intrinsic
def gather_row(typingctx, out, to, indices, values, first, end, dense):
    """``out[to : to + 6] = sum_e values[e] * dense[6 * indices[e] : 6 * indices[e] + 6]`` for e in first..end-1.

    ``out``, ``values``, ``dense``: flat float32; ``indices``: int32.
    """
    signature = types.void(out, types.int64, indices, values, types.int64, types.int64, dense)

    def codegen(context, b, signature, arguments):
        out, to, indices, values, first, end, dense = arguments
        kinds = signature.args
        zero = ir.Constant(_WIDE, [0.0] * 4)
        sums = [cgutils.alloca_once_value(b, zero) for _ in range(4)]

        def add(entry, low, high) -> None:
            start = _row_start(context, b, kinds[2], indices, entry)
            weight = _spread(b, _item(context, b, kinds[3], values, entry), _WIDE)
            for offset, total in ((0, low), (2, high)):
                row = b.load(_run(context, b, kinds[6], dense, start, offset, _WIDE), align=4)
                b.store(b.fadd(b.load(total), b.fmul(weight, row, flags=_FAST), flags=_FAST), total)

        one = ir.Constant(_INDEX, 1)
        count = b.sub(end, first)
        # Two entries a turn: the additions of one need not wait for those of the other.
        with cgutils.for_range(b, b.lshr(count, one)) as loop:
            entry = b.add(first, b.shl(loop.index, one))
            add(entry, sums[0], sums[1])
            add(b.add(entry, one), sums[2], sums[3])
        with b.if_then(b.trunc(count, ir.IntType(1))):
            add(b.sub(end, one), sums[0], sums[1])
        for offset, a, c in ((0, sums[0], sums[2]), (2, sums[1], sums[3])):
            total = b.fadd(b.load(a), b.load(c), flags=_FAST)
            b.store(total, _run(context, b, kinds[0], out, to, offset, _WIDE), align=4)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def scatter_row(typingctx, out, indices, values, first, end, dense, at):
    """``out[6 * indices[e] : 6 * indices[e] + 6] += values[e] * dense[at : at + 6]`` for e in first..end-1."""
    signature = types.void(out, indices, values, types.int64, types.int64, dense, types.int64)

    def codegen(context, b, signature, arguments):
        out, indices, values, first, end, dense, at = arguments
        kinds = signature.args
        runs = [
            (offset, shape, b.load(_run(context, b, kinds[5], dense, at, offset, shape), align=4))
            for offset, shape in ((0, _WIDE), (4, _PAIR))
        ]
        with cgutils.for_range(b, b.sub(end, first)) as loop:
            entry = b.add(first, loop.index)
            start = _row_start(context, b, kinds[1], indices, entry)
            weight = _item(context, b, kinds[2], values, entry)
            for offset, shape, row in runs:
                place = _run(context, b, kinds[0], out, start, offset, shape)
                product = b.fmul(_spread(b, weight, shape), row, flags=_FAST)
                b.store(b.fadd(b.load(place, align=4), product, flags=_FAST), place, align=4)
        return context.get_dummy_value()

    return signature, codegen


def _item(context, b: ir.IRBuilder, kind, array, at):
    return b.load(cgutils.gep_inbounds(b, context.make_array(kind)(context, b, array).data, at))


def _row_start(context, b: ir.IRBuilder, kind, indices, entry):
    """Where in a flat (rows, 6) array the entry's row begins."""
    return b.mul(b.sext(_item(context, b, kind, indices, entry), _INDEX), ir.Constant(_INDEX, SIX))


def _run(context, b: ir.IRBuilder, kind, array, start, offset: int, shape: ir.VectorType):
    """Pointer to a run of channels of the row that begins at ``start``."""
    data = context.make_array(kind)(context, b, array).data
    return b.bitcast(cgutils.gep_inbounds(b, data, b.add(start, ir.Constant(_INDEX, offset))), shape.as_pointer())


def _spread(b: ir.IRBuilder, scalar, shape: ir.VectorType):
    """The scalar in every lane."""
    empty = ir.Constant(shape, ir.Undefined)
    single = b.insert_element(empty, scalar, ir.Constant(ir.IntType(32), 0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), shape.count), [0] * shape.count)
    return b.shuffle_vector(single, empty, lanes)


@intrinsic
def fetch_ahead(typingctx, array, at):
    """Asks the memory for ``array[at]`` (flat float32) without waiting: rows in random order arrive in time."""
    signature = types.void(array, types.int64)

    def codegen(context, b, signature, arguments):
        kind, whole = ir.IntType(8).as_pointer(), ir.IntType(32)
        address = b.gep(context.make_array(signature.args[0])(context, b, arguments[0]).data, [arguments[1]])
        call = ir.FunctionType(ir.VoidType(), [kind, whole, whole, whole])
        function = cgutils.get_or_insert_function(b.module, call, "llvm.prefetch.p0")
        b.call(function, [b.bitcast(address, kind), *(ir.Constant(whole, flag) for flag in (0, 3, 1))])
        return context.get_dummy_value()

    return signature, codegen
