"""Masks of an ordered capture: objects are followed from photo to photo, and new ones are looked for now and then.

Photo 0 and every ``config.follow``-th after it is a key photo: there the automatic grid looks for objects where
nobody that is followed lies. From a key photo on nothing counts but its own label map, so that an interrupted run goes
on from the last one and makes what it would have made, and memory does not grow with the number of photos.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt16
from numpy import ndarray
from PIL import Image

from gsseg.errors import InputError
from gsseg.io.label_png import read_label_png
from gsseg.masks.automatic import map_size, segment_photo
from gsseg.masks.config import MasksConfig
from gsseg.masks.segmenter import Segmenter
from gsseg.masks.track import Track, Tracker

MOST_IDS = int(np.iinfo(np.uint16).max)

OpenPhoto = Callable[[int], Image.Image]
WriteLabels = Callable[[Path, UInt16[ndarray, "height width"]], None]


def follow_photos(
    files: Sequence[Path],
    photo: OpenPhoto,
    write: WriteLabels,
    segmenter: Segmenter,
    tracker: Tracker,
    config: MasksConfig,
    progress: Callable[[int, int], None],
) -> int:
    """Writes those of the label maps ``files`` that are not there, in order; how many.

    ``photo``: opens the k-th one; ``write``: writes a whole file or none. `InputError` for more objects than ids.
    """
    made, largest = 0, 0
    for first in range(0, len(files), config.follow):
        progress(first, len(files))
        if not files[first].exists():  # the very first: others are made with the photos before them
            write(files[first], segment_photo(segmenter, photo(first), config)[config.detail])
            made += 1
        last = min(first + config.follow, len(files) - 1)
        missing = [k for k in range(first + 1, last + 1) if not files[k].exists()]
        start = read_label_png(files[first]).astype(np.uint16)
        largest = max(largest, int(start.max(initial=0)))
        if not missing:
            continue
        track = tracker.start(photo(first), start)
        for k in range(first + 1, missing[-1] + 1):
            progress(k, len(files))
            picture = photo(k)
            labels = _followed(track, picture, config)
            if not files[k].exists():
                if k % config.follow == 0:
                    found = segment_photo(segmenter, picture, config)[config.detail]
                    labels = with_new(labels, found, largest, _least(labels, config))
                    if int(labels.max(initial=0)) > MOST_IDS:
                        problem = f"would hold more than {MOST_IDS} objects"
                        raise InputError(files[k], problem, "make masks of fewer photos at a time, with --out")
                write(files[k], labels.astype(np.uint16))
                made += 1
    progress(len(files), len(files))
    return made


def with_new(
    followed: UInt16[ndarray, "height width"], found: UInt16[ndarray, "height width"], largest: int, least: int
) -> ndarray:
    """The followed objects, and of those found here all that lie in free pixels by half or more, and by ``least``.

    New ones take the ids after ``largest``, int64, in the order in which they were found, and free pixels only.
    """
    free = (followed == 0) & (found > 0)
    size = np.bincount(found.ravel(), minlength=1)
    left = np.bincount(found[free], minlength=len(size))
    new = (left >= least) & (2 * left >= size) & (left > 0)
    new[0] = False
    ids = np.where(new, largest + np.cumsum(new), 0)
    return np.where(free, ids[found], followed.astype(np.int64))


def _followed(track: Track, picture: Image.Image, config: MasksConfig) -> UInt16[ndarray, "height width"]:
    labels = track.follow(picture, *map_size(picture, config))
    large = np.bincount(labels.ravel(), minlength=1) >= _least(labels, config)
    return np.where(large[labels], labels, np.uint16(0))


def _least(labels: ndarray, config: MasksConfig) -> int:
    return max(1, round(config.least_share * labels.size))
