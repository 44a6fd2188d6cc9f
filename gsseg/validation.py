"""Rules that a configuration checks its own fields by, in ``__post_init__``.

A broken rule is a ValueError of one line, ``FIELD: is VALUE, must be RULE``; the command line names the option.
"""

import math
from typing import Any

LARGEST_SEED = 2**32 - 1
"""What every generator of random numbers in use takes."""


def check_whole(config: Any, *names: str, least: int, most: int | None = None) -> None:
    """ValueError unless each named field is an int (no bool) from ``least`` to ``most``."""
    for name in names:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{name}: is {value!r}, must be a whole number")
        _check_range(name, value, least, most)


def check_real(
    config: Any, *names: str, least: int | float | None = None, above: int | float | None = None,
    most: int | float | None = None, below: int | float | None = None,
) -> None:  # fmt: skip
    """ValueError unless each named field is a finite number (no bool) within the bounds; above and below are strict."""
    for name in names:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{name}: is {value!r}, must be a finite number")
        _check_range(name, value, least, most)
        if above is not None and value <= above:
            raise ValueError(f"{name}: is {value!r}, must be above {above:g}")
        if below is not None and value >= below:
            raise ValueError(f"{name}: is {value!r}, must be below {below:g}")


def check_flag(config: Any, *names: str) -> None:
    """ValueError unless each named field is True or False."""
    for name in names:
        value = getattr(config, name)
        if not isinstance(value, bool):
            raise ValueError(f"{name}: is {value!r}, must be True or False")


def check_choice(config: Any, name: str, choices: tuple[str, ...]) -> None:
    """ValueError unless the field is one of the words; `typing.get_args` of a Literal is the words."""
    value = getattr(config, name)
    if value not in choices:
        raise ValueError(f"{name}: is {value!r}, must be one of {', '.join(choices)}")


def _check_range(name: str, value: int | float, least: int | float | None, most: int | float | None) -> None:
    if least is not None and value < least:
        raise ValueError(f"{name}: is {value!r}, must be at least {least:g}")
    if most is not None and value > most:
        raise ValueError(f"{name}: is {value!r}, must be at most {most}")
