"""How many bytes leave a device."""

from torch.utils._python_dispatch import TorchDispatchMode


class Crossings(TorchDispatchMode):
    """Counts the bytes that cross from a device to the host while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name == "_local_scalar_dense":
            self.bytes += 0 if args[0].is_cpu else args[0].element_size()
        elif name in ("_to_copy", "copy_"):
            source = args[1] if name == "copy_" else args[0]
            self.bytes += source.nbytes if not source.is_cpu and out.is_cpu else 0
        return out
