"""Blending weights on disk: one file a view, under a key of all that decides them.

A weight is stored as 16-bit fixed point, round(w * 65535): its error is at most 7.7e-6 anywhere in [0, 1], where
float16 errs by 2.4e-4 near 1. What rounds to 0 is dropped. With the 32-bit index an entry takes 6 bytes.

File, little endian: magic (8 bytes), key (32), rows, entries, Gaussians (3 x uint64), CRC-32 of the payload
(uint32), 4 bytes of zeros; payload: entries of each row (uint32), indices (int32), weights (uint16).
"""

import os
import secrets
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64
from numpy import ndarray
from torch import Tensor

from gsseg.files.digest import sha256, sha256_of
from gsseg.render.weights import BlendWeights
from gsseg.scene import Gaussians, View

MAGIC = b"GSSEGW01"
HEADER = struct.Struct("<8s32sQQQI4x")
RENDERER_VERSION = 1
"""Raised whenever the renderers' weights change, so that no older file is believed."""

STEPS = 65535
"""Fixed-point steps from 0 to 1."""


def file_name(view: View) -> str:
    """The file of a view: its name hashed, because a photo's stem may hold anything."""
    return f"weights_{sha256(view.name)[:16]}.bin"


def gaussians_key(gaussians: Gaussians) -> bytes:
    """SHA-256 of all that the weights depend on in the Gaussians and their `RenderConfig`; not their colours."""
    names = ("means", "log_scales", "quats_wxyz", "opacity_logits", "drawable")
    return sha256_of([repr(gaussians.render), *(getattr(gaussians, name).cpu().numpy() for name in names)])


def weights_key(content: bytes, view: View, pixels: Int64[Tensor, " pixels"], renderer: str) -> bytes:
    """SHA-256 of all that decides a view's weights: Gaussians (`gaussians_key`), camera, pixels, renderer's name."""
    camera = view.camera
    lens = (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)
    drawn = f"{renderer} {RENDERER_VERSION} {tuple(map(float, lens))}"
    return sha256_of([content, drawn, np.asarray(camera.T_camera_world, np.float64), pixels.numpy()])


def in_steps(weights: BlendWeights, pixels: Int64[Tensor, " pixels"]) -> BlendWeights:
    """The same weights as the file gives them back, so that no result depends on what a cache held."""
    steps = torch.round(weights.values * STEPS)
    kept = steps > 0
    before = torch.cat([kept.new_zeros(1, dtype=torch.int64), torch.cumsum(kept, 0)])
    values, pixels = steps[kept] * (1.0 / STEPS), pixels.to(steps.device)
    return BlendWeights(before[weights.indptr], weights.indices[kept], values, weights.gaussians, pixels)


def write_weights(path: Path, weights: BlendWeights, key: bytes) -> None:
    """Writes the file whole or not at all; OSError, with its name, where the disk is full or forbids it."""
    arrays = [array.cpu().numpy() for array in (weights.indptr, weights.indices, weights.values)]
    payload = [
        np.diff(arrays[0]).astype("<u4"),
        np.ascontiguousarray(arrays[1], "<i4"),
        np.round(arrays[2] * STEPS).astype("<u2"),
    ]
    header = HEADER.pack(MAGIC, key, weights.rows, len(arrays[1]), weights.gaussians, _crc(payload))
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as stream:
                stream.write(header)
                for array in payload:
                    stream.write(array.data)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        error.filename = str(path)  # a full disk names no file by itself
        raise


def read_weights(path: Path, key: bytes, pixels: Int64[Tensor, " pixels"]) -> BlendWeights | None:
    """The weights in the file; None where there is no file, or it is damaged, foreign, or of another key."""
    if not path.is_file():  # nor a pipe, which would be waited for
        return None
    try:
        with path.open("rb") as stream:
            header = stream.read(HEADER.size)
            if len(header) < HEADER.size:
                return None
            magic, stored_key, rows, entries, gaussians, crc = HEADER.unpack(header)
            if magic != MAGIC or stored_key != key or rows != len(pixels):
                return None
            if os.fstat(stream.fileno()).st_size != HEADER.size + 4 * rows + 6 * entries:
                return None
            payload = [
                np.fromfile(stream, kind, count) for kind, count in (("<u4", rows), ("<i4", entries), ("<u2", entries))
            ]
    except OSError:
        return None
    if _crc(payload) != crc:
        return None
    counts, indices, steps = payload
    indptr = np.zeros(rows + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    values = steps.astype(np.float32) * np.float32(1.0 / STEPS)
    arrays = (
        torch.from_numpy(indptr),
        torch.from_numpy(indices.astype(np.int32, copy=False)),
        torch.from_numpy(values),
    )
    return BlendWeights(*arrays, gaussians, pixels)


def _crc(payload: Sequence[ndarray]) -> int:
    crc = 0
    for array in payload:
        crc = zlib.crc32(array.data, crc)
    return crc
