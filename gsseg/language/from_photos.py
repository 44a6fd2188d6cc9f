"""Language vectors of objects straight from photos: what CLIP sees in the few pieces of photos that show each best."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from gsseg.language.clip import ClipModel
from gsseg.language.crops import best_shots, cut
from gsseg.language.describe import ObjectDescriptors, Sighting, describe_objects
from gsseg.scene import Gaussians, View

SHOTS = 5
"""Views of an object that are looked at."""

BACKGROUND = 0.5
"""How much of what is around an object stays: enough to tell what it stands on, too little to name it instead."""


def vectors_from_photos(
    gaussians: Gaussians,
    object_ids: Int32[ndarray, " gaussians"],
    objects: int,
    views: Sequence[View],
    model: ClipModel,
    shots: int = SHOTS,
    background: float = BACKGROUND,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> ObjectDescriptors:
    """Descriptors of every object (0..objects-1; -1 = none) that some photo shows, from its ``shots``.

    Cameras of ``views`` may be small, photos are read at their full size. Views without a photo are left out;
    ValueError where none has one. Raises `InputError` where a photo cannot be read.
    """
    views = [view for view in views if view.photo is not None]
    if not views:
        raise ValueError("no view has a photo")
    found = best_shots(gaussians, object_ids, objects, views, shots, lambda done, total: progress("views", done, total))
    of_view = defaultdict(list)
    for item, each in enumerate(found):
        for shot in each:
            of_view[shot.view].append((item, shot))
    sightings: list[Sighting] = []
    for done, (index, taken) in enumerate(sorted(of_view.items())):
        pieces = cut(views[index], [shot for _, shot in taken], background)
        rows = np.array([item for item, _ in taken], np.int64)
        sightings.append((rows, model.encode_images(pieces), np.ones(len(rows))))
        progress("photos", done + 1, len(of_view))
    if not sightings:
        sightings = [(np.zeros(0, np.int64), np.zeros((0, model.dim), np.float32), np.zeros(0))]
    return describe_objects(objects, sightings)
