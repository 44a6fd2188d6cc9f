"""gsplat's checkpoint ``ckpts/ckpt_<step>_rank<r>.pt``: {"step", "splats": tensors of Inria's quantities}.

    means (n, 3), scales (n, 3) natural logarithms, quats (n, 4) wxyz of any length, opacities (n,) logits,
    sh0 (n, 1, 3), shN (n, (degree + 1)^2 - 1, 3)

Source: nerfstudio-project/gsplat, ``examples/simple_trainer.py``.
"""

import re
from pathlib import Path

import numpy as np

from gsseg.errors import InputError
from gsseg.io.splat_file import COLOUR, POSITION, REST_COLUMNS, ROTATION, SCALE
from gsseg.io.splat_format import SplatColumns, inria_dtype
from gsseg.io.torch_file import begins_torch_file, load_torch, plain_array

_SHAPES = {"means": (3,), "scales": (3,), "quats": (4,), "opacities": (), "sh0": (1, 3)}
"""Shape of each tensor without its rows."""

_NOTE = (
    "gsplat's trainer moves and scales the world by default (normalize_world_space): where it did, cameras from COLMAP "
    "do not fit these splats."
)


class GsplatCheckpoint:
    """The format's row in the table."""

    name = "gsplat checkpoint"
    endings = (".pt", ".pth")

    def begins(self, head: bytes) -> bool:
        """Whether torch wrote it."""
        return begins_torch_file(head)

    def read(self, path: Path) -> SplatColumns:
        """The Gaussians as Inria's float32 columns."""
        tensors = _read_tensors(path)
        rows, rest = len(tensors["means"]), tensors["shN"].shape[1]
        out = np.empty(rows, inria_dtype(3 * rest))
        for names, key in ((POSITION, "means"), (SCALE, "scales"), (ROTATION, "quats")):
            for i, name in enumerate(names):
                out[name] = tensors[key][:, i]
        out["opacity"] = tensors["opacities"]
        for channel, name in enumerate(COLOUR):
            out[name] = tensors["sh0"][:, 0, channel]
            for i in range(rest):
                out[f"f_rest_{channel * rest + i}"] = tensors["shN"][:, i, channel]
        out.setflags(write=False)
        return SplatColumns(out, [_NOTE])


def _read_tensors(path: Path) -> dict[str, np.ndarray]:
    content = load_torch(path)
    splats = content.get("splats") if isinstance(content, dict) else None
    if not isinstance(splats, dict):
        nerfstudio = isinstance(content, dict) and "pipeline" in content
        problem = "is a checkpoint of nerfstudio" if nerfstudio else "is not gsplat's checkpoint (it has no 'splats')"
        remedy = "convert it with: ns-export gaussian-splat" if nerfstudio else "give the PLY that the trainer wrote"
        raise InputError(path, problem, remedy)
    missing = [name for name in _SHAPES if name not in splats]
    if missing:
        more = "; it was trained with appearance features" if "features" in splats else ""
        raise InputError(path, f"its splats have no {', '.join(missing)}{more}", "export PLY with the trainer")
    _check_whole(path)
    wanted = {**_SHAPES, **({"shN": (None, 3)} if "shN" in splats else {})}
    tensors = {name: plain_array(path, name, splats[name]) for name in wanted}
    rows = len(tensors["means"]) if tensors["means"].ndim else 0
    for name, shape in wanted.items():
        tensor = tensors[name]
        fits = len(tensor.shape) == 1 + len(shape) and all(
            have == want or want is None for have, want in zip(tensor.shape, (rows, *shape), strict=True)
        )
        if not fits or tensor.dtype.kind != "f":
            named = f"({', '.join(map(str, (rows, *(side or 'any' for side in shape))))})"
            problem = f"its {name} is {tensor.dtype} {tensor.shape}, expected float {named}"
            raise InputError(path, problem, "save it again")
    tensors.setdefault("shN", np.empty((rows, 0, 3), np.float32))
    if 3 * tensors["shN"].shape[1] not in REST_COLUMNS:
        raise InputError(path, f"its shN has {tensors['shN'].shape[1]} harmonics, which is no degree", "save it again")
    return tensors


def _check_whole(path: Path) -> None:
    """Refuses one of several files: each GPU of a training saves the Gaussians that it has."""
    rank = re.search(r"_rank(\d+)(?=\.[^.]*$)", path.name)
    if rank is None:
        return
    others = (path.with_name(path.name.replace(rank.group(), f"_rank{other}")) for other in (0, 1))
    other = next((file for file in others if file != path and file.exists()), None)
    if other is not None:
        problem = f"holds a part of the Gaussians, and {other.name} another: one file a GPU"
        raise InputError(path, problem, "export one PLY with the trainer")
