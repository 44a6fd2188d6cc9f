"""Fixtures that several folders of tests share."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from PIL import Image

from gsseg.features import MaskEvidence
from gsseg.io.ply import write_splats
from gsseg.scene import Camera, Gaussians
from gsseg.segmentation import NO_CODE, ObjectInfo, Segmentation
from tests.camera_poses import looking_inwards


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real scenes and files beside the project; tests that use it are skipped where it is absent."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("no folder 'shared' beside the project: the real files these tests read are not here")
    return folder


@pytest.fixture(scope="session")
def make_columns() -> Callable[..., np.ndarray]:
    """A function (rows, degree, seed) -> structured array of Inria's columns that needs no repair."""

    def make(rows: int = 40, degree: int = 0, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        rest = 3 * ((degree + 1) ** 2 - 1)
        names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
        names += [f"f_rest_{i}" for i in range(rest)]
        names += ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
        columns = np.empty(rows, [(name, "<f4") for name in names])
        for name in names:
            columns[name] = rng.normal(0, 0.3, rows)
        for name in ("scale_0", "scale_1", "scale_2"):
            columns[name] -= 2.5
        quats = rng.normal(size=(rows, 4))
        quats /= np.linalg.norm(quats, axis=1, keepdims=True)
        for i in range(4):
            columns[f"rot_{i}"] = quats[:, i]
        return columns

    return make


@pytest.fixture(scope="session")
def make_small_scene(make_columns: Callable[..., np.ndarray]) -> Callable[[Path], Path]:
    """A function (path) that makes a SCENE folder there: 40 Gaussians about the origin, four posed photos of 32 x 24
    pixels, masks for three of them."""

    def make(scene: Path) -> Path:
        for folder in ("images", "masks"):
            (scene / folder).mkdir(parents=True)
        write_splats(scene / "splats.ply", make_columns())
        rng = np.random.default_rng(1)
        frames = []
        for i in range(4):
            pose = looking_inwards(2 * np.pi * i / 4, 3.0, 1.0)
            frames.append({"file_path": f"images/view_{i}.png", "transform_matrix": pose.tolist()})
            Image.fromarray(rng.integers(0, 255, (24, 32, 3), np.uint8)).save(scene / "images" / f"view_{i}.png")
            if i < 3:
                labels = np.zeros((24, 32), np.uint8)
                labels[4:12, 4:16], labels[12:20, 16:28] = 7, 200 + i
                Image.fromarray(labels).save(scene / "masks" / f"view_{i}.png")
        meta = {"w": 32, "h": 24, "fl_x": 30.0, "fl_y": 30.0, "cx": 16.0, "cy": 12.0, "frames": frames}
        (scene / "transforms.json").write_text(json.dumps(meta))
        return scene

    return make


@pytest.fixture(scope="session")
def make_segmentation() -> Callable[..., Segmentation]:
    """A function (object_ids, codes, discrete, learnt, objects) -> Segmentation; what is left out is zero or none.

    ``codes``: (coarse, fine); ``learnt``: default as ``discrete``.
    """

    def make(
        object_ids: np.ndarray,
        codes: tuple[np.ndarray, np.ndarray] | None = None,
        discrete: np.ndarray | None = None,
        learnt: np.ndarray | None = None,
        objects: Sequence[ObjectInfo] = (),
    ) -> Segmentation:
        count = len(object_ids)
        coarse, fine = codes if codes is not None else (np.full(count, NO_CODE),) * 2
        features = np.zeros((count, 6)) if discrete is None else discrete
        return Segmentation(
            object_ids=object_ids.astype(np.int32),
            code_coarse=coarse.astype(np.int32),
            code_fine=fine.astype(np.int32),
            discrete=features.astype(np.float32),
            learnt=(features if learnt is None else learnt).astype(np.float32),
            objects=list(objects),
        )

    return make


@pytest.fixture
def small_scene(tmp_path: Path, make_small_scene: Callable[[Path], Path]) -> Path:
    """A SCENE folder of its own for this test, as `make_small_scene` makes it."""
    return make_small_scene(tmp_path / "scene")


@pytest.fixture(params=["of other photos", "empty"])
def useless_masks(request: pytest.FixtureRequest, small_scene: Path) -> tuple[Path, str]:
    """The masks of `small_scene`, made useless in one of two ways, and what is to be said of them."""
    folder = small_scene / "masks"
    for path in list(folder.iterdir()):
        if request.param == "empty":
            Image.new("L", (32, 24)).save(path)
        else:
            path.rename(path.with_name("other_" + path.name))
    said = {
        "of other photos": "none of its 3 masks (other_view_0.png, other_view_1.png, ...)",
        "empty": "all its masks are empty",
    }
    return folder, said[request.param]


@pytest.fixture(scope="session")
def make_gaussians() -> Callable[..., Gaussians]:
    """A function (kind, count, seed) -> Gaussians about the origin; `kind` says what is hard about them."""

    def make(kind: str = "plain", count: int = 200, seed: int = 0) -> Gaussians:
        gen = torch.Generator().manual_seed(seed)
        means = torch.rand(count, 3, generator=gen) * 2.0 - 1.0
        log_scales = torch.rand(count, 3, generator=gen) * 1.5 - 4.0
        logits = torch.randn(count, generator=gen) * 2.0
        if kind == "elongated":
            log_scales[:, 0] += 2.5
            log_scales[:, 1] -= 2.0
        elif kind == "behind":
            means[:, 1] = torch.rand(count, generator=gen) * 8.0 - 6.0
        elif kind == "huge":
            log_scales += 3.0
        elif kind == "border":
            means[:, 0] = torch.where(means[:, 0] > 0, means[:, 0] + 0.8, means[:, 0] - 0.8)
            log_scales += 1.0
        elif kind == "opaque":
            logits += 8.0
            log_scales += 1.0
        elif kind == "tiny":
            log_scales -= 1.5
            logits += 3.0
        elif kind != "plain":
            raise ValueError(kind)
        quats = torch.randn(count, 4, generator=gen)
        return Gaussians(
            means=means,
            log_scales=log_scales,
            quats_wxyz=quats / quats.norm(dim=1, keepdim=True),
            opacity_logits=logits,
            sh=torch.randn(count, 4, 3, generator=gen),
            drawable=torch.rand(count, generator=gen) > 0.05,
        )

    return make


@pytest.fixture(scope="session")
def make_camera() -> Callable[..., Camera]:
    """A function (width, height) -> camera at (0, -3, 0.3) looking along +y, with its centre off the middle."""

    def make(width: int = 40, height: int = 30) -> Camera:
        pose = np.array([[1.0, 0, 0, 0], [0, 0, -1.0, 0.3], [0, 1.0, 0, 3.0], [0, 0, 0, 1.0]])
        return Camera(width, height, 0.9 * width, 1.1 * height, 0.48 * width, 0.55 * height, pose)

    return make


@pytest.fixture(scope="session")
def one_pixel() -> Callable[[np.ndarray, np.ndarray], Camera]:
    """A function (origin, direction) -> camera of one tiny pixel that sees along the ray: there the affine projection
    is exact."""

    def make(origin: np.ndarray, direction: np.ndarray) -> Camera:
        z = direction / np.linalg.norm(direction)
        x = np.cross(z, [0.3, -0.5, 0.8])
        x /= np.linalg.norm(x)
        pose = np.eye(4)
        pose[:3, :3] = np.stack([x, np.cross(z, x), z])
        pose[:3, 3] = -pose[:3, :3] @ origin
        return Camera(1, 1, 1e5, 1e5, 0.5, 0.5, pose)

    return make


@pytest.fixture(scope="session")
def evidence_of() -> Callable[..., MaskEvidence]:
    """A function (labels, weights, central) -> what masks say of Gaussians of which each view sees the centre.

    ``labels``: (views, gaussians) mask that each view shows, 0 = unmasked, -1 = not seen; ``weights``: the same
    shape, default 1; ``central``: (gaussians,), default all that some view sees.
    """

    def make(labels: np.ndarray, weights: np.ndarray | None = None, central: np.ndarray | None = None) -> MaskEvidence:
        views, gaussians = labels.shape
        rows = labels.max(axis=1).clip(0) + 1
        base = np.concatenate([[0], np.cumsum(rows)])
        view, gaussian = np.nonzero(labels >= 0)
        values = np.ones(len(view)) if weights is None else weights[view, gaussian]
        matrix = sp.csr_array(
            (values.astype(np.float32), (base[view] + labels[view, gaussian], gaussian)), shape=(base[-1], gaussians)
        )
        return MaskEvidence(
            matrix=matrix,
            row_view=np.repeat(np.arange(views), rows).astype(np.int32),
            row_label=np.concatenate([np.arange(n) for n in rows]).astype(np.int32),
            central=(labels >= 0).any(axis=0) if central is None else central,
            visibility=np.asarray(matrix.sum(axis=0), np.float32),
            eyes=np.zeros((views, 3), np.float32),
        )

    return make


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a CLIP model of random weights: 24 components, pictures of 32 x 32 pixels."""
    from transformers import CLIPConfig, CLIPModel

    folder = tmp_path_factory.mktemp("clip") / "tiny"
    folder.mkdir()
    size = _write_tokenizer(folder)
    body = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = {**body, "vocab_size": size, "max_position_embeddings": 12, "bos_token_id": size - 2,
            "eos_token_id": size - 1, "pad_token_id": size - 1}  # fmt: skip
    torch.manual_seed(0)
    config = CLIPConfig(text_config=text, vision_config={**body, "image_size": 32, "patch_size": 8}, projection_dim=24)
    network = CLIPModel(config)
    with torch.no_grad():  # so that pictures and texts that differ get vectors that differ visibly
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    network.save_pretrained(folder)
    return folder


_WORDS = ("red", "mug", "chair", "table", "lamp", "object", "things", "stuff", "texture")


def _byte_letters() -> list[str]:
    """The 256 letters that byte-level BPE writes bytes as, in its order."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [256 + i for i in range(256 - len(plain))]
    return [chr(code) for code in plain + others]


def _write_tokenizer(folder: Path) -> int:
    """Writes vocab.json and merges.txt of CLIP's kind and returns the number of tokens."""
    letters = _byte_letters()
    merges: list[str] = []
    for word in _WORDS:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            merge = f"{parts[0]} {parts[1]}"
            merges += [merge] if merge not in merges else []
            parts = [parts[0] + parts[1], *parts[2:]]
    tokens = [*letters, *(letter + "</w>" for letter in letters), *(merge.replace(" ", "") for merge in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer"}))
    return len(tokens)
