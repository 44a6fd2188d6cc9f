"""gsplat's compiled kernels: whether they are there, and what to do where they are not.

gsplat compiles them when it is first imported, which takes minutes, and where it cannot it only prints a line and
fails later with an `AttributeError`. So it is asked before anything else is done.
"""

import contextlib
import sys

import torch


def gsplat_problem() -> str | None:
    """What keeps gsplat from drawing on a GPU, and the remedy after a semicolon; None where nothing does.

    Compiles the kernels where that has not been done yet.
    """
    if not torch.cuda.is_available():
        return "PyTorch finds no CUDA GPU; give --device cpu, or install its CUDA build and a driver"
    try:
        torch.zeros(1, device="cuda").add_(1.0).cpu()
    except RuntimeError as error:
        return f"the GPU cannot be used ({_first_line(error)}); give --device cpu, or install a build of PyTorch for it"
    return kernels_problem()


def kernels_problem() -> str | None:
    """As `gsplat_problem`, of the kernels alone."""
    toolkit = f"install the CUDA toolkit {torch.version.cuda or ''}".rstrip() + " with nvcc, a C++ compiler and ninja"
    try:
        with contextlib.redirect_stdout(sys.stderr):  # it tells of its compiling where results are expected
            from gsplat.cuda import _backend
    except ImportError as error:
        return f"gsplat cannot be imported ({_first_line(error)}); pip install gsplat==1.5.3, or give --device cpu"
    except Exception as error:  # what a compiler and a loader raise has no bounds
        return f"gsplat's kernels cannot be built ({_first_line(error)}); {toolkit}, or give --device cpu"
    if _backend._C is None:
        return f"gsplat has no compiled kernels; {toolkit}, or give --device cpu"
    return None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
