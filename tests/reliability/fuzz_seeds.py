"""Sound inputs of every kind that gsseg reads, a few kilobytes each, made by its own writers and those of the tests."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from gsseg.cli import main
from gsseg.compressed.language import encode_language
from gsseg.io.ply import write_splats
from gsseg.io.splat_format import inria_dtype
from gsseg.quantize.rqvae.checkpoint import save_rqvae
from gsseg.quantize.rqvae.model import RQVAE, RQVAEConfig
from tests.camera_poses import looking_inwards
from tests.io import test_colmap, test_compressed_ply, test_sog, test_spz

ROWS, VIEWS, WIDTH, HEIGHT = 40, 4, 32, 24


def make_seeds(folder: Path) -> None:
    """Fills a folder: scene/, one file for each splat format, a finished run, ground truth, and single files."""
    rng = np.random.default_rng(0)
    make_scene(folder / "scene", rng)
    _make_splats(folder, rng)
    _make_models(folder)
    _make_masks(folder, rng)
    make_truth(folder / "gt", rng)
    _make_run(folder)
    np.save(folder / "language.npy", rng.normal(size=(3, 16)).astype(np.float32))
    encode_language(rng.normal(size=(5, 16)).astype(np.float32)).save(folder / "codes.npz")
    np.savez(folder / "codebooks.npz", codebook_0=rng.normal(size=(4, 3)), codebook_1=rng.normal(size=(4, 3)))
    torch.manual_seed(0)
    save_rqvae(folder / "rqvae.safetensors", RQVAE(RQVAEConfig(6, 4, hidden=(8,), levels=2, codebook_size=4)))
    pixels = {
        "crop_size": {"height": 32, "width": 32}, "size": {"shortest_edge": 32}, "do_resize": True, "do_rescale": True,
        "do_center_crop": True, "do_normalize": True, "resample": 3, "rescale_factor": 1 / 255, "do_convert_rgb": True,
        "image_mean": [0.48, 0.45, 0.4], "image_std": [0.27, 0.26, 0.28], "image_processor_type": "CLIPImageProcessor",
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(pixels))


def splat_columns(rng: np.random.Generator, degree: int = 0, rows: int = ROWS) -> np.ndarray:
    """Inria's columns of Gaussians about the origin."""
    columns = np.empty(rows, inria_dtype(3 * ((degree + 1) ** 2 - 1)))
    for name in columns.dtype.names or ():
        columns[name] = rng.normal(0, 0.3, rows) - (2.5 if name.startswith("scale") else 0)
    quats = rng.normal(size=(rows, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    for i in range(4):
        columns[f"rot_{i}"] = quats[:, i]
    return columns


def make_scene(scene: Path, rng: np.random.Generator, views: int = VIEWS, columns: np.ndarray | None = None) -> None:
    """A scene of Gaussians about the origin, with photos and masks of views all around, and a dataparser's file."""
    for folder in ("images", "masks"):
        (scene / folder).mkdir(parents=True)
    write_splats(scene / "splats.ply", splat_columns(rng) if columns is None else columns)
    frames = []
    for i in range(views):
        pose = looking_inwards(2 * np.pi * i / views, 3.0, 1.0)
        frames.append({"file_path": f"images/view_{i}.png", "transform_matrix": pose.tolist()})
        Image.fromarray(rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)).save(scene / "images" / f"view_{i}.png")
        Image.fromarray(_labels(7, 200 + i)).save(scene / "masks" / f"view_{i}.png")
    meta = {
        "w": WIDTH, "h": HEIGHT, "fl_x": 30.0, "fl_y": 30.0, "cx": 16.0, "cy": 12.0, "k1": 0.01, "k2": -0.001,
        "p1": 0.001, "p2": 0.0, "camera_model": "OPENCV", "applied_scale": 1.0,
        "applied_transform": np.eye(4)[:3].tolist(), "frames": frames,
    }  # fmt: skip
    (scene / "transforms.json").write_text(json.dumps(meta))


def make_truth(folder: Path, rng: np.random.Generator) -> None:
    """Ground truth of such a scene."""
    (folder / "ids").mkdir(parents=True)
    np.save(folder / "gaussian_instance.npy", rng.integers(-1, 2, ROWS).astype(np.int32))
    for i in range(2):
        Image.fromarray(_labels(1, 2)).save(folder / "ids" / f"view_{i}.png")
    (folder / "test_views.json").write_text('["view_0", "view_1"]')
    (folder / "names.json").write_text('{"0": "chair", "1": "table"}')


def _labels(first: int, second: int) -> np.ndarray:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[4:12, 4:16], labels[12:20, 16:28] = first, second
    return labels


def _make_splats(folder: Path, rng: np.random.Generator) -> None:
    columns = splat_columns(rng, 1)
    write_splats(folder / "binary.ply", columns, comments=["made here"])
    lines = (folder / "binary.ply").read_bytes().split(b"end_header\n")[0].decode()
    rows = "\n".join(" ".join(f"{value:.6g}" for value in row) for row in columns.tolist())
    lines = lines.replace("binary_little_endian", "ascii").replace("property", "property", 1)
    (folder / "ascii.ply").write_text(f"{lines}end_header\n{rows}\n")
    means = rng.normal(size=(ROWS, 3))
    quats = np.stack([columns[f"rot_{i}"] for i in range(4)], 1).astype(np.float64)
    rest = np.zeros(ROWS, [(f"f_rest_{i}", "u1") for i in range(9)])
    test_compressed_ply.pack(
        means, means - 4, quats, rng.uniform(size=(ROWS, 3)), rng.uniform(0.1, 0.9, ROWS),
        folder / "packed.compressed.ply", rest,
    )  # fmt: skip
    row = np.zeros(ROWS, [("position", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)])
    row["position"], row["scale"], row["rgba"], row["rotation"] = means, 0.1, 100, 200
    (folder / "a.splat").write_bytes(row.tobytes())
    for version in range(1, 5):
        test_spz.write(folder / f"v{version}.spz", columns, 1, version)
    for version in (1, 2):
        files = test_sog.pack(columns, 1, version)
        test_sog.write_zip(folder / f"v{version}.sog", files)
        (folder / f"sog_v{version}").mkdir()
        for name, content in files.items():
            (folder / f"sog_v{version}" / name).write_bytes(content)
    splats = {
        "means": torch.randn(8, 3), "scales": torch.randn(8, 3) - 3, "quats": torch.randn(8, 4),
        "opacities": torch.randn(8), "sh0": torch.randn(8, 1, 3), "shN": torch.randn(8, 3, 3),
    }  # fmt: skip
    torch.save({"step": 1, "splats": splats}, folder / "splats.pt")


def _make_models(folder: Path) -> None:
    names = tuple(f"view_{i}.png" for i in range(2))
    for model in sorted({name for _, (name, _) in sorted(test_colmap.CAMERA_MODELS.items())} - {"EQUIRECTANGULAR"}):
        for kind in ("bin", "txt"):
            path = folder / f"colmap_{kind}" / model
            test_colmap.write_model(path, model, kind, names)
    (folder / "dataparser_transforms.json").write_text(json.dumps({"transform": np.eye(4)[:3].tolist(), "scale": 0.5}))


def _make_masks(folder: Path, rng: np.random.Generator) -> None:
    ids = np.full((4, HEIGHT, WIDTH), -1, np.float32)
    ids[:, 4:12, 4:16] = np.arange(4)[:, None, None]
    np.save(folder / "langsplat_s.npy", ids)
    np.save(folder / "langsplat_f.npy", rng.normal(size=(4, 8)).astype(np.float32))
    masks = torch.zeros(3, HEIGHT, WIDTH, dtype=torch.bool)
    masks[0, 2:9, 2:9], masks[1, 5:20, 5:20], masks[2, 10:12, 3:30] = True, True, True
    torch.save(masks, folder / "saga.pt")


def _make_run(folder: Path) -> None:
    run = folder / "run"
    out = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        # As many codes as Gaussians would be as many groups, and the masks of such a scene join none of them.
        few = ["--config.codebook.coarse", "4", "--config.codebook.fine", "3"]
        assert main(["train", "-s", str(folder / "scene"), "-m", str(run), *few]) == 0
        assert main(["compress", "-m", str(run)]) == 0
    finally:
        os.dup2(out, 1)
    objects = json.loads((run / "objects.json").read_text())
    assert objects, "the run that is damaged has an object"
    save_file({"a": torch.zeros(1)}, folder / "foreign.safetensors")
    shutil.copy(run / "segmented.ply", folder / "segmented.ply")
