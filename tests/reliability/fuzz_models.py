"""Readers of single files (vectors, codebooks, a preparation of pictures), and how they are damaged by structure."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gsseg.batch import BatchPlan
from gsseg.compressed.language import read_language
from gsseg.language.clip import _check_folder
from gsseg.language.naming import read_words
from gsseg.language.pixels import Pixels
from gsseg.language.text import TextVectors
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.quantize.residual.codebook_file import read_codebooks
from gsseg.quantize.rqvae.checkpoint import load_rqvae
from tests.reliability.fuzz_containers import (
    damage_npy,
    damage_safetensors,
    damage_zip,
)
from tests.reliability.fuzz_reader import Damage, Reader, only_file
from tests.reliability.fuzz_values import damage_bytes, damage_json


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
    from gsseg.pretrained import quiet_transformers

    _check_config(folder)
    from transformers import CLIPImageProcessorPil

    with quiet_transformers():
        Pixels.read(CLIPImageProcessorPil, folder, 32)


def _check_config(folder: Path) -> None:
    for name in ("model.safetensors", "vocab.json", "merges.txt"):
        (folder / name).write_bytes(b"x")
    _check_folder(folder)


def _npz(rng: np.random.Generator, content: bytes) -> bytes:
    return damage_zip(rng, content, {".npy": damage_npy})


def _text_vectors(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    table = {"red mug": [0.5, -0.25, 1.0], "chair": [0.1, 0.2, 0.3], "object": [1, 0, 0]}
    (folder / "texts.json").write_bytes(damage_json(rng, table))


def _read_text_vectors(folder: Path) -> None:
    known = TextVectors.read(folder / "texts.json")
    vectors = known.encode_text(list(known.vectors))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def _batch_list(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    table = {
        "scenes": {"one": {"raw": "/data/one"}, "two": {}}, "values": {"more": 3}, "train": "-s {scene} -m {run}",
        "prepare": "lerf {more} {scene} 'a b'", "eval": {"x": "-m {run}"}, "gpus": {"train": 1}, "cpus": {"eval": 0.5},
    }  # fmt: skip
    (folder / "list.yaml").write_bytes(damage_json(rng, table))


def _read_batch_list(folder: Path) -> None:
    plan = BatchPlan.read(folder / "list.yaml", folder / "out")
    for name, steps in plan.scenes.items():
        assert (plan.out / name).parent == plan.out
        assert all(step.words[0] == step.stage for step in steps)


def _words(rng: np.random.Generator, seeds: Path, folder: Path) -> None:
    (folder / "words.txt").write_bytes(damage_bytes(rng, "red mug\nchair\nécran\n".encode()))


def _touch(value: object) -> None:
    assert value is not None


READERS = (
    Reader("language .npy", _copied("language.npy", damage_npy), _read_language),
    Reader("vectors of texts", _text_vectors, _read_text_vectors),
    Reader("list of scenes", _batch_list, _read_batch_list),
    Reader("words", _words, lambda folder: _touch(read_words(folder / "words.txt")[0])),
    Reader("CLIP's preparation", _pixels, _read_pixels),
    Reader("binary codes .npz", _copied("codes.npz", _npz), lambda folder: _touch(BinaryCodes.load(only_file(folder)))),
    Reader("codebooks .npz", _copied("codebooks.npz", _npz), lambda folder: _touch(read_codebooks(only_file(folder)))),
    Reader(
        "RQ-VAE", _copied("rqvae.safetensors", damage_safetensors), lambda folder: _touch(load_rqvae(only_file(folder)))
    ),
)
