"""Names of a package that are imported when they are first used, from one list that type checkers read as well.

A package states its public names once, as imports in a block under ``if TYPE_CHECKING:``. Type checkers take them as
they stand; at run time `lazy_names` reads the same lines from the source and makes the package's ``__getattr__`` and
``__dir__`` (PEP 562) from them. (The scientific Python tools' lazy_loader does so with a stub file beside the package.)
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazy_names(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """(``__getattr__``, ``__dir__``) of the package that is being imported: call it with ``__name__``.

    The block may hold ``from MODULE import NAME as NAME``, and ``from PACKAGE import PART as PART`` for modules of the
    package itself.
    """
    module = sys.modules[package]
    homes = _homes(module.__spec__.loader.get_source(package))  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        value = import_module(f"{package}.{name}") if home == package else getattr(import_module(home), name)
        setattr(module, name, value)  # found without this function from now on
        return value

    return get, lambda: sorted({*vars(module), *homes})


def _homes(source: str) -> dict[str, str]:
    """For each name that the block imports the module that it comes from."""
    blocks = [node.body for node in ast.parse(source).body if isinstance(node, ast.If) and _for_checkers(node)]
    lines = [line for block in blocks for line in block if isinstance(line, ast.ImportFrom) and line.module]
    return {alias.name: line.module for line in lines for alias in line.names if line.module}


def _for_checkers(block: ast.If) -> bool:
    return isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
