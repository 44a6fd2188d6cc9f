"""gsplat's compiled kernels: whether they are there, and what to do where they are not.

gsplat compiles them when it is first imported, which takes minutes, and where it cannot it only prints a line and
fails later with an `AttributeError`. So it is asked before anything else is done.
"""

import contextlib
import importlib
import sys
from typing import NamedTuple

import torch

ELSE = "give --device cpu"


class Problem(NamedTuple):
    """Why a GPU cannot be used."""

    what: str
    remedy: str


def gsplat_problem() -> Problem | None:
    """What keeps gsplat from drawing on a GPU; None where nothing does. Compiles its kernels if they have to be."""
    return gpu_problem() or kernels_problem()


def gpu_problem() -> Problem | None:
    """What keeps PyTorch from calculating on a GPU; None where nothing does."""
    if not torch.cuda.is_available():
        return Problem("PyTorch finds no CUDA GPU", f"{ELSE}, or install PyTorch's CUDA build and NVIDIA's driver")
    try:
        torch.zeros(1, device="cuda").add_(1.0).cpu()
    except Exception as error:  # of another driver, another architecture, a card that others have filled, ...
        return Problem(f"the GPU cannot be used ({_first_line(error)})", f"{ELSE}, or mend that")
    return None


def kernels_problem() -> Problem | None:
    """What keeps gsplat's kernels from being loaded; None where nothing does."""
    version = f" {torch.version.cuda}" if torch.version.cuda else ""
    remedy = f"install the CUDA toolkit{version} with nvcc, and a C++ compiler, or {ELSE}"
    try:
        with contextlib.redirect_stdout(sys.stderr):  # it tells of its compiling where results are expected
            backend = importlib.import_module("gsplat.cuda._backend")
    except ImportError as error:
        return Problem(f"gsplat cannot be imported ({_first_line(error)})", f"pip install gsplat==1.5.3, or {ELSE}")
    except Exception as error:  # what a compiler and a loader raise has no bounds
        return Problem(f"gsplat's kernels cannot be built ({_first_line(error)})", remedy)
    return Problem("gsplat has no compiled kernels", remedy) if backend._C is None else None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
