"""The files of a SOG, in a zip or beside ``meta.json``: fetched by name, never more of one than the caller expects."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import entries, reading
from gsseg.io.picture import decode_picture, open_picture_bytes, pixels_of

META = "meta.json"
AGAIN = "copy or export it again"

_DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, IndexError)
"""All that Python's zip reader raises on damaged archives; `RuntimeError` for what is encrypted or unknown to it."""


@runtime_checkable
class SogFiles(Protocol):
    """Where the files are."""

    @property
    def path(self) -> Path:
        """What the user named: the zip, or meta.json."""
        ...

    @property
    def size(self) -> int:
        """Bytes of all the files, compressed."""
        ...

    def fetch(self, name: str, most: int) -> bytes:
        """The content of a file; `InputError` where it is not there or of more than ``most`` bytes."""
        ...


@contextmanager
def open_sog_files(path: Path) -> Iterator[SogFiles]:
    """The files for as long as the block lasts; `InputError` where the zip cannot be read, then or in the block."""
    if path.name.lower().endswith(META):
        yield _Folder(path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            yield _Zip(path, archive)
    except _DAMAGED_ZIP as error:
        raise InputError(path, f"is truncated or not a zip that can be read ({error})", AGAIN) from error


def fetch_picture(files: SogFiles, name: str, least: int, most: int) -> UInt8[ndarray, "height width 4"]:
    """The pixels of a picture, red green blue alpha; `InputError` unless there are ``least`` to ``most`` of them."""
    content = files.fetch(name, 8 * most)  # twice what bare pixels take
    with open_picture_bytes(files.path, content) as picture:
        width, height = picture.size
        if not least <= width * height <= most:
            problem = f"its {name} is {width} x {height} pixels, {least} to {most} are expected"
            raise InputError(files.path, problem, AGAIN)
        with pixels_of(files.path):
            return np.array(decode_picture(files.path, picture).convert("RGBA"))


@dataclass(frozen=True)
class _Folder:
    path: Path

    @property
    def size(self) -> int:
        return sum(file.stat().st_size for file in entries(self.path.parent) if file.is_file())

    def fetch(self, name: str, most: int) -> bytes:
        file = self.path if name == META else self.path.parent / name
        if not file.is_file():
            raise InputError(self.path, f"names {name}, which is not beside it", "copy the whole folder")
        with reading(file), file.open("rb") as stream:
            return _checked(self.path, name, stream.read(most + 1), most)


@dataclass(frozen=True)
class _Zip:
    path: Path
    archive: zipfile.ZipFile

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def fetch(self, name: str, most: int) -> bytes:
        try:
            entry = self.archive.getinfo(name)
        except KeyError as error:
            raise InputError(self.path, f"holds no {name}", AGAIN) from error
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others take memory as they please
            raise InputError(self.path, f"holds {name} in a compression that no SOG has", AGAIN)
        with self.archive.open(entry) as stream:
            return _checked(self.path, name, stream.read(most + 1), most)


def _checked(path: Path, name: str, content: bytes, most: int) -> bytes:
    if len(content) > most:
        raise InputError(path, f"its {name} has more than {most} bytes, which no sound one has", AGAIN)
    return content
