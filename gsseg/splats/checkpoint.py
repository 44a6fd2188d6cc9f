"""A training that was stopped, on disk: everything the next step needs, so that going on gives the same splats."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from gsseg.errors import InputError
from gsseg.files import check_readable, whole_file
from gsseg.splats.initial import Points
from gsseg.splats.loop import History, SplatTrainer

_AGAIN = "start again without --resume"


def fingerprint(trainer: SplatTrainer, points: Points) -> str:
    """What decides a training: configuration, device, cameras, photos' names and sizes of their files, and points."""
    decided = {**asdict(trainer.config), "device": trainer.device}
    found = hashlib.sha256(json.dumps(decided, sort_keys=True).encode())
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
    state = {
        "steps": trainer.steps,
        "seconds": trainer.seconds,
        "square_error": repr(trainer.square_error),
        "history": asdict(trainer.history),
    }
    metadata = {"format": "gsseg splats 1", "key": key, "state": json.dumps(state)}
    with whole_file(path) as beside:
        arrays = {name: np.ascontiguousarray(values) for name, values in trainer.learner.state().items()}
        beside.write_bytes(save(arrays, metadata))


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
            arrays = {name: file.get_tensor(name) for name in list(file.keys())}
        state = json.loads(metadata["state"])
        steps, seconds, error = int(state["steps"]), float(state["seconds"]), float(state["square_error"])
        history = History(**state["history"])
        trainer.learner.restore(arrays)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(path, f"is damaged ({error})", _AGAIN) from error
    trainer.steps, trainer.seconds, trainer.square_error, trainer.history = steps, seconds, error, history
