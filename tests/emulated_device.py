"""A device that is not there: tensors that say they lie elsewhere, hold their values beside, and refuse silent copies.

Their device is torch's ``meta``, which no library treats as a processor: ``.numpy()`` raises, compiled code is not
reached, an operation with a tensor of the processor raises as on a GPU (single numbers aside). Every explicit copy is
counted, so that a test can say what crosses and how much of it. Values are those of the same operations on the
processor; what it cannot show is a GPU's own rounding, races, memory and time.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

aten: Any = torch.ops.aten

DEVICE = torch.device("meta")


class Elsewhere(Tensor):
    """A tensor of the emulated device; ``held`` is the tensor of the processor that stands behind it."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "Elsewhere":
        made = Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(),
            dtype=held.dtype, device=DEVICE, requires_grad=False,
        )  # fmt: skip
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func} on the emulated device, outside of `EmulatedDevice`")

    def __repr__(self, *, tensor_contents=None) -> str:
        return f"Elsewhere({self.held!r})"


class EmulatedDevice(TorchDispatchMode):
    """While it is entered, ``tensor.to("meta")`` goes to the emulated device and back with ``.cpu()``."""

    def __init__(self) -> None:
        super().__init__()
        self.to_host: list[int] = []
        """Bytes of every copy to the processor, single numbers included."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        leaves, structure = tree_flatten((args, kwargs))
        away = [leaf for leaf in leaves if isinstance(leaf, Elsewhere)]
        here = [leaf for leaf in leaves if isinstance(leaf, Tensor) and not isinstance(leaf, Elsewhere)]
        target = kwargs.get("device")
        if not away and (target is None or torch.device(target) != DEVICE):
            return func(*args, **kwargs)
        if func in (aten._to_copy.default, aten.copy_.default, aten.lift_fresh.default, aten.lift_fresh_copy.default):
            pass  # the two ways across
        elif func is aten._local_scalar_dense.default:
            self.to_host.append(away[0].held.element_size())
        elif mixed := [leaf for leaf in here if leaf.dim() > 0]:
            raise RuntimeError(f"{func}: tensors of two devices, one of the processor {tuple(mixed[0].shape)}")
        inner = [
            leaf.held if isinstance(leaf, Elsewhere) else torch.device("cpu") if leaf == DEVICE else leaf
            for leaf in leaves
        ]
        inner_args, inner_kwargs = tree_unflatten(inner, structure)
        out = func(*inner_args, **inner_kwargs)
        if func is aten.copy_.default:
            if not isinstance(args[0], Elsewhere):
                self.to_host.append(args[0].nbytes)
            return args[0]
        if func is aten._to_copy.default and target is not None and torch.device(target) != DEVICE:
            self.to_host.append(out.nbytes)
            return out
        if func is aten._local_scalar_dense.default:
            return out
        known = {id(leaf.held): leaf for leaf in away}  # what was changed in place is the same tensor afterwards

        def back(leaf: Any) -> Any:
            if not isinstance(leaf, Tensor):
                return leaf
            return known[id(leaf)] if id(leaf) in known else Elsewhere(leaf)

        return tree_map(back, out)
