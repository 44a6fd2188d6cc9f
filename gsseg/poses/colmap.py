"""COLMAP's own ways, kept away from the user: its log, its exceptions, its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Int64, UInt8
from numpy import ndarray

from gsseg.errors import InputError

Pairs = Int64[ndarray, "pairs 2"]
"""Rows of two photos, the lower first."""


@contextmanager
def colmap(path: Path, doing: str) -> Iterator[None]:
    """Inside the block COLMAP is silent, and what it cannot do is an `InputError` for ``path``."""
    before = pycolmap.logging.minloglevel
    # Its log goes to the process's stderr, where one line of ours is all that may stand.
    pycolmap.logging.minloglevel = pycolmap.logging.Level.FATAL.value
    try:
        yield
    except (RuntimeError, ValueError, IndexError, KeyError, OSError) as error:
        # COLMAP checks itself by exceptions that name a line of its source; the reason is on their last line.
        reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise InputError(path, f"COLMAP stopped while {doing} ({reason[0][:200]})", "check the photos") from error
    finally:
        pycolmap.logging.minloglevel = before


@contextmanager
def opened(database: Path) -> Iterator[pycolmap.Database]:
    """The database, closed afterwards: a second connection would wait for the first one's lock."""
    connection = pycolmap.Database.open(database)
    try:
        yield connection
    finally:
        connection.close()


def image_ids(database: Path) -> dict[str, int]:
    """COLMAP's number of every photo that it could read, by name."""
    with opened(database) as connection:
        return {image.name: image.image_id for image in connection.read_all_images()}


def descriptors(database: Path, ids: list[int]) -> list[UInt8[ndarray, "_ 128"]]:
    """SIFT descriptors of photos."""
    with opened(database) as connection:
        return [np.asarray(connection.read_descriptors(number).data) for number in ids]


def feature_counts(database: Path) -> dict[str, int]:
    """Number of features of every photo, by name."""
    with opened(database) as connection:
        images = connection.read_all_images()
        return {image.name: connection.num_keypoints_for_image(image.image_id) for image in images}


def verified_matches(database: Path) -> dict[tuple[int, int], int]:
    """Pairs of COLMAP's numbers -> matches that agree with one geometry of two views."""
    with opened(database) as connection:
        pairs, counts = connection.read_two_view_geometry_num_inliers()
    found = {}
    for pair, count in zip(pairs, counts, strict=True):
        one, other = pycolmap.pair_id_to_image_pair(pair)
        found[one, other] = count
    return found
