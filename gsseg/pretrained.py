"""Networks that others trained, in Hugging Face's layout: read from a folder, whole, quietly, and never unpickled."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gsseg.errors import InputError


def read_network(kind: Any, folder: Path, called: str, **settings: Any) -> Any:
    """The network with all its weights; ``kind`` is transformers' class, which would draw missing weights at random.

    ``called``: what messages call such a model. Raises `InputError` where the folder holds no sound one.
    """
    damaged = "its weights or config.json are damaged or not of one model: copy or download it again"
    try:
        network, told = kind.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, trust_remote_code=False,
            output_loading_info=True, **settings,
        )  # fmt: skip
    except Exception as error:  # whatever its libraries raise on a damaged file: it is of no fixed type
        raise InputError(folder, f"cannot be read as a {called} ({brief_error(error)})", damaged) from error
    lacking = [*told.get("missing_keys", ()), *(each[0] for each in told.get("mismatched_keys", ()))]
    if lacking:
        raise InputError(folder, f"lacks the weights {lacking[0]} and {len(lacking) - 1} more", damaged)
    return network


def brief_error(error: Exception) -> str:
    """Its type and the first line of its text."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:200]}"


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Inside the block transformers neither logs, warns nor draws bars; what went wrong is raised all the same."""
    from transformers.utils import logging as said

    level, bars = said.get_verbosity(), said.is_progress_bar_enabled()
    said.set_verbosity(logging.CRITICAL)
    said.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        said.set_verbosity(level)
        if bars:
            said.enable_progress_bar()
