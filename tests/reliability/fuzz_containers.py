"""Damage inside containers whose outside stays sound: checksums and lengths are made right again afterwards."""

import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from tests.reliability.fuzz_values import (
    INTEGERS,
    REALS,
    damage_bytes,
    damage_value,
    damage_words,
    few,
    pick,
    write_json,
)

Damage = Callable[[np.random.Generator, bytes], bytes]


def damage_png(rng: np.random.Generator, content: bytes) -> bytes:
    """A PNG with another header, chunks lost, doubled or foreign, or another picture under its name."""
    kind = int(rng.integers(6))
    if kind == 0:
        return damage_bytes(rng, content)
    if kind == 1:
        return other_picture(rng)
    chunks = _chunks(content)
    for _ in range(few(rng)):
        at = int(rng.integers(len(chunks)))
        name, data = chunks[at]
        if kind == 2 or (kind == 3 and rng.random() < 0.5):
            at = next((i for i, (name, _) in enumerate(chunks) if name == b"IHDR"), at)
            width, height = (pick(rng, (0, 1, 2, 31, 64, 9600, 20000, 2**20, 2**31 - 1, 2**32 - 1)) for _ in range(2))
            fields = [width, height, *(int(rng.integers(18)) for _ in range(5))]
            if rng.random() < 0.5:
                fields[2:] = [pick(rng, (1, 2, 4, 8, 16)), pick(rng, (0, 2, 3, 4, 6)), 0, 0, int(rng.integers(2))]
            chunks[at] = (b"IHDR", struct.pack(">IIBBBBB", *fields))
        elif kind == 3:
            chunks[at] = (name, damage_bytes(rng, data) if data else rng.bytes(9))
        elif kind == 4:
            chunks[at : at + 1] = [] if rng.random() < 0.5 else [chunks[at]] * 3
        else:
            foreign = pick(
                rng, (b"tRNS", b"PLTE", b"eXIf", b"iCCP", b"gAMA", b"acTL", b"fcTL", b"zTXt", b"iTXt", b"pHYs")
            )
            bomb = b"x\0\0" + zlib.compress(bytes(1 << 20))
            chunks.insert(at, (foreign, rng.bytes(int(rng.integers(800))) if rng.random() < 0.7 else bomb))
    return content[:8] + b"".join(_chunk(name, data) for name, data in chunks)


def other_picture(rng: np.random.Generator) -> bytes:
    """A picture of another size, mode or format."""
    size = pick(rng, ((32, 24), (1, 1), (64, 48), (24, 32), (3200, 2400), (320, 1), (33, 24)))
    mode = pick(rng, ("L", "RGB", "RGBA", "P", "1", "I;16", "I", "F", "CMYK", "LA"))
    format = pick(rng, ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "EPS", "PPM", "ICO", "TGA"))
    stream = io.BytesIO()
    try:
        made = Image.new(mode, size) if mode not in ("I", "F") else Image.fromarray(
            rng.normal(0, 1e5, size[::-1]).astype(np.int32 if mode == "I" else np.float32)
        )  # fmt: skip
        made.save(stream, format)
    except (OSError, ValueError, KeyError, AttributeError):  # the format has no such mode
        return rng.bytes(int(rng.integers(200)))
    content = stream.getvalue()
    return damage_bytes(rng, content) if rng.random() < 0.3 else content


def damage_npy(rng: np.random.Generator, content: bytes) -> bytes:
    """An array of another type, shape or order than its bytes, or of other numbers."""
    kind = int(rng.integers(5))
    if kind == 0:
        return damage_bytes(rng, content)
    array = np.load(io.BytesIO(content))
    kind = kind if array.size and array.ndim and array.dtype.kind != "U" else 1
    if kind == 1:
        start = 10 + struct.unpack_from("<H", content, 8)[0]
        header = content[10:start].decode("latin-1")
        parts = (
            array.dtype.str, str(array.shape), "False", "descr", "shape", "{", "}", "'", ",",
        )  # fmt: skip
        others = (
            "|O", "<f8", ">f4", "<c16", "<U5", "|V8", "<M8[s]", "|b1", "<i8", "<f2", "[('a', '<f4')]", "True", "()",
            "(0,)", "(1000000000000,)", "(-1,)", "(0, 1000000000000000000)", "(3L, 4L)", "(" * 500, "((1,),)",
            "(1,) * 10", "__import__('os')", "\0", "'", "None", "(True,)", "(1.5,)", "(" + "1, " * 70 + ")",
        )  # fmt: skip
        header = header.replace(pick(rng, parts), pick(rng, others))
        body = header.encode("latin-1")
        version = pick(rng, (1, 1, 1, 2, 3, 0, 9))
        length = struct.pack("<H", len(body) % 65536) if version == 1 else struct.pack("<I", len(body))
        return b"\x93NUMPY" + bytes([version, 0]) + length + body + content[start:]
    if kind == 2:
        array = array.astype(pick(rng, ("<f8", "<f4", "<f2", ">f4", "<i8", "<u8", "|u1", "|b1", "<i2", "<c8", "<U3")))
    elif kind == 3:
        array = pick(rng, (array[None], array[..., None], array[:0], array.T, array.ravel(), array[:1], array[0, ...]))
    else:
        array = array.astype(pick(rng, ("<f8", "<f4"))) if rng.random() < 0.7 else array.astype("<i8")
        values = REALS if array.dtype.kind == "f" else [value for value in (*INTEGERS, -1, -(2**63), 2**63 - 1)]
        with np.errstate(all="ignore"):
            for _ in range(3):
                array.reshape(-1)[int(rng.integers(array.size))] = pick(rng, values)
    stream = io.BytesIO()
    np.save(stream, np.asfortranarray(array) if rng.random() < 0.2 else array)
    return stream.getvalue()


def damage_zip(rng: np.random.Generator, content: bytes, members: dict[str, Damage]) -> bytes:
    """An archive with a member damaged by the rule for its ending, left out, exchanged, renamed or otherwise packed."""
    if rng.random() < 0.2:
        return damage_bytes(rng, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = [(name, archive.read(name)) for name in archive.namelist()]
    kind = int(rng.integers(6))
    at = int(rng.integers(len(files)))
    if kind <= 2:
        name, data = files[at]
        rule = next((rule for ending, rule in members.items() if name.endswith(ending)), damage_bytes)
        files[at] = (name, rule(rng, data) if data else rng.bytes(20))
    elif kind == 3:
        del files[at]
    elif kind == 4:
        other = int(rng.integers(len(files)))
        files[at] = (files[at][0], files[other][1])
    else:
        files[at] = (pick(rng, ("../x", "/etc/x", "", "a" * 5000, "x\0y", files[0][0])), files[at][1])
    packing = pick(rng, (zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED,
                         zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))  # fmt: skip
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as archive:
        archive.NameToInfo.clear()
        for name, data in files:
            info = zipfile.ZipInfo(name)
            info.compress_type = packing
            archive.NameToInfo.pop(name, None)  # zipfile warns of names that come twice
            archive.writestr(info, data)
    return stream.getvalue()


def damage_gzip(rng: np.random.Generator, content: bytes) -> bytes:
    """Damage inside gzip, packed again."""
    if rng.random() < 0.3:
        return damage_bytes(rng, content)
    return gzip.compress(damage_bytes(rng, gzip.decompress(content)), 1)


def damage_safetensors(rng: np.random.Generator, content: bytes) -> bytes:
    """A safetensors file with another header, other numbers, or a cut tail."""
    kind = int(rng.integers(4))
    if kind == 0:
        return damage_bytes(rng, content)
    header, body = split_safetensors(content)
    if kind == 1:
        raw = write_json(rng, damage_value(rng, header))
    elif kind == 2:
        raw = json.dumps(header).encode()
        body = damage_bytes(rng, body)
    else:
        names = [name for name in header if name != "__metadata__"]
        one, other = pick(rng, names), pick(rng, names)
        header[one], header[other] = header[other], header[one]
        header[pick(rng, names)]["dtype"] = pick(rng, ("F64", "F16", "BF16", "I64", "BOOL", "U8", "F8_E4M3", "X"))
        raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + body


def split_safetensors(content: bytes) -> tuple[dict[str, Any], bytes]:
    """(header, bytes of the tensors) of a sound file."""
    size = struct.unpack_from("<Q", content)[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def hostile_torch(rng: np.random.Generator, path: Path, content: object) -> None:
    """Writes a file that torch makes itself: of tensors of other kinds, sizes and layouts, or of no tensors."""
    tensor = next(iter(content.values())) if isinstance(content, dict) else content
    assert isinstance(tensor, torch.Tensor)
    makers: tuple[Callable[[], object], ...] = (
        lambda: tensor.double() * float("nan"),
        lambda: tensor.to_sparse(),
        lambda: torch.quantize_per_tensor(tensor.float(), 0.1, 0, torch.quint8),
        lambda: torch.zeros(1, dtype=tensor.dtype).expand(10**9, 10**5),
        lambda: torch.empty(0, *tensor.shape[1:], dtype=tensor.dtype),
        lambda: tensor[:0],
        lambda: tensor[None],
        lambda: tensor.reshape(-1),
        lambda: tensor.to(torch.complex64),
        lambda: tensor.to(torch.bfloat16),
        lambda: tensor.to(torch.float16),
        lambda: tensor.long(),
        lambda: tensor.to("meta"),
        lambda: tensor.transpose(0, -1),
        lambda: torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)]),
        lambda: torch.tensor(1.0),
        lambda: [tensor, tensor],
        lambda: "text",
        lambda: None,
        lambda: {"a": {1: 2}},
        lambda: 10**400,
        lambda: torch.nn.Parameter(tensor.float()),
    )
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = pick(rng, makers)()
        if isinstance(content, dict) and rng.random() < 0.9:
            splats = dict(content)
            splats[pick(rng, list(splats))] = value
            if rng.random() < 0.2:
                splats.pop(pick(rng, list(splats)))
            value = {"step": 1, "splats": splats}
        torch.save(value, path, _use_new_zipfile_serialization=bool(rng.random() < 0.8))


def damage_pickle(rng: np.random.Generator, content: bytes) -> bytes:
    """The opcodes of a pickle with other texts and numbers."""
    if rng.random() < 0.5:
        return damage_bytes(rng, content)
    text = content.decode("latin-1")
    return damage_words(rng, text)[: 2 * len(content) + 100]


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at + 8 <= len(content):
        size, name = struct.unpack_from(">I4s", content, at)
        chunks.append((name, content[at + 8 : at + 8 + size]))
        at += 12 + size
    return chunks


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
