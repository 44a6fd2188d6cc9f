"""confidence.json of a RUN folder, and the Gaussians' column beside the features that belongs to it."""

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray
from safetensors import SafetensorError, safe_open

from gsseg.errors import InputError
from gsseg.files.json_file import MOST_BYTES, read_text
from gsseg.run.layout import RunLayout
from gsseg.segmentation.confidence import Confidence, confidence_from_json

CONFIDENCE = "confidence"
"""Name of the column in features.safetensors."""

_REMEDY = "delete it: then nothing is known of how sure the objects are"


def read_confidence(layout: RunLayout, object_ids: Int32[ndarray, " gaussians"]) -> Confidence | None:
    """How sure a run's objects are; None for a run of a gsseg that did not tell, and for objects edited since.

    `InputError` for a file that is damaged.
    """
    path = layout.confidence
    if not path.is_file():
        return None
    try:
        return confidence_from_json(read_text(path, MOST_BYTES), object_ids, _column(layout, len(object_ids)))
    except ValueError as error:
        raise InputError(path, f"cannot be read ({error})", _REMEDY) from error


def _column(layout: RunLayout, count: int) -> Float32[ndarray, " gaussians"]:
    """The Gaussians' column; ValueError where it is none."""
    try:
        with safe_open(layout.features, framework="np") as file:
            values = file.get_tensor(CONFIDENCE)
    except (OSError, SafetensorError, TypeError, AttributeError) as error:
        raise ValueError(f"{layout.features.name} beside it holds no {CONFIDENCE}: {error}") from error
    sound = values.shape == (count,) and values.dtype == np.float32
    if not sound or not ((values >= 0) & (values <= 1)).all():  # also false for NaN
        raise ValueError(f"{layout.features.name} beside it does not hold {count} probabilities")
    return values
