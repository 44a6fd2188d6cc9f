"""What may lie in a file's place that is no file of that kind: others, none, or one that never ends."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.reliability.fuzz_values import pick

SHARE = 0.1
"""Of all cases that meet such a thing beside their own damage."""
OWN = ("key", "stage", "options")
"""Files by which a damage tells its reader what it did."""
_SPARSE = 1 << 40
_BOUNDED = (".json", ".yaml", ".png", ".npy")
"""Endings of files that are never read as a whole, however large they are."""


def misplace(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    """Now and then puts something else into the place of one file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in OWN)
    if files and rng.random() < SHARE:
        pick(rng, _KINDS)(rng, pick(rng, files), seeds)


def _linked(target: str) -> Callable[[np.random.Generator, Path, Path], None]:
    def link(rng: np.random.Generator, path: Path, seeds: Path) -> None:
        path.unlink()
        path.symlink_to(target or path)

    return link


def _folder(rng: np.random.Generator, path: Path, seeds: Path) -> None:
    path.unlink()
    path.mkdir()
    if rng.random() < 0.5:
        (path / path.name).write_bytes(b"x")


def _pipe(rng: np.random.Generator, path: Path, seeds: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _other(rng: np.random.Generator, path: Path, seeds: Path) -> None:
    """A sound file of any kind."""
    shutil.copyfile(pick(rng, sorted(each for each in seeds.rglob("*") if each.is_file())), path)


def _cut(rng: np.random.Generator, path: Path, seeds: Path) -> None:
    """Ends inside the header, at any byte of it."""
    path.write_bytes(path.read_bytes()[: int(rng.integers(256))])


def _as_windows_writes(rng: np.random.Generator, path: Path, seeds: Path) -> None:
    content = path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(content if rng.random() < 0.5 else b"\xef\xbb\xbf" + content)


def _twice(rng: np.random.Generator, path: Path, seeds: Path) -> None:
    """Keys come twice, if it is JSON; else the whole file does."""
    content = path.read_bytes()
    inside = content.strip()[1:-1]
    path.write_bytes(b"{" + inside + b"," + inside + b"}" if content.startswith(b"{") else content + content)


def _endless(rng: np.random.Generator, path: Path, seeds: Path) -> None:
    if path.suffix in _BOUNDED:
        os.truncate(path, _SPARSE)


def _renamed(rng: np.random.Generator, path: Path, seeds: Path) -> None:
    stem = pick(rng, ("a\nb", "\x1b[31m", "\r", "a\u2028b", os.fsdecode(b"\xff"), "\u202e", " ", "-", "a" * 200))
    path.rename(path.with_name(stem + path.suffix))


_KINDS = (
    _folder, _pipe, _other, _other, _cut, _cut, _cut, _as_windows_writes, _twice, _endless, _renamed, _renamed,
    _linked(""), _linked("nowhere"), _linked("/dev/zero"), _linked("/dev/null"), _linked("/proc/self/mem"),
    _linked("/"),
)  # fmt: skip
