"""A training that was stopped, on disk: everything the next step needs, so that going on gives the same splats."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from gsseg.errors import InputError
from gsseg.files import check_readable, whole_file
from gsseg.splats.initial import Points
from gsseg.splats.loop import History, SplatTrainer
from gsseg.splats.model import Model

_ARRAYS = ("means", "log_scales", "quats", "logits", "sh", "moments", "ages")
_AGAIN = "start again without --resume"


def fingerprint(trainer: SplatTrainer, points: Points) -> str:
    """What decides a training: configuration, cameras, photos' names and sizes of their files, and points."""
    found = hashlib.sha256(json.dumps(asdict(trainer.config), sort_keys=True).encode())
    for view in trainer.views:
        camera = view.camera
        size = 0 if view.photo is None else view.photo.stat().st_size
        numbers = (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy, size)
        found.update(repr((view.name, numbers, view.lens)).encode())
        found.update(np.ascontiguousarray(camera.T_camera_world).tobytes())
    found.update(np.ascontiguousarray(points.positions).tobytes())
    return found.hexdigest()


def save_checkpoint(path: Path, trainer: SplatTrainer, key: str) -> None:
    """Writes the state between two steps, whole or not at all; `InputError` where the disk refuses."""
    arrays: dict[str, ndarray] = {name: getattr(trainer.model, name) for name in _ARRAYS}
    arrays |= {
        "exposures": trainer.exposures,
        "exposure_moments": trainer.exposure_moments,
        "exposure_ages": trainer.exposure_ages,
    }
    state = {
        "steps": trainer.steps,
        "seconds": trainer.seconds,
        "square_error": repr(trainer.square_error),
        "history": asdict(trainer.history),
    }
    metadata = {"format": "gsseg splats 1", "key": key, "state": json.dumps(state)}
    with whole_file(path) as beside:
        beside.write_bytes(save({name: np.ascontiguousarray(values) for name, values in arrays.items()}, metadata))


def load_checkpoint(path: Path, trainer: SplatTrainer, key: str) -> None:
    """Brings a new trainer to where `save_checkpoint` left one; `InputError` where the file is not of this training."""
    check_readable(path)
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != "gsseg splats 1":
                raise InputError(path, "is no stopped training of splats", _AGAIN)
            if metadata.get("key") != key:
                raise InputError(path, "was made from other input or with other options", _AGAIN)
            names = (*_ARRAYS, "exposures", "exposure_moments", "exposure_ages")
            arrays = {name: file.get_tensor(name) for name in names}
        state = json.loads(metadata["state"])
        model = Model(**{name: arrays[name] for name in _ARRAYS})
        rows = {values.shape[1 if name == "moments" else 0] for name, values in vars(model).items()}
        if len(rows) != 1 or not all(np.isfinite(values).all() for values in vars(model).values()):
            raise ValueError("its arrays do not belong together")
        trainer.exposures = _like(arrays["exposures"], trainer.exposures)
        trainer.exposure_moments = _like(arrays["exposure_moments"], trainer.exposure_moments)
        trainer.exposure_ages = arrays["exposure_ages"].astype(np.int32)
        trainer.steps, trainer.seconds = int(state["steps"]), float(state["seconds"])
        trainer.square_error = float(state["square_error"])
        trainer.history = History(**state["history"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(path, f"is damaged ({error})", _AGAIN) from error
    trainer.model = model


def _like(values: ndarray, wanted: Float32[ndarray, "..."]) -> Float32[ndarray, "..."]:
    if values.shape != wanted.shape or values.dtype != wanted.dtype:
        raise ValueError(f"{values.dtype} {values.shape}, expected {wanted.dtype} {wanted.shape}")
    return values
