"""Numba's decorators for functions that a type checker may have wrapped, on disks where nothing may be kept.

The tests switch on run-time type checks for all of gsseg; these wrap every function, compiled ones included, and
Numba cannot cache what it finds then. A compiled function has no annotations to check: it gets its plain body back.

Compiled code is kept beside the source or in the user's cache folder (``NUMBA_CACHE_DIR`` names another). Where neither
may be written to, the disk is full, or what is there is damaged, a function is compiled in each process anew.
"""

import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numba
from numba import extending
from numba.core.caching import FunctionCache


class _CacheIfPossible(FunctionCache):
    """Numba's cache, whose disk is no reason to end."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What is kept of this signature; None where there is nothing, or nothing that can be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # what unpickling raises on a damaged file has no bounds, and compiling is always right
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keeps it where that is possible."""
        with suppress(Exception):  # likewise: the index is read before it is written
            super().save_overload(sig, data)


def njit(*, cache: bool = False, **options: Any) -> Callable[[Callable], Callable]:
    """As ``numba.njit(**options)``; options as there (``nogil``, ``fastmath``). ``cache``: where the disk allows it."""

    def compiled(function: Callable) -> Callable:
        dispatcher: Any = numba.njit(**options)(inspect.unwrap(function))
        if cache:
            with suppress(RuntimeError, OSError):  # the former: Numba knows no place that may be written to
                dispatcher._cache = _CacheIfPossible(dispatcher.py_func)  # what its enable_caching does
        return dispatcher

    return compiled


def intrinsic(function: Callable) -> Any:
    """As ``numba.extending.intrinsic``: an operation written in LLVM's terms, for compiled code to call."""
    return extending.intrinsic(inspect.unwrap(function))
