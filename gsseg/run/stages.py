"""Finished stages on disk, so that an interrupted run goes on where it was.

A stage's file carries the key of everything that decides it: the splats, the cameras, the masks, the
configuration, the version of gsseg. A file with another key, a damaged one, and one whose tensors cannot be that
stage's are ignored and made again.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gsseg.codebook import Codes
from gsseg.config import TrainConfig
from gsseg.errors import InputError
from gsseg.features import FeatureField, MaskEvidence
from gsseg.files import UnreadableError, whole_file
from gsseg.files.digest import Part, sha256, sha256_of
from gsseg.files.json_file import parse_json
from gsseg.run.layout import RunLayout
from gsseg.run.settings import read_settings
from gsseg.run.stage_tensors import are_sound
from gsseg.scene import Scene
from gsseg.version import __version__


class StageStore:
    """Reads and writes the results of stages in a run's cache; without a cache every stage is computed."""

    def __init__(self, cache: Path | None, key: str, *, resume: bool) -> None:
        """``key``: of `run_key`. ``resume``: whether what is in the cache may be taken."""
        self.cache = cache
        self.key = key
        self.resume = resume

    def evidence(self, compute: Callable[[], MaskEvidence]) -> MaskEvidence:
        """Stage 0: what the masks say of each Gaussian."""
        stored = self._load("evidence")
        if stored is not None:
            tensors, _ = stored
            arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
            shape = (len(arrays["row_view"]), len(arrays["central"]))
            matrix = sp.csr_array((arrays["values"], arrays["indices"], arrays["indptr"]), shape=shape)
            return MaskEvidence(
                matrix, arrays["row_view"], arrays["row_label"], arrays["central"].astype(bool), arrays["visibility"],
                arrays["eyes"],
            )  # fmt: skip
        found = compute()
        matrix = found.matrix
        arrays = {
            "values": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "row_view": found.row_view,
            "row_label": found.row_label, "central": found.central.astype(np.uint8), "visibility": found.visibility,
            "eyes": found.eyes,
        }  # fmt: skip
        self._save("evidence", {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}, {})
        return found

    def features(self, compute: Callable[[], FeatureField]) -> FeatureField:
        """Stage 1."""
        stored = self._load("features")
        if stored is not None:
            tensors, losses = stored
            return FeatureField(tensors["features"], tensors["seen"].bool(), losses)
        field = compute()
        self._save("features", {"features": field.features, "seen": field.seen.byte()}, field.losses)
        return field

    def codes(self, compute: Callable[[], Codes]) -> Codes:
        """Stage 2."""
        names = ("coarse", "fine", "coarse_codebook", "fine_codebook")
        stored = self._load("codes")
        if stored is not None:
            tensors, losses = stored
            return Codes(**tensors, losses=losses)
        codes = compute()
        self._save("codes", {name: getattr(codes, name) for name in names}, codes.losses)
        return codes

    def _load(self, stage: str) -> tuple[dict[str, Tensor], dict[str, list[float]]] | None:
        if self.cache is None or not self.resume:
            return None
        path = self.cache / f"{stage}.safetensors"
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                if header.get("key") != self.key:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                if header.get("content") != content_key(tensors, header["losses"]):
                    return None
            losses = parse_json(header["losses"])
            return (tensors, losses) if are_sound(stage, tensors, losses) else None
        except (OSError, SafetensorError, KeyError, ValueError, TypeError):  # the last: numbers that NumPy has not
            return None

    def _save(self, stage: str, tensors: dict[str, Tensor], losses: dict[str, list[float]]) -> None:
        if self.cache is None:
            return
        tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
        written = json.dumps(losses)
        header = {"key": self.key, "losses": written, "content": content_key(tensors, written)}
        with whole_file(self.cache / f"{stage}.safetensors") as beside:
            beside.write_bytes(save(tensors, header))


def kept_evidence(layout: RunLayout) -> MaskEvidence | None:
    """What the masks say of each Gaussian, as training left it in the folder's cache; None where it is not there, is
    damaged, or is of other inputs than the folder's settings say. `InputError` where those cannot be read."""
    if not layout.settings.is_file() or (key := read_settings(layout.settings).key) is None:
        return None
    store = StageStore(layout.cache, key, resume=True)

    def missing() -> MaskEvidence:
        raise LookupError

    try:
        return store.evidence(missing)
    except LookupError:
        return None


def is_result(layout: RunLayout, scene: Scene, key: str) -> bool:
    """Whether a RUN folder holds the finished run of these very inputs and options; ``key``: of `run_key`.

    Somebody may have edited it since. `InputError` where the disk refuses to tell: a finished run is not replaced then.
    """
    if not all(path.is_file() for path in layout.trained):
        return False
    try:
        found = read_settings(layout.settings)
    except UnreadableError:
        raise
    except InputError:
        return False
    return (found.key, found.scene, found.splats) == (key, scene.path.resolve(), scene.splats.path.resolve())


def content_key(tensors: dict[str, Tensor], losses: str) -> str:
    """Hash of what a stage's file holds: a page that never reached the disk is told from a result."""
    named = ((f"{name} {of.dtype} {tuple(of.shape)}", of.cpu().numpy()) for name, of in sorted(tensors.items()))
    return sha256(losses, *chain.from_iterable(named))


def run_key(scene: Scene, config: TrainConfig) -> str:
    """Hash of all that decides the result of training."""
    settings = asdict(config)
    settings.pop("memory_budget_mb")
    return sha256_of(_deciding_parts(scene, json.dumps(settings, sort_keys=True))).hex()


def _deciding_parts(scene: Scene, settings: str) -> Iterator[Part]:
    """All that decides the result, one part at a time: a scene's label maps are larger together than its splats."""
    yield f"{__version__} {scene.render!r}"
    for tensor in scene.gaussians.tensors().values():
        yield tensor.cpu().numpy()
    for view in scene.views:
        camera = view.camera
        yield repr((view.name, camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy))
        yield camera.T_camera_world
        yield b"" if view.labels is None else view.labels
    yield settings
