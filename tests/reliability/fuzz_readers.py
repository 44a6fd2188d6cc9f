"""Every reader with a way to damage its input by structure, and what has to hold of a result that was accepted."""

import hashlib
import json
import shutil
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load, save

from gsseg.compressed.file import _digest, read_scene
from gsseg.compressed.language import read_language
from gsseg.evaluate.ground_truth import read_ground_truth
from gsseg.export.manifest import listed_files
from gsseg.io.colmap import CAMERA_MODELS
from gsseg.io.langsplat import mask_vector_shape, read_langsplat, read_langsplat_levels, read_mask_vectors
from gsseg.io.photos import read_photo
from gsseg.io.saga import read_saga
from gsseg.io.scene_folder import load_scene
from gsseg.io.splat_formats import read_splats
from gsseg.io.summary import summarize_scene, summarize_splats
from gsseg.language.clip import _check_folder
from gsseg.language.pixels import Pixels
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.quantize.residual.codebook_file import read_codebooks
from gsseg.quantize.rqvae.checkpoint import load_rqvae
from gsseg.render.weights import BlendWeights
from gsseg.render.weights_file import HEADER, read_weights, write_weights
from gsseg.run import Run
from gsseg.run.layout import RunLayout
from gsseg.run.metrics import read_metrics
from gsseg.run.settings import read_settings
from gsseg.run.stages import StageStore
from gsseg.scene import Gaussians
from tests.reliability.fuzz_containers import (
    damage_gzip,
    damage_npy,
    damage_pickle,
    damage_png,
    damage_safetensors,
    damage_zip,
    hostile_torch,
    other_picture,
    split_safetensors,
)
from tests.reliability.fuzz_prepare import PREPARE_ROWS
from tests.reliability.fuzz_seeds import ROWS
from tests.reliability.fuzz_training import damage_training, train_and_look
from tests.reliability.fuzz_values import (
    REALS,
    damage_bytes,
    damage_fields,
    damage_json,
    damage_words,
    few,
    pick,
)

Damage = Callable[[np.random.Generator, Path, Path], None]
"""(rng, folder of the seeds, folder to fill)"""


@dataclass(frozen=True)
class Reader:
    """A row of the table."""

    name: str
    damage: Damage
    """Puts the damaged input into a folder."""
    read: Callable[[Path], None]
    """Reads what is in the folder and checks what it got."""
    share: float = 1.0
    """Of the cases that others get: less where one takes a second."""


# ---------------------------------------------------------------- splats


def _sound_splats(path: Path) -> None:
    with warnings.catch_warnings():
        file = read_splats(path)
    _sound_gaussians(file.gaussians)
    summarize_splats(path)


def _sound_gaussians(gaussians: Gaussians) -> None:
    for name, tensor in gaussians.tensors().items():
        assert tensor.dtype == torch.bool or bool(torch.isfinite(tensor).all()), f"{name} is not finite"
    assert bool(torch.isfinite(gaussians.scales).all())


def _only(folder: Path) -> Path:
    return next(path for path in sorted(folder.iterdir()) if path.is_file())


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


# ---------------------------------------------------------------- scenes


def _sound_scene(folder: Path) -> None:
    scene = load_scene(folder, downscale=pick(np.random.default_rng(len(list(folder.iterdir()))), (None, 2)))
    _sound_gaussians(scene.gaussians)
    for view in scene.views[:2]:
        camera = view.camera
        assert np.isfinite([camera.fx, camera.fy, camera.cx, camera.cy]).all()
        assert camera.width > 0
        assert camera.height > 0
        for matrix in (view.camera.T_camera_world, camera.position):
            assert np.isfinite(matrix).all(), "a pose is not finite"
        assert np.allclose(camera.T_camera_world[:3, :3] @ camera.T_camera_world[:3, :3].T, np.eye(3), atol=1e-6)
        assert view.labels is None or view.labels.any()
        if view.photo is not None:
            assert view.photo.resolve().is_relative_to(folder.parent.resolve()), "a photo outside is followed"
            read_photo(view)
    summarize_scene(folder)


def _scene(rng: np.random.Generator, seeds: Path, folder: Path) -> Path:
    shutil.copytree(seeds / "scene", folder / "scene")
    return folder / "scene"


def _transforms(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    path = _scene(rng, seeds, folder) / "transforms.json"
    meta = json.loads(path.read_text())
    if rng.random() < 0.3:  # the variants of other writers
        for key in ("w", "h", "fl_x", "fl_y", "k1", "k2", "p1", "p2"):
            meta.pop(key)
        meta["camera_angle_x"] = 0.8
    if rng.random() < 0.4:  # fewer frames, so that the top of the file is hit as often
        meta["frames"] = meta["frames"][:1]
    if rng.random() < 0.2:
        meta |= {"k3": 0.001, "k4": 0.0, "camera_model": pick(rng, ("OPENCV", "OPENCV_FISHEYE", "FULL_OPENCV"))}
    path.write_bytes(damage_json(rng, meta))


def _dataparser(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    scene = _scene(rng, seeds, folder)
    content = json.loads((seeds / "dataparser_transforms.json").read_text())
    (scene / "dataparser_transforms.json").write_bytes(damage_json(rng, content))


_NAMES = ("", "..", ".", "/", ".png", "a" * 5000 + ".png", "../images/view_0.png", "/etc/passwd", "\udcff.png",
          "a/../../../../etc/x.png", "\u202e.png", " ", "images/view_0.png", "view_0", "a\tb.png",
          "b" * 300)  # fmt: skip


def _colmap(kind: str) -> Damage:
    def damage(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
        scene = _scene(rng, seeds, folder)
        (scene / "transforms.json").unlink()
        model = pick(rng, sorted(path.name for path in (seeds / f"colmap_{kind}").iterdir()))
        shutil.copytree(seeds / f"colmap_{kind}" / model, scene / "sparse" / "0")
        path = scene / "sparse" / "0" / f"{pick(rng, ('cameras', 'images'))}.{kind}"
        content = path.read_bytes()
        if kind == "txt":
            text = content.decode()
            if rng.random() < 0.3 and path.stem == "images":
                text = text.replace("view_0.png", pick(rng, _NAMES))
                path.write_bytes(text.encode("utf-8", "surrogateescape"))
                return
            path.write_bytes(damage_words(rng, text) if rng.random() < 0.8 else damage_bytes(rng, content))
            return
        if path.stem == "cameras":
            count = next(count for name, count in CAMERA_MODELS.values() if name == model)
            fields = [(0, "Q"), (8, "I"), (12, "I"), (16, "Q"), (24, "Q"), *((32 + 8 * i, "d") for i in range(count))]
            content = _lens(rng, content, count) if rng.random() < 0.4 else damage_fields(rng, content, fields)
        elif rng.random() < 0.3:
            content = content.replace(b"view_0.png", pick(rng, _NAMES).encode("utf-8", "surrogateescape"))
        elif rng.random() < 0.8:
            fields = [(0, "Q"), (8, "I"), *((12 + 8 * i, "d") for i in range(7)), (68, "I"), (83, "Q")]
            content = damage_fields(rng, content, fields)
        else:
            content = damage_bytes(rng, content)
        path.write_bytes(content)

    return damage


def _lens(rng: np.random.Generator, content: bytes, count: int) -> bytes:
    """Sizes and parameters that are not absurd one by one."""
    params = struct.unpack_from(f"<{count}d", content, 32)
    params = [
        value * float(pick(rng, (1, 1, -1, 1e-3, 1e3, 30, 0))) + float(pick(rng, (0, 0, 1e-9, 1))) for value in params
    ]
    width, height = pick(rng, ((64, 48), (64, 48), (4000, 3000), (1, 1), (16384, 12288), (70000, 1), (2**40, 1)))
    return content[:16] + struct.pack(f"<QQ{count}d", width, height, *params)


def _label_png(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    path = _scene(rng, seeds, folder) / "masks" / "view_0.png"
    path.write_bytes(damage_png(rng, path.read_bytes()))


def _photo(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    path = _scene(rng, seeds, folder) / "images" / "view_0.png"
    path.write_bytes(damage_png(rng, path.read_bytes()))


def _names_of_masks(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    scene = _scene(rng, seeds, folder)
    for path in sorted((scene / "masks").iterdir()):
        name = pick(rng, ("VIEW_0.png", "view_0.jpg.png", "view_1.png", ".png", "a b.PNG", "\udcff.png", "view_2.png"))
        path.rename(path.with_name(name))


def _read_scene_folder(folder: Path) -> None:
    _sound_scene(folder / "scene")


def _langsplat(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    for name in ("langsplat_s.npy", "langsplat_f.npy"):
        content = (seeds / name).read_bytes()
        (folder / name).write_bytes(damage_npy(rng, content) if rng.random() < 0.6 else content)


def _read_langsplat(folder: Path) -> None:
    path = folder / "langsplat_s.npy"
    assert read_langsplat(path).min() >= 0
    assert read_langsplat_levels(path).min() >= 0
    mask_vector_shape(folder / "langsplat_f.npy")
    assert np.isfinite(read_mask_vectors(folder / "langsplat_f.npy")).all()


def _saga(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    masks = torch.load(seeds / "saga.pt", weights_only=True)
    if rng.random() < 0.5:
        hostile_torch(rng, folder / "a.pt", masks)
    else:
        raw = damage_zip(rng, (seeds / "saga.pt").read_bytes(), {"data.pkl": damage_pickle})
        (folder / "a.pt").write_bytes(raw)


def _read_saga(folder: Path) -> None:
    assert read_saga(folder / "a.pt").min() >= 0


def _truth(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    shutil.copytree(seeds / "gt", folder / "gt")
    name = pick(rng, ("gaussian_instance.npy", "ids/view_0.png", "test_views.json", "names.json"))
    path = folder / "gt" / name
    content = path.read_bytes()
    rules = {".npy": damage_npy, ".png": damage_png}
    rule = rules.get(path.suffix)
    path.write_bytes(rule(rng, content) if rule else damage_json(rng, json.loads(content)))


def _read_truth(folder: Path) -> None:
    read_ground_truth(folder / "gt", ROWS)


# ---------------------------------------------------------------- runs


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
    assert run.codebook is not None
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
    scene.learnt.sum()
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


# ---------------------------------------------------------------- single files


def _copied(name: str, rule: Callable[[np.random.Generator, bytes], bytes]) -> Damage:
    def damage(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
        (folder / name).write_bytes(rule(rng, (seeds / name).read_bytes()))

    return damage


def _read_language(folder: Path) -> None:
    vectors = read_language(folder / "language.npy", 3)
    assert vectors.shape[0] == 3


def _pixels(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    value = json.loads((seeds / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_bytes(damage_json(rng, value))
    config = {"model_type": "clip", "architectures": ["CLIPModel"]}
    (folder / "config.json").write_bytes(
        damage_json(rng, config) if rng.random() < 0.3 else json.dumps(config).encode()
    )


def _read_pixels(folder: Path) -> None:
    from gsseg.language.clip import _quiet

    _check_config(folder)
    from transformers import CLIPImageProcessorPil

    with _quiet():
        Pixels.read(CLIPImageProcessorPil, folder, 32)


def _check_config(folder: Path) -> None:
    for name in ("model.safetensors", "vocab.json", "merges.txt"):
        (folder / name).write_bytes(b"x")
    _check_folder(folder)


def _npz(rng: np.random.Generator, content: bytes) -> bytes:
    return damage_zip(rng, content, {".npy": damage_npy})


READERS: tuple[Reader, ...] = (
    Reader("PLY, binary", _ply("binary.ply"), lambda folder: _sound_splats(_only(folder))),
    Reader("PLY, ascii", _ply("ascii.ply"), lambda folder: _sound_splats(_only(folder))),
    Reader("PLY, compressed", _ply("packed.compressed.ply"), lambda folder: _sound_splats(_only(folder))),
    Reader(".splat", _splat, lambda folder: _sound_splats(_only(folder))),
    Reader("SPZ", _spz, lambda folder: _sound_splats(_only(folder))),
    Reader("SOG", _sog, _read_sog),
    Reader("gsplat .pt", _checkpoint, lambda folder: _sound_splats(_only(folder))),
    Reader("splats by any name", _any_name, lambda folder: _sound_splats(_only(folder))),
    Reader("COLMAP, binary", _colmap("bin"), _read_scene_folder),
    Reader("COLMAP, text", _colmap("txt"), _read_scene_folder),
    Reader("transforms.json", _transforms, _read_scene_folder),
    Reader("dataparser_transforms.json", _dataparser, _read_scene_folder),
    Reader("label PNG", _label_png, _read_scene_folder),
    Reader("names of masks", _names_of_masks, _read_scene_folder),
    Reader("photos", _photo, _read_scene_folder),
    Reader("LangSplat .npy", _langsplat, _read_langsplat),
    Reader("SAGA .pt", _saga, _read_saga),
    Reader("ground truth", _truth, _read_truth),
    Reader("objects.json", _run("objects.json"), _read_run),
    Reader("confidence.json", _run("confidence.json"), _read_run),
    Reader("viewer.json", _run("viewer.json"), _read_run),
    Reader("metrics.json", _run("metrics.json"), _read_run),
    Reader("config.yaml", _run("config.yaml"), _read_run),
    Reader("segmented.ply", _run("segmented.ply"), _read_run),
    Reader("features, codebook", _run("features.safetensors", "codebook.safetensors"), _read_run),
    Reader("scene.gsseg", _run("scene.gsseg"), _read_compressed),
    Reader("training", damage_training, train_and_look, share=0.05),
    Reader("manifest.json", _manifest, _read_manifest),
    Reader("cache: stages", _stages, _read_stages),
    Reader("cache: weights", _weights, _read_weights),
    Reader("language .npy", _copied("language.npy", damage_npy), _read_language),
    Reader("CLIP's preparation", _pixels, _read_pixels),
    Reader("binary codes .npz", _copied("codes.npz", _npz), lambda folder: _touch(BinaryCodes.load(_only(folder)))),
    Reader("codebooks .npz", _copied("codebooks.npz", _npz), lambda folder: _touch(read_codebooks(_only(folder)))),
    Reader(
        "RQ-VAE", _copied("rqvae.safetensors", damage_safetensors), lambda folder: _touch(load_rqvae(_only(folder)))
    ),
    *(Reader(name, damage, read) for name, damage, read in PREPARE_ROWS),
)


def _touch(value: object) -> None:
    assert value is not None
