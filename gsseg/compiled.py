"""Numba's decorators for functions that a type checker may have wrapped.

The tests switch on run-time type checks for all of gsseg; these wrap every function, compiled ones included, and
Numba cannot cache what it finds then. A compiled function has no annotations to check: it gets its plain body back.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numba
from numba import extending


def njit(**options: Any) -> Callable[[Callable], Callable]:
    """As ``numba.njit(**options)``; options as there (``nogil``, ``cache``, ``fastmath``)."""
    return lambda function: numba.njit(**options)(inspect.unwrap(function))


def intrinsic(function: Callable) -> Any:
    """As ``numba.extending.intrinsic``: an operation written in LLVM's terms, for compiled code to call."""
    return extending.intrinsic(inspect.unwrap(function))
