"""``<photo>.npz``: an array (masks, rows, columns), nonzero inside, or a label map (rows, columns), 0 = none.

Of the arrays in a file the first one of such a shape counts. Photos are named by the files.
"""

import tempfile
import zipfile
from functools import lru_cache, partial
from pathlib import Path

from jaxtyping import Bool
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.io.npy import read_npy
from gsseg.io.picture import check_size
from gsseg.masks.foreign.stack import ForeignPhoto

MOST_BYTES = 1 << 30
"""Of an unpacked array: a thousand masks of a megapixel."""

_AGAIN = "save the masks again with numpy.savez_compressed"


def read_arrays(folder: Path) -> list[ForeignPhoto]:
    """Every ``.npz`` below a folder; `InputError` where one is damaged or holds no masks, or there is none."""
    files = sorted(folder.rglob("*.npz"))
    if not files:
        raise InputError(folder, "holds no .npz files", "name the folder that does")
    return [_photo(file, file.relative_to(folder).as_posix().removesuffix(".npz")) for file in files]


def _photo(file: Path, name: str) -> ForeignPhoto:
    rows, columns, count = _shape(_masks(file), file)
    return ForeignPhoto(name, columns, rows, [partial(_one, file, row) for row in range(count)])


def _one(file: Path, row: int) -> Bool[ndarray, "height width"]:
    masks = _masks(file)
    return masks[row] != 0 if masks.ndim == 3 else masks == row + 1


def _shape(masks: ndarray, file: Path) -> tuple[int, int, int]:
    rows, columns = masks.shape[-2:]
    check_size(file, columns, rows)
    if masks.ndim == 3:
        return rows, columns, len(masks)
    if masks.dtype.kind == "f" or not 0 <= int(masks.min()) <= int(masks.max()) <= 65535:
        raise InputError(file, "is a label map with fractions, or labels beyond 0 to 65535", _AGAIN)
    return rows, columns, int(masks.max())


def _masks(file: Path) -> ndarray:
    check_readable(file)
    return _unpacked(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=1)  # the masks of a photo are drawn one after the other, and one photo's are in memory
def _unpacked(file: Path, changed: int) -> ndarray:
    """The first array of two or three axes. It is unpacked to a file that nobody else sees, and read within bounds."""
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if not member.filename.endswith(".npy"):
                    continue
                if member.file_size > MOST_BYTES:
                    raise InputError(file, f"unpacks to more than {MOST_BYTES >> 20} MB", "save fewer masks in a file")
                with tempfile.TemporaryDirectory(prefix="gsseg-") as folder:
                    values = _read(file, Path(archive.extract(member, folder)))
                if values.ndim in (2, 3) and values.size:
                    return values
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise InputError(file, f"is no archive of arrays ({error})", _AGAIN) from error
    raise InputError(file, "holds no array (masks, rows, columns) and no label map", _AGAIN)


def _read(file: Path, unpacked: Path) -> ndarray:
    try:
        return read_npy(unpacked)
    except InputError as error:  # which names a file that is gone by then
        raise InputError(file, f"its array {unpacked.name} {error.problem}", error.remedy) from error
