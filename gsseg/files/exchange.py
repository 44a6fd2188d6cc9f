"""Two folders change places in one step, where the system can do that."""

import ctypes
import os
import sys
from pathlib import Path

_AT_FDCWD = -100
"""Linux: paths are relative to the working folder."""
_SWAP = 2
"""RENAME_EXCHANGE of Linux's renameat2 and RENAME_SWAP of macOS' renamex_np, which happen to be one number."""


def exchange(one: Path, other: Path) -> bool:
    """Lets two files or folders of one disk change places atomically; False, and nothing done, where it cannot."""
    library = ctypes.CDLL(None, use_errno=True) if sys.platform in ("linux", "darwin") else None
    first, second = os.fsencode(one), os.fsencode(other)
    try:
        if library is not None and sys.platform == "linux":
            return library.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _SWAP) == 0
        if library is not None:
            return library.renamex_np(first, second, _SWAP) == 0
    except AttributeError:  # a C library older than the call
        pass
    return False
