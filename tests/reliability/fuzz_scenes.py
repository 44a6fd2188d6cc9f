"""Readers of scenes (cameras, photos, masks, ground truth), and how their inputs are damaged by structure."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import torch

from gsseg.evaluate.ground_truth import read_ground_truth
from gsseg.io.colmap import CAMERA_MODELS
from gsseg.io.langsplat import mask_vector_shape, read_langsplat, read_langsplat_levels, read_mask_vectors
from gsseg.io.photos import read_photo
from gsseg.io.saga import read_saga
from gsseg.io.scene_folder import load_scene
from gsseg.io.summary import summarize_scene
from tests.reliability.fuzz_containers import (
    damage_npy,
    damage_pickle,
    damage_png,
    damage_zip,
    hostile_torch,
)
from tests.reliability.fuzz_reader import Damage, Reader, check_gaussians
from tests.reliability.fuzz_seeds import ROWS
from tests.reliability.fuzz_values import (
    damage_bytes,
    damage_fields,
    damage_json,
    damage_words,
    pick,
)


def _sound_scene(folder: Path) -> None:
    scene = load_scene(folder, downscale=pick(np.random.default_rng(len(list(folder.iterdir()))), (None, 2)))
    check_gaussians(scene.gaussians)
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
            inside = view.photo.resolve().is_relative_to(folder.parent.resolve())
            assert inside or view.photo.is_symlink(), "a photo outside is followed"
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


READERS = (
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
)
