"""Segment-anything models as one thing: a picture and points in it to proposals of masks.

SAM (Kirillov et al., ICCV 2023), SAM-HQ (Ke et al., NeurIPS 2023), SAM 2 (Ravi et al., ICLR 2025) and EdgeTAM (Zhou et
al., CVPR 2025), through `transformers`. Its image processors want torchvision, and one built for another torch breaks
them; resizing and normalising is three lines, and they are here. A model is a local folder: nothing is asked of the
network, and nothing is unpickled.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray
from PIL import Image
from torch import Tensor

from gsseg.errors import InputError
from gsseg.files.digest import sha256
from gsseg.files.json_file import read_json_object
from gsseg.io.numbers import brief
from gsseg.pretrained import quiet_transformers, read_network

FAMILIES = {
    "sam": ("SamModel", True),
    "sam_hq": ("SamHQModel", True),
    "sam2": ("Sam2Model", False),
    "sam2_video": ("Sam2Model", False),
    "edgetam": ("EdgeTamModel", False),
    "edgetam_video": ("EdgeTamModel", False),
}
"""model_type of config.json -> transformers' class, and whether pictures keep their shape (then padded to a square).

Checkpoints that follow objects through videos hold the model for pictures, too.
"""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB in 0..1: what all these models were trained with."""

HOW_TO_GET = (
    "download the folder of one, e.g. facebook/sam2.1-hiera-tiny (156 MB, some 20 s a photo on a laptop) or "
    "facebook/sam-vit-base (375 MB) from Hugging Face, and give --model FOLDER"
)
INSTALL = "install it: pip install 'gsseg[sam]'"

POINTS_AT_ONCE = 32
"""Points that the decoder sees in one call: 50 MB a mask of SAM's decoder."""

Precision = Literal["auto", "float32", "bfloat16"]
"""Numbers that the network calculates with."""


@dataclass(frozen=True, eq=False)
class Proposals:
    """Masks that a model proposes for points, three a point: a part, more of it, the whole."""

    logits: Float32[Tensor, "points 3 rows columns"]
    """Above 0 inside; small: a quarter of the model's own resolution, without padding."""
    scores: Float32[Tensor, "points 3"]
    """The model's own guess of each mask's IoU."""


@dataclass(frozen=True, eq=False)
class Segmenter:
    """A model, ready to look at pictures; see `open`."""

    folder: Path
    """Where it was read from."""
    network: Any
    """transformers' model, not training."""
    family: str
    """A key of `FAMILIES`."""

    @classmethod
    def open(cls, folder: Path | str, device: str = "cpu", precision: Precision = "auto") -> "Segmenter":
        """Reads a model. ``auto`` calculates in bfloat16 on a GPU and on processors that have instructions for it.

        Raises `InputError` where the folder is none of the known models or damaged, and without transformers.
        """
        folder = Path(folder)
        family = family_of(folder)
        return cls(folder, open_network(folder, FAMILIES[family][0], device, precision), family)

    @property
    def side(self) -> int:
        """Pixels of the square that the model looks at."""
        return side_of(self.network)

    @property
    def fingerprint(self) -> str:
        """Tells one model from another: the hash of its first matrix, and what it calculates with."""
        first = next(iter(self.network.parameters()))
        return f"{self.family} {sha256(first.detach().float().cpu().contiguous().numpy())[:16]} {first.dtype}"

    @torch.inference_mode()
    def look(self, picture: Image.Image) -> "Look":
        """The expensive part, once a picture: what the encoder sees in it."""
        width, height = picture.size
        inner = self.side, self.side
        if FAMILIES[self.family][1]:
            shrink = self.side / max(width, height)
            inner = max(1, round(width * shrink)), max(1, round(height * shrink))
        pixels = pixels_of(picture, self.side, inner)
        seen = self.network.get_image_embeddings(pixels.to(self.network.device, self.network.dtype))
        if self.family == "sam_hq":
            given = {"image_embeddings": seen[0], "intermediate_embeddings": seen[1]}
        else:
            given = {"image_embeddings": seen}
        return Look(self, given, (width, height), inner)


@dataclass(frozen=True, eq=False)
class Look:
    """A picture as the model's encoder saw it."""

    segmenter: Segmenter
    given: dict[str, Any]
    """What the decoder is given of it."""
    size: tuple[int, int]
    """Width and height of the picture."""
    inner: tuple[int, int]
    """Width and height of it inside the model's square."""

    @torch.inference_mode()
    def propose(self, points: Float[ndarray, "points 2"]) -> Proposals:
        """Three masks for each point, given as (x, y) in pixels of the picture."""
        scale = np.array(self.inner) / np.array(self.size)
        parts = [self._decode(points[k : k + POINTS_AT_ONCE] * scale) for k in range(0, len(points), POINTS_AT_ONCE)]
        return Proposals(torch.cat([part.logits for part in parts]), torch.cat([part.scores for part in parts]))

    def _decode(self, points: Float[ndarray, "points 2"]) -> Proposals:
        network = self.segmenter.network
        where = torch.from_numpy(points.astype(np.float32))[None, :, None].to(network.device, network.dtype)
        said = network(
            input_points=where, input_labels=torch.ones(where.shape[:3], dtype=torch.int, device=network.device),
            multimask_output=True, **self.given,
        )  # fmt: skip
        masks = said["pred_masks"][0].float().cpu()
        rows, columns = (round(masks.shape[-1] * length / self.segmenter.side) for length in self.inner[::-1])
        return Proposals(masks[..., : max(1, rows), : max(1, columns)], said["iou_scores"][0].float().cpu())


def open_network(folder: Path, kind: str, device: str, precision: Precision) -> Any:
    """A network of transformers' class ``kind``, ready to be asked; `InputError` as `Segmenter.open`."""
    try:
        import transformers
    except ImportError as error:
        raise InputError(folder, f"needs the library transformers ({error})", INSTALL) from error
    if _needs_timm(folder) and find_spec("timm") is None:
        problem = "is an EdgeTAM, whose encoder comes from the library timm, which is not installed"
        raise InputError(folder, problem, "pip install timm brings it, and torchvision: take that of your torch")
    with quiet_transformers():
        network = read_network(getattr(transformers, kind), folder, "segmenter")
    return network.to(device, _dtype(device, precision)).eval()


def side_of(network: Any) -> int:
    """Pixels of the square that a network looks at."""
    # The one place where all families say it: EdgeTAM's encoder knows no size.
    size = network.config.prompt_encoder_config.image_size
    return int(size if isinstance(size, int) else size[0])


def pixels_of(picture: Image.Image, side: int, inner: tuple[int, int]) -> Float32[Tensor, "1 3 side side"]:
    """A picture as networks want it: ``inner`` (width, height) of a square of ``side``, the rest of it zero."""
    resized = picture.convert("RGB").resize(inner, Image.Resampling.BILINEAR, reducing_gap=3.0)
    square = np.zeros((side, side, 3), np.float32)
    square[: inner[1], : inner[0]] = (np.asarray(resized, np.float32) / 255 - IMAGENET_MEAN) / IMAGENET_STD
    return torch.from_numpy(square).permute(2, 0, 1)[None]


def family_of(folder: Path) -> str:
    """The key of `FAMILIES` that a folder's config.json names; `InputError` where it holds no such model."""
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "does not exist"
        raise InputError(folder, f"{problem}; a segmenter is a folder with config.json and safetensors", HOW_TO_GET)
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(folder, "has no config.json: it is no model in Hugging Face's layout", HOW_TO_GET)
    kind = read_json_object(path, "copy or download it again").get("model_type")
    if kind not in FAMILIES:
        raise InputError(path, f"is of a model of type {brief(kind)}, not {', '.join(FAMILIES)}", HOW_TO_GET)
    if not any(folder.glob("model*.safetensors")):
        raise InputError(folder, "has no model.safetensors, and other files of weights can run code", HOW_TO_GET)
    return str(kind)


def _needs_timm(folder: Path) -> bool:
    config = read_json_object(folder / "config.json", "copy or download it again")
    if not str(config.get("model_type")).startswith("edgetam"):
        return False
    vision = config.get("vision_config")
    backbone = vision.get("backbone_config") if isinstance(vision, dict) else None
    kind = backbone.get("model_type") if isinstance(backbone, dict) else None
    return kind in (None, "timm_wrapper")  # what transformers takes where the file is silent


def _dtype(device: str, precision: Precision) -> torch.dtype:
    if precision != "auto":
        return getattr(torch, precision)
    # Without such instructions bfloat16 is emulated, and slower than what it is to replace.
    fast = device != "cpu" or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if fast else torch.float32
