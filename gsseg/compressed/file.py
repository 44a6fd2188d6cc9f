"""scene.gsseg on disk: one safetensors file.

Metadata (text): ``format``, ``version``, ``gaussians``, ``splats``, ``splats_sha256``, ``objects`` (the rows of
objects.json), ``render`` (the rasterizer's settings), ``sha256`` (of everything else in the file). Tensors, with pieces
P, levels L, codes K, dim D:

    labels              uint8   stream of ceil(log2 P) bits a Gaussian (`packing`)
    label_objects       int32   (P,)
    label_codes         int32   (P, 2)  coarse, fine; 65535 = none
    label_features      float32 (P, D)
    residual_codes      uint8   (L, bytes)  a stream of ceil(log2 K) bits a Gaussian for each level
    residual_codebooks  float32 (L, K, D)
    language.*          the arrays of `BinaryCodes` where there are language vectors; one an object, or several with
                        ``language.objects`` int32 (vectors,), the object of each; then the metadata holds ``language``
                        (their similarity), ``language_bits`` and, where there was one, the seed of the rotation,
                        ``language_rotation``; ``language_model`` where it is known

safetensors stores little-endian numbers and text, no code; so a file reads alike everywhere and cannot run anything.
"""

import json
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import cast

import numpy as np
from numpy import ndarray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from gsseg.compressed.packing import bits_for, pack, unpack
from gsseg.compressed.scene import LANGUAGE, LANGUAGE_OBJECTS, LANGUAGE_PARTS, CompressedScene
from gsseg.errors import InputError
from gsseg.files import check_readable, reading, whole_file
from gsseg.files.digest import sha256
from gsseg.files.json_file import parse_json
from gsseg.quantize.binary.codes import BinaryCodes, Similarity
from gsseg.render_config import RenderConfig
from gsseg.segmentation.codes_on_disk import NO_CODE_ON_DISK, codes_from_disk, codes_to_disk
from gsseg.segmentation.table import table_from_json, table_json

SUFFIX = ".gsseg"
FORMAT, VERSION = "gsseg scene", "1"

LAYOUT = {
    "labels": ("uint8", 1),
    "label_objects": ("int32", 1),
    "label_codes": ("int32", 2),
    "label_features": ("float32", 2),
    "residual_codes": ("uint8", 2),
    "residual_codebooks": ("float32", 3),
}
"""Type and number of axes of each tensor."""

AGAIN = "make it again: gsseg compress -m RUN"


def write_scene(path: Path | str, scene: CompressedScene) -> None:
    """Writes the file, whole or not at all. Raises `InputError` where the folder cannot be written to."""
    streams = [pack(codes, scene.residual_bits) for codes in scene.residual_codes]
    tensors = {
        "labels": pack(scene.labels, scene.label_bits),
        "label_objects": scene.label_objects,
        "label_codes": codes_to_disk(scene.label_codes).astype(np.int32),
        "label_features": scene.label_features,
        "residual_codes": np.stack(streams) if streams else np.zeros((0, 0), np.uint8),
        "residual_codebooks": scene.residual_codebooks,
    }
    if scene.language is not None:
        tensors |= scene.language_tensors()
    tensors = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    header = {
        "format": FORMAT,
        "version": VERSION,
        "gaussians": str(len(scene)),
        "splats": scene.splats,
        "splats_sha256": scene.splats_sha256,
        "objects": table_json(scene.objects, indent=None),
        "render": json.dumps(asdict(scene.render)),
    }
    if scene.language is not None:
        header |= {"language": scene.language.similarity, "language_bits": str(scene.language.bits)}
        if scene.language.rotation is not None:
            header["language_rotation"] = str(scene.language.rotation)
        if scene.language_model:
            header["language_model"] = scene.language_model
    with whole_file(path) as beside:
        beside.write_bytes(save(tensors, {**header, "sha256": _digest(tensors, header)}))


def read_scene(path: Path | str) -> CompressedScene:
    """The scene that `write_scene` wrote.

    Raises `InputError` where the file is missing, foreign, of another version, cut short, damaged, or where its parts
    contradict each other.
    """
    path = Path(path)
    check_readable(path)
    try:
        with reading(path), safe_open(path, framework="np") as file:
            header = file.metadata() or {}
            _check_version(path, header)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, AttributeError) as error:  # the latter: types of number that NumPy has not
        raise InputError(path, f"is no scene.gsseg, or one that was cut short ({error})", AGAIN) from error
    stored = header.pop("sha256", "")
    if _digest(tensors, header) != stored:
        raise InputError(path, "is damaged: its checksum does not match its content", f"copy it again, or {AGAIN}")
    try:
        return _decode(tensors, header)
    except (KeyError, ValueError, RecursionError) as error:
        problem = f"contradicts itself: {f'it lacks {error}' if isinstance(error, KeyError) else error}"
        raise InputError(path, problem, AGAIN) from error


def _check_version(path: Path, header: dict[str, str]) -> None:
    if header.get("format") != FORMAT:
        raise InputError(path, "is a safetensors file, but no scene.gsseg", "name the file that gsseg compress wrote")
    if header.get("version") != VERSION:
        raise InputError(
            path, f"has version {header.get('version')}, and this gsseg reads version {VERSION}",
            "use the gsseg that wrote it, or gsseg compress with this one",
        )  # fmt: skip


def _decode(tensors: dict[str, ndarray], header: dict[str, str]) -> CompressedScene:
    for name, (dtype, axes) in LAYOUT.items():
        if tensors[name].dtype != dtype or tensors[name].ndim != axes:
            raise ValueError(f"{name} is {tensors[name].dtype} with {tensors[name].ndim} axes, not {dtype} with {axes}")
    gaussians = int(header["gaussians"])
    ids, codes, features = (tensors[f"label_{name}"] for name in ("objects", "codes", "features"))
    codebooks = tensors["residual_codebooks"]
    if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) <= NO_CODE_ON_DISK:
        raise ValueError("a code does not fit 16 bits")
    codes = codes_from_disk(codes)
    if codes.shape != (len(ids), 2) or len(features) != len(ids):
        raise ValueError("its labels differ in number")
    if len(codebooks) != len(tensors["residual_codes"]):
        raise ValueError("residual codes and codebooks differ in number")
    if codebooks.shape[2] != features.shape[1]:
        raise ValueError("codebooks and features differ in width")
    labels = unpack(tensors["labels"], bits_for(len(ids)), gaussians)
    residuals = np.zeros((len(tensors["residual_codes"]), gaussians), np.int64)
    for level, stream in enumerate(tensors["residual_codes"]):
        residuals[level] = unpack(stream, bits_for(codebooks.shape[1]), gaussians)
    return CompressedScene(
        splats=header["splats"],
        splats_sha256=header["splats_sha256"],
        labels=labels,
        label_objects=ids,
        label_codes=codes,
        label_features=features,
        residual_codes=residuals,
        residual_codebooks=codebooks,
        objects=table_from_json(header["objects"]),
        language=_language(tensors, header) if "language" in header else None,
        language_objects=_language_objects(tensors) if "language" in header else None,
        language_model=header.get("language_model", ""),
        render=_render(header.get("render", "{}")),
    )


def _render(text: str) -> RenderConfig:
    values = parse_json(text)
    if not isinstance(values, dict) or not values.keys() <= {"near_plane", "dilation", "antialiased"}:
        raise ValueError(f"render is {text}")
    if not all(isinstance(value, bool if name == "antialiased" else float) for name, value in values.items()):
        raise ValueError(f"render is {text}")
    return RenderConfig(**values)


def _language(tensors: dict[str, ndarray], header: dict[str, str]) -> BinaryCodes:
    parts = {name: tensors[LANGUAGE + name] for name in LANGUAGE_PARTS}
    for name, (dtype, axes) in LANGUAGE_PARTS.items():
        if parts[name].dtype != dtype or parts[name].ndim != axes:
            raise ValueError(f"{LANGUAGE}{name} is {parts[name].dtype} with {parts[name].ndim} axes")
    sums = parts.pop("component_sum").astype(np.int32)
    similarity = cast(Similarity, header["language"])  # BinaryCodes checks that it is one
    rotation = int(header["language_rotation"]) if "language_rotation" in header else None
    bits = int(header["language_bits"])
    return BinaryCodes(**parts, component_sum=sums, similarity=similarity, bits=bits, rotation=rotation)


def _language_objects(tensors: dict[str, ndarray]) -> ndarray | None:
    owners = tensors.get(LANGUAGE_OBJECTS)
    if owners is not None and (owners.dtype != np.int32 or owners.ndim != 1):
        raise ValueError(f"{LANGUAGE_OBJECTS} is {owners.dtype} with {owners.ndim} axes")
    return owners


def _digest(tensors: dict[str, ndarray], header: dict[str, str]) -> str:
    """SHA-256 over names, types, shapes and little-endian bytes of the tensors, and over the header."""
    named = ((f"{name} {tensors[name].dtype.name} {tensors[name].shape}", tensors[name]) for name in sorted(tensors))
    return sha256(json.dumps(header, sort_keys=True), *chain.from_iterable(named))
