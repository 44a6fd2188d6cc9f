"""Open3D, loaded when it is first asked for; nothing else imports it.

It takes half a second and 70 MB, and asks the system for libraries of windows and cameras that bare machines lack.
"""

import ctypes
import sys
import warnings
from functools import cache
from types import ModuleType

from gsseg.errors import InputError

_SYSTEM_PACKAGES = "libegl1 libgl1 libx11-6 libidn2-0 libudev1"
"""Debian's names for what Open3D's library is linked with, besides libusb, which a Python package brings."""


@cache
def open3d() -> ModuleType:
    """The module. Raises `InputError` where it or a library of the system that it needs is missing."""
    try:
        if sys.platform == "linux":
            _load_libusb()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what its dependencies say of each other is nothing that a user can mend
            import open3d as module
    except (ImportError, OSError) as error:
        remedy = "install it again with pip"
        if sys.platform == "linux":
            remedy += f"; what is missing of the system: apt-get install {_SYSTEM_PACKAGES}"
        raise InputError("Open3D", f"cannot be loaded ({error})", remedy) from error
    module.utility.set_verbosity_level(module.utility.VerbosityLevel.Error)  # it would write on stdout
    return module


def _load_libusb() -> None:
    """Open3D is linked with libusb for depth cameras; a library of that name in the process will do."""
    import libusb_package

    ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)
