"""Raw data sets, other tools' ids and truths of the protocols, each with a way to damage it: rows for the fuzzer."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gsseg.errors import InputError
from gsseg.evaluate import ObjectNames
from gsseg.evaluate.prompt_truth import read_queries, write_queries
from gsseg.evaluate.vertex_truth import read_vertex_truth
from gsseg.io.ply_header import read_header
from gsseg.io.ply_rows import read_rows
from gsseg.io.scene_folder import read_cameras
from gsseg.io.vertex_ids import read_vertex_ids
from gsseg.prepare import ScanNetOptions, prepare_lerf, prepare_scannet
from tests.prepare.raw_scan import extract, sens_header, write_scan
from tests.prepare.test_lerf import LABEL, write_base
from tests.reliability.fuzz_containers import damage_npy, damage_png
from tests.reliability.fuzz_values import damage_bytes, damage_fields, damage_json, damage_words, pick

Damage = Callable[[np.random.Generator, Path, Path], None]
NAME = "scene0000_00"


def _scan(folder: Path) -> Path:
    return write_scan(folder / NAME, frames=3, side=3, lost=(1,)).folder


def _sens(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    file = _scan(folder) / f"{NAME}.sens"
    content, header = file.read_bytes(), len(sens_header(3))
    fields = [
        (0, "I"),
        (4, "Q"),
        *((27 + 4 * k, "f") for k in range(64)),
        *((header - 36 + 4 * k, "i") for k in range(6)),
    ]
    fields += [(header - 12, "f"), (header - 8, "Q"), *((header + 4 * k, "f") for k in range(16))]
    fields += [(header + 64 + 8 * k, "Q") for k in range(4)]
    whole = rng.integers(2)
    file.write_bytes(damage_fields(rng, content, fields) if whole else damage_bytes(rng, content))


def _mesh(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    file = _scan(folder) / f"{NAME}{pick(rng, ('_vh_clean_2.ply', '_vh_clean_2.labels.ply'))}"
    head, end, body = file.read_bytes().partition(b"end_header\n")
    if rng.integers(2):
        head, end = damage_words(rng, (head + end).decode().rstrip("\n")), b"\n"
    else:
        body = damage_bytes(rng, body)
    file.write_bytes(head + end + body)


def _scan_json(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    file = _scan(folder) / f"{NAME}{pick(rng, ('.aggregation.json', '_vh_clean_2.0.010000.segs.json'))}"
    file.write_bytes(damage_json(rng, json.loads(file.read_text())))


def _extracted(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    scan = write_scan(folder / "sens", frames=3, side=3, lost=(1,))
    raw = extract(scan, folder / NAME)
    file = raw / str(
        pick(rng, ("pose/0.txt", "pose/2.txt", "intrinsic/intrinsic_color.txt", "color/0.jpg", "depth/0.png"))
    )
    content = file.read_bytes()
    file.write_bytes(damage_words(rng, content.decode()) if file.suffix == ".txt" else damage_bytes(rng, content))


def _prepare_scan(folder: Path) -> None:
    out = folder / "out"
    try:
        made = prepare_scannet(folder / NAME, out, ScanNetOptions(every=1, frames=2, depth=True))
    except InputError:
        assert not out.exists()
        raise
    assert len(read_cameras(out)[0]) == made.counts["frames"]
    points = read_rows(read_header(out / "points3d.ply"), "vertex")
    assert all(np.isfinite(points[name]).all() for name in ("x", "y", "z", "nx", "ny", "nz"))
    if (out / "gt").is_dir():
        read_vertex_truth(out / "gt", len(points))


def _labels(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    write_base(folder / "ramen")
    (folder / "label" / "ramen").mkdir(parents=True)
    (folder / "label" / "ramen" / "frame_00002.json").write_bytes(damage_json(rng, LABEL))


def _prepare_labels(folder: Path) -> None:
    out = folder / "out"
    try:
        prepare_lerf(folder / "ramen", out)
    except InputError:
        assert not out.exists()
        raise
    assert all(query.read().any() for query in read_queries(out / "gt"))


def _ids(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    ids, kind = np.arange(-2, 20), int(rng.integers(3))
    path = folder / ("ids.npy", "ids.txt", "ids.ply")[kind]
    if kind == 0:
        np.save(path, ids)
        path.write_bytes(damage_npy(rng, path.read_bytes()))
    elif kind == 1:
        path.write_bytes(damage_words(rng, "\n".join(map(str, ids))))
    else:
        head = "ply\nformat ascii 1.0\nelement vertex 22\nproperty int object_id\nend_header\n"
        path.write_bytes(damage_words(rng, head + "\n".join(map(str, ids))))


def _read_ids(folder: Path) -> None:
    ids = read_vertex_ids(next(folder.iterdir()))
    assert len(ids)
    assert ids.min() >= -1


def _truths(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    np.save(folder / "gaussian_semantic.npy", np.arange(20, dtype=np.int32))
    (folder / "names.json").write_text('{"chair": [1, 2], "3": "table"}')
    write_queries(folder, [("front", "red apple", np.eye(4, dtype=bool)), ("front", "cup", np.eye(4, dtype=bool))])
    file = folder / str(pick(rng, ("gaussian_semantic.npy", "names.json", "prompts.json", "prompts/front/0.png")))
    content, rules = file.read_bytes(), {".npy": damage_npy, ".png": damage_png}
    rule = rules.get(file.suffix)
    file.write_bytes(rule(rng, content) if rule else damage_json(rng, json.loads(content)))


def _read_truths(folder: Path) -> None:
    assert all(query.read().any() for query in read_queries(folder))
    ObjectNames.read(folder / "names.json", 5).select("chair")
    (folder / "names.json").write_text("{}")
    read_vertex_truth(folder, 20)


PREPARE_ROWS: tuple[tuple[str, Damage, Callable[[Path], None]], ...] = (
    ("ScanNet .sens", _sens, _prepare_scan),
    ("ScanNet meshes", _mesh, _prepare_scan),
    ("ScanNet segments", _scan_json, _prepare_scan),
    ("ScanNet, extracted", _extracted, _prepare_scan),
    ("LERF labels", _labels, _prepare_labels),
    ("ids of vertices", _ids, _read_ids),
    ("truths of protocols", _truths, _read_truths),
)
"""Name, what damages, what reads."""
