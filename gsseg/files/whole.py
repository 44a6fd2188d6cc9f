"""One file, written whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gsseg.errors import InputError
from gsseg.files.lock import held, is_abandoned
from gsseg.files.remove import left_beside, remove_file


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yields an empty file beside ``path`` to write to; it takes ``path``'s place when the block ends well.

    Where the block raises, ``path`` is as it was and nothing is left beside it. The folder is made if need be. What
    writers of the same file left that died is removed: their locks tell them from those at work.
    Raises `InputError` where the file system refuses (no permission, disk full).
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in left_beside(path.parent, path.name, "part"):
            if is_abandoned(left):
                remove_file(left)
        with held(beside):
            try:
                yield beside
                os.replace(beside, path)
            except BaseException:
                remove_file(beside)
                raise
    except OSError as error:
        problem = error.strerror or str(error)
        raise InputError(path, f"cannot be written ({problem})", "choose a folder you may write to") from error
