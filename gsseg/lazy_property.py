"""A property that is computed when it is first asked for, and then kept.

It is `functools.cached_property`. A type checker is told that it is a plain property, because only that fits the
properties of a Protocol.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builtins import property as lazy_property
else:
    from functools import cached_property as lazy_property

__all__ = ["lazy_property"]
