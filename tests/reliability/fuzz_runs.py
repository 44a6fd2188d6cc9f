"""Readers of what gsseg has written (runs, exports, caches), and how it is damaged by structure."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load, save

from gsseg.compressed.file import _digest, read_scene
from gsseg.export.manifest import listed_files
from gsseg.io.splat_formats import read_splats
from gsseg.render.weights import BlendWeights
from gsseg.render.weights_file import HEADER, read_weights, write_weights
from gsseg.run import Run
from gsseg.run.layout import RunLayout
from gsseg.run.metrics import read_metrics
from gsseg.run.settings import read_settings
from gsseg.run.stages import StageStore
from tests.reliability.fuzz_containers import (
    damage_safetensors,
    split_safetensors,
)
from tests.reliability.fuzz_reader import Damage, Reader
from tests.reliability.fuzz_values import (
    REALS,
    damage_bytes,
    damage_fields,
    damage_json,
    damage_words,
    few,
    pick,
)


def _run(*names: str) -> Damage:
    def damage(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
        run = folder / "run"
        others = () if names == ("scene.gsseg",) else ("scene.gsseg",)
        shutil.copytree(seeds / "run", run, ignore=shutil.ignore_patterns("cache", *others))
        ids = read_splats(run / "segmented.ply").columns["object_id"]
        digest = hashlib.sha256(np.ascontiguousarray(ids, "<i4").data).hexdigest()
        marks = {"format": "gsseg viewer", "version": 1, "object_ids_sha256": digest, "hidden": [0], "deleted": [],
                 "rest_hidden": False}  # fmt: skip
        (run / "viewer.json").write_text(json.dumps(marks))
        path = run / pick(rng, names)
        content = path.read_bytes()
        if path.suffix == ".json":
            content = damage_json(rng, json.loads(content))
        elif path.suffix == ".yaml":
            content = damage_words(rng, content.decode()) if rng.random() < 0.9 else damage_bytes(rng, content)
        elif path.suffix == ".ply":
            head, end, body = content.partition(b"end_header\n")
            if rng.random() < 0.5:
                content = damage_words(rng, (head + end).decode().rstrip("\n")) + b"\n" + body
            else:
                content = damage_bytes(rng, content)
        elif path.suffix == ".gsseg":
            content = _signed(rng, content) if rng.random() < 0.7 else damage_safetensors(rng, content)
        else:
            content = damage_safetensors(rng, content)
        path.write_bytes(content)

    return damage


_NUMBERS = ("0", "-1", "1", "9" * 30, "9" * 5000, "10000000000", "x", "", "1.5", "\u0661", "{}", "[]", "null")


def _signed(rng: np.random.Generator, content: bytes) -> bytes:
    """A scene.gsseg of other numbers whose checksum is right."""
    header = split_safetensors(content)[0]["__metadata__"]
    tensors = {name: value.copy() for name, value in load(content).items()}
    header.pop("sha256")
    edited: set[str] = set()
    for _ in range(few(rng)):
        kind, name = int(rng.integers(5)), pick(rng, sorted(tensors))
        value = tensors[name]
        if kind == 0 and value.size:
            with np.errstate(all="ignore"):
                number = pick(rng, REALS) if value.dtype.kind == "f" else pick(rng, (0, 1, 127, 255))
                value.reshape(-1)[int(rng.integers(value.size))] = number
        elif kind == 1:
            tensors[name] = pick(
                rng, (value[:0], value[:-1], value[None], value.reshape(-1), np.repeat(value, 2, axis=0))
            )
        elif kind == 2:
            del tensors[name]
            if not tensors:
                return content
        elif kind == 3:
            header[pick(rng, sorted(header.keys() - {"objects", "render"}))] = pick(rng, _NUMBERS)
        elif (key := pick(rng, ("objects", "render"))) not in edited:
            edited.add(key)
            header[key] = damage_json(rng, json.loads(header[key])).decode("utf-8", "replace").replace("\0", " ")
    tensors = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    return save(tensors, {**header, "sha256": _digest(tensors, header)})


def _read_run(folder: Path) -> None:
    layout = RunLayout(folder / "run")
    read_metrics(layout.metrics)
    read_settings(layout.settings)
    run = Run.open(layout.path)
    count = len(run.objects)
    assert run.object_ids.max(initial=-1) < count
    assert run.code_coarse.shape == run.code_fine.shape == run.object_ids.shape
    assert bool(torch.isfinite(run.features).all())
    assert bool(torch.isfinite(run.learnt_features).all())
    if run.codebook is not None:  # a folder that the viewer made has none
        assert run.codebook.features().shape == (len(run.object_ids), 6)
    for row in run.objects:
        assert np.isfinite([*row.bbox_min, *row.bbox_max, *row.centroid, row.agreement]).all()
        json.dumps(row.name).encode()
        row.name.encode()
    assert run.render.near_plane > 0
    assert len(run.marks.hidden) == len(run.object_ids)
    sure = run.confidence
    assert sure is None or (len(sure.objects) == count and all(0 <= each.two <= 1 for each in sure.borders))


def _read_compressed(folder: Path) -> None:
    scene = read_scene(folder / "run" / "scene.gsseg")
    assert np.isfinite(scene.discrete).all()
    scene.learnt.sum(dtype=np.float64)
    assert scene.object_ids.max(initial=-1) < len(scene.objects)
    _read_run(folder)


def _manifest(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    table = {
        "format": "gsseg export", "version": 1, "splats": "splats.ply", "segmented": {"file": "segmented.ply"},
        "objects": [{"file": "object_000.ply", "id": 0, "name": "a", "mesh": {"file": "object_000_mesh.ply"}}],
    }  # fmt: skip
    (folder / "manifest.json").write_bytes(damage_json(rng, table))


def _read_manifest(folder: Path) -> None:
    for name in listed_files(folder) or ():
        assert isinstance(name, str)
        assert name == Path(name).name, "names a file outside its folder"
        assert name not in ("", ".", "..")


def _stages(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    shutil.copytree(seeds / "run" / "cache", folder / "cache")
    path = pick(rng, sorted((folder / "cache").glob("*.safetensors")))
    content = path.read_bytes()
    header = split_safetensors(content)[0]["__metadata__"]
    (folder / "key").write_text(header["key"])
    (folder / "stage").write_text(path.stem)
    path.write_bytes(damage_safetensors(rng, content))


class _Computed(Exception):
    """The stage was asked for anew: what was on disk is not believed."""


def _compute() -> None:
    raise _Computed


def _read_stages(folder: Path) -> None:
    store = StageStore(folder / "cache", (folder / "key").read_text(), resume=True)
    for stage in (store.evidence, store.features, store.codes):
        try:
            stage(_compute)  # pyright: ignore[reportArgumentType]
        except _Computed:
            continue


def _weights(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    pixels = torch.arange(5)
    indptr = torch.tensor([0, 2, 3, 3, 5, 6])
    indices = torch.tensor([0, 3, 1, 2, 3, 0], dtype=torch.int32)
    path = folder / "weights.bin"
    write_weights(path, BlendWeights(indptr, indices, torch.full((6,), 0.5), 4, pixels), bytes(32))
    content = path.read_bytes()
    fields = [(40, "Q"), (48, "Q"), (56, "Q"), (64, "I"), *((HEADER.size + 4 * i, "I") for i in range(11))]
    content = damage_fields(rng, content, fields) if rng.random() < 0.7 else damage_bytes(rng, content)
    path.write_bytes(content)


def _read_weights(folder: Path) -> None:
    weights = read_weights(folder / "weights.bin", bytes(32), torch.arange(5))
    assert weights is None or (weights.rows == 5 and int(weights.indptr[-1]) == len(weights.indices))


READERS = (
    Reader("objects.json", _run("objects.json"), _read_run),
    Reader("confidence.json", _run("confidence.json"), _read_run),
    Reader("viewer.json", _run("viewer.json"), _read_run),
    Reader("metrics.json", _run("metrics.json"), _read_run),
    Reader("config.yaml", _run("config.yaml"), _read_run),
    Reader("segmented.ply", _run("segmented.ply"), _read_run),
    Reader("features, codebook", _run("features.safetensors", "codebook.safetensors"), _read_run),
    Reader("scene.gsseg", _run("scene.gsseg"), _read_compressed),
    Reader("manifest.json", _manifest, _read_manifest),
    Reader("cache: stages", _stages, _read_stages),
    Reader("cache: weights", _weights, _read_weights),
)
