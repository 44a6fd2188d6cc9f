"""Files of ``torch.save``: tensors are read, code never is, and no tensor is believed to be larger than its file.

Source: pytorch, ``torch/serialization.py``. A file is a zip of uncompressed records (before torch 1.6 a pickle), and a
tensor in it is a record, an offset, sizes and strides, all of which the file may choose as it likes.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gsseg.errors import InputError
from gsseg.files import check_readable
from gsseg.io.quiet import no_warnings

_AGAIN = "copy or make it again"


def begins_torch_file(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a zip that torch wrote: its first record is ``data.pkl``."""
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    return head.startswith(b"PK\x03\x04") and first.endswith(b"/data.pkl")


def load_torch(path: Path) -> Any:
    """The tensors, numbers, texts, lists and dictionaries of a file, on the CPU; `InputError` where it holds others."""
    check_readable(path)
    try:
        _check_records(path)
        with no_warnings():  # of storages of another kind than torch's own writer has
            return torch.load(path, map_location="cpu", weights_only=True)
    except InputError:
        raise
    except Exception as error:  # a damaged file leads torch to raise whatever its parts do
        problem = "is not a file of tensors that torch can load safely, or is damaged"
        raise InputError(path, problem, _AGAIN) from error


def plain_array(path: Path, what: str, value: object) -> np.ndarray:
    """The numbers of a tensor from `load_torch`; `InputError` where ``value`` is none, or none that lies in the file.

    Views that repeat an element, and sparse, nested, quantised and imaginary tensors may be of any size in a few bytes.
    """
    if not isinstance(value, torch.Tensor):
        raise InputError(path, f"{what} is no tensor but {type(value).__name__}", _AGAIN)
    kind = f"{value.dtype} {tuple(value.shape)}".removeprefix("torch.") if not value.is_nested else "nested"
    plain = value.layout == torch.strided and not (value.is_nested or value.is_quantized or value.device.type != "cpu")
    if not plain or value.is_complex():
        raise InputError(path, f"{what} is no plain tensor: {kind}", "save it dense, on the CPU")
    if value.numel() * value.element_size() > path.stat().st_size:
        raise InputError(path, f"{what} is {kind}, more than its file holds", _AGAIN)
    value = value.detach().resolve_conj().resolve_neg()
    return (value.float() if value.dtype == torch.bfloat16 else value).numpy()


def _check_records(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        for record in archive.infolist():
            if record.compress_type != zipfile.ZIP_STORED:  # torch never does, and unpacks them of any size
                raise InputError(path, "holds compressed records, which torch does not write", _AGAIN)
