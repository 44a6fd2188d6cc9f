"""CLIP: texts and pictures as unit vectors of one space, nearer to each other the more they have to do with each other.

Radford et al. 2021. A model is a folder in Hugging Face's layout: config.json, model.safetensors (or its parts and
their index), the tokenizer's files and preprocessor_config.json; for example openai/clip-vit-base-patch16, or
laion/CLIP-ViT-B-16-laion2B-s34B-b88K, the one whose vectors LangSplat's files hold. The folder is all that is read:
nothing is asked of the network, and nothing is unpickled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray
from PIL import Image
from torch import Tensor

from gsseg.errors import InputError
from gsseg.files.digest import sha256
from gsseg.files.json_file import read_json_object
from gsseg.io.numbers import brief
from gsseg.language.pixels import Pixels
from gsseg.pretrained import brief_error, quiet_transformers, read_network

BATCH = 16
"""Texts or pictures looked at together: a few hundred megabytes with the largest CLIP."""

INSTALL = "install it: pip install 'gsseg[clip]'"
GET = "download the whole folder, e.g. openai/clip-vit-base-patch16 from Hugging Face"


@dataclass(frozen=True, eq=False)
class ClipModel:
    """A CLIP model, ready to encode; see `open`."""

    path: Path
    """The folder that it was read from."""
    network: Any
    """transformers' ``CLIPModel`` in float32, not training."""
    tokenizer: Any
    """transformers' ``CLIPTokenizer``."""
    pixels: Pixels
    """How pictures are prepared."""

    @classmethod
    def open(cls, folder: Path | str, device: str = "cpu") -> "ClipModel":
        """Reads a model.

        Raises `InputError` where the folder is no CLIP model, lacks a file or holds a damaged one, and where the
        library transformers is not installed.
        """
        folder = Path(folder)
        _check_folder(folder)
        try:
            from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer
        except ImportError as error:
            raise InputError(folder, f"needs the library transformers ({error})", INSTALL) from error
        with quiet_transformers():
            network = (
                read_network(CLIPModel, folder, "CLIP model", attn_implementation="sdpa").float().eval().to(device)
            )
            tokenizer = _read_tokenizer(CLIPTokenizer, folder, network.config.text_config)
            side = int(network.config.vision_config.image_size)
            pixels = Pixels.read(CLIPImageProcessorPil, folder, side)
        return cls(folder, network, tokenizer, pixels)

    @property
    def dim(self) -> int:
        """Components of a vector."""
        return int(self.network.config.projection_dim)

    @property
    def fingerprint(self) -> str:
        """Tells one model from another: the hash of the last matrix that texts pass, 16 hexadecimal digits."""
        weight = self.network.text_projection.weight.detach().cpu().contiguous().numpy()
        return sha256(weight.astype(np.float32))[:16]

    def encode_text(self, texts: Sequence[str]) -> Float32[ndarray, "texts dim"]:
        """One unit vector a text; what is beyond the model's context (CLIP: 77 tokens) is cut off.

        ValueError for a text without a word.
        """
        if any(not text.strip() for text in texts):
            raise ValueError("a text without a word has no direction")
        rows = [self._texts(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        return self._unit(rows)

    def encode_images(self, images: Sequence[Image.Image]) -> Float32[ndarray, "images dim"]:
        """One unit vector a picture."""
        rows = [self._images(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
        return self._unit(rows)

    @torch.inference_mode()
    def _texts(self, texts: Sequence[str]) -> Tensor:
        context = self.network.config.text_config.max_position_embeddings
        # Padded to the context, as the model was trained: a text's vector does not depend on what it comes with.
        tokens = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=context, return_tensors="pt"
        )
        inputs = {name: tokens[name].to(self.network.device) for name in ("input_ids", "attention_mask")}
        return self.network.text_projection(self.network.text_model(**inputs).pooler_output)

    @torch.inference_mode()
    def _images(self, images: Sequence[Image.Image]) -> Tensor:
        numbers = torch.from_numpy(np.stack([self.pixels(image) for image in images])).to(self.network.device)
        return self.network.visual_projection(self.network.vision_model(pixel_values=numbers).pooler_output)

    def _unit(self, rows: list[Tensor]) -> Float32[ndarray, "rows dim"]:
        if not rows:
            return np.zeros((0, self.dim), np.float32)
        vectors = torch.cat(rows).cpu().double()
        vectors = (vectors / vectors.norm(dim=1, keepdim=True)).float().numpy()
        if not np.isfinite(vectors).all():
            raise InputError(self.path, "gives vectors that are not finite", "its weights are damaged: copy it again")
        return vectors


def _check_folder(folder: Path) -> None:
    """`InputError` unless the folder holds the files of a CLIP model; none of them but config.json is read yet."""
    if not folder.exists():
        raise InputError(folder, "no such folder", f"give the folder of a CLIP model; {GET}")
    if not folder.is_dir():
        raise InputError(folder, "is a file", "give the folder of a CLIP model that holds it")
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(folder, "has no config.json: it is no model in Hugging Face's layout", GET)
    kind = read_json_object(path, "copy or download it again").get("model_type")
    if kind != "clip":
        raise InputError(path, f"is of a model of type {brief(kind)}, not 'clip'", GET)
    if not any(folder.glob("model*.safetensors")):
        pickled = any(folder.glob("pytorch_model*.bin"))
        problem = "holds its weights as pytorch_model.bin, which can run code," if pickled else "holds no weights"
        raise InputError(
            folder, f"{problem} and has no model.safetensors", "download it, or convert them as docs/language.md shows"
        )
    names = ("vocab.json", "merges.txt")
    if not (folder / "tokenizer.json").is_file() and not all((folder / name).is_file() for name in names):
        raise InputError(folder, "has no tokenizer (tokenizer.json, or vocab.json and merges.txt)", GET)


def _read_tokenizer(kind: Any, folder: Path, config: Any) -> Any:
    """The tokenizer; ``kind`` is transformers' class, ``config`` that of the model's text half."""
    damaged = "copy or download its files again"
    try:
        tokenizer = kind.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        tokens = tokenizer("a", return_tensors="np")["input_ids"].reshape(-1)
    except Exception as error:  # as above
        raise InputError(folder, f"has a tokenizer that cannot be read ({brief_error(error)})", damaged) from error
    if len(tokenizer) > config.vocab_size or len(tokens) < 3:
        problem = f"has a tokenizer of {len(tokenizer)} tokens, and its model knows {config.vocab_size}"
        raise InputError(folder, problem, "they are not of one model: download the whole folder again")
    return tokenizer
