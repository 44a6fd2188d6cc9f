"""RQ-VAE on disk: one safetensors file, whole or not there, whose header holds what is no tensor as JSON.

Header entry ``gsseg.rqvae``: {"format": 1, "config": fields of `RQVAEConfig`, ...}. Tensors: ``model.NAME`` for each
parameter and buffer NAME; a training state adds tensors and header fields of its own. Nothing is ever unpickled.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gsseg.errors import InputError
from gsseg.files import check_readable, whole_file
from gsseg.files.json_file import parse_json
from gsseg.quantize.rqvae.model import RQVAE, RQVAEConfig

ENTRY = "gsseg.rqvae"
FORMAT = 1
REMEDY = "save the model again with this version of gsseg"


def save_rqvae(
    path: Path | str, model: RQVAE, tensors: dict[str, Tensor] | None = None, header: dict[str, Any] | None = None
) -> None:
    """Writes the model, and beside it ``tensors`` and ``header`` fields of the caller's.

    Raises `InputError` where the file system refuses; an earlier file of that name is then as it was.
    """
    values = {**prefixed("model", model.state_dict()), **(tensors or {})}
    entry = {"format": FORMAT, "config": asdict(model.config), **(header or {})}
    content = save({name: value.cpu().contiguous() for name, value in values.items()}, {ENTRY: json.dumps(entry)})
    with whole_file(path) as beside:
        beside.write_bytes(content)


def load_rqvae(path: Path | str) -> RQVAE:
    """The model of a file of `save_rqvae`, in evaluation mode. Raises `InputError` as `read_checkpoint` does."""
    return read_checkpoint(path)[0].eval()


def read_checkpoint(path: Path | str) -> tuple[RQVAE, dict[str, Tensor], dict[str, Any]]:
    """(model, all tensors, header fields) of a file of `save_rqvae`.

    Raises `InputError` where the file is missing, truncated, no safetensors file or none of an RQ-VAE, of another
    format version, or where its tensors are not those of its configuration.
    """
    check_readable(Path(path))
    try:
        with safe_open(path, framework="pt") as file:
            header = parse_json((file.metadata() or {}).get(ENTRY, "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror or error})", "check the path") from error
    except (SafetensorError, ValueError) as error:
        raise InputError(path, f"is no whole safetensors file ({error})", "copy it again") from error
    if not isinstance(header, dict) or "format" not in header:
        raise InputError(path, "is a safetensors file, but not of an RQ-VAE", "name a file that save_rqvae wrote")
    if header["format"] != FORMAT:
        raise InputError(path, f"has the format {header['format']}, this version reads {FORMAT}", REMEDY)
    try:
        model = RQVAE(_config(header["config"]))
        model.load_state_dict(unprefixed("model", tensors))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(path, f"holds a model that does not fit together ({error})", REMEDY) from error
    return model, tensors, header


def prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under ``prefix.NAME``."""
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def unprefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those of the tensors that are named ``prefix.NAME``, under NAME."""
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


def _config(fields: dict[str, Any]) -> RQVAEConfig:
    """JSON has no tuples."""
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
    return RQVAEConfig(**values)
