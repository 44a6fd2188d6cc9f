"""Readers of splat files, and how their inputs are damaged by structure."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import torch

from gsseg.io.splat_formats import read_splats
from gsseg.io.summary import summarize_splats
from tests.reliability.fuzz_containers import (
    damage_gzip,
    damage_pickle,
    damage_zip,
    hostile_torch,
    other_picture,
)
from tests.reliability.fuzz_reader import Damage, Reader, check_gaussians, only_file
from tests.reliability.fuzz_seeds import ROWS
from tests.reliability.fuzz_values import (
    damage_bytes,
    damage_fields,
    damage_json,
    damage_words,
    pick,
)


def _sound_splats(path: Path) -> None:
    with warnings.catch_warnings():
        file = read_splats(path)
    check_gaussians(file.gaussians)
    summarize_splats(path)


def _ply(name: str) -> Damage:
    def damage(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
        content = (seeds / name).read_bytes()
        head, end, body = content.partition(b"end_header\n")
        kind = int(rng.integers(4))
        if kind <= 1:
            content = damage_words(rng, (head + end).decode("latin-1").rstrip("\n")) + b"\n" + body
        elif kind == 2 and name != "ascii.ply":
            places = [(len(head) + len(end) + 4 * i, "f") for i in range(len(body) // 4)]
            content = damage_fields(rng, content, places)
        elif kind == 2:
            content = head + end + damage_words(rng, body.decode("latin-1"))
        else:
            content = damage_bytes(rng, content)
        (folder / name).write_bytes(content)

    return damage


def _splat(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    content = (seeds / "a.splat").read_bytes()
    places = [(32 * row + 4 * i, "f") for row in range(ROWS) for i in range(6)]
    content = damage_fields(rng, content, places) if rng.random() < 0.7 else damage_bytes(rng, content)
    (folder / "a.splat").write_bytes(content)


def _spz(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    name = f"v{pick(rng, (1, 2, 3, 4))}.spz"
    content = (seeds / name).read_bytes()
    if name == "v4.spz":
        fields = [(4, "I"), (8, "I"), (12, "B"), (13, "B"), (14, "B"), (15, "B"), (16, "I"),
                  *((32 + 8 * i, "Q") for i in range(12))]  # fmt: skip
        content = damage_fields(rng, content, fields) if rng.random() < 0.6 else damage_bytes(rng, content)
    else:
        content = damage_gzip(rng, content)
    (folder / "a.spz").write_bytes(content)


def _sog(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    version = pick(rng, (1, 2))
    rules = {".json": lambda rng, data: damage_json(rng, json.loads(data)), ".webp": _webp}
    if rng.random() < 0.6:
        (folder / "a.sog").write_bytes(damage_zip(rng, (seeds / f"v{version}.sog").read_bytes(), rules))
        return
    shutil.copytree(seeds / f"sog_v{version}", folder, dirs_exist_ok=True)
    file = pick(rng, sorted(folder.iterdir())) if rng.random() < 0.5 else folder / "meta.json"
    file.write_bytes(rules[file.suffix](rng, file.read_bytes()))


def _webp(rng: np.random.Generator, content: bytes) -> bytes:
    return other_picture(rng) if rng.random() < 0.4 else damage_bytes(rng, content)


def _read_sog(folder: Path) -> None:
    _sound_splats(folder / ("a.sog" if (folder / "a.sog").exists() else "meta.json"))


def _checkpoint(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    content = torch.load(seeds / "splats.pt", weights_only=True)
    if rng.random() < 0.5:
        hostile_torch(rng, folder / "a.pt", content["splats"])
    else:
        raw = damage_zip(rng, (seeds / "splats.pt").read_bytes(), {"data.pkl": damage_pickle})
        (folder / "a.pt").write_bytes(raw)


def _any_name(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    sources = [path for path in sorted(seeds.iterdir()) if path.is_file()]
    endings = (".ply", ".splat", ".spz", ".sog", ".pt", ".json", ".ksplat", ".compressed.ply", ".npz", "", ".png")
    content = pick(rng, sources).read_bytes()
    content = content if rng.random() < 0.5 else damage_bytes(rng, content)
    (folder / f"a{pick(rng, endings)}").write_bytes(content)


READERS = (
    Reader("PLY, binary", _ply("binary.ply"), lambda folder: _sound_splats(only_file(folder))),
    Reader("PLY, ascii", _ply("ascii.ply"), lambda folder: _sound_splats(only_file(folder))),
    Reader("PLY, compressed", _ply("packed.compressed.ply"), lambda folder: _sound_splats(only_file(folder))),
    Reader(".splat", _splat, lambda folder: _sound_splats(only_file(folder))),
    Reader("SPZ", _spz, lambda folder: _sound_splats(only_file(folder))),
    Reader("SOG", _sog, _read_sog),
    Reader("gsplat .pt", _checkpoint, lambda folder: _sound_splats(only_file(folder))),
    Reader("splats by any name", _any_name, lambda folder: _sound_splats(only_file(folder))),
)
