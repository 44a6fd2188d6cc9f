"""A folder of ground truth: whose Gaussian is it, whose pixel is it, and which views were held out.

    gaussian_instance.npy   (gaussians,) integers in the order of the splat file, -1 = none
    ids/<view>.png          instance + 1 at every pixel, 0 = none (in a capture: nobody labelled it)
    test_views.json         names of the held-out views; without it every view in ids/ is one
    names.json              instance -> name

Either of the first two will do.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Int32, UInt16
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.files import entries
from gsseg.files.json_file import read_json, read_json_object
from gsseg.io.label_png import read_label_png
from gsseg.io.npy import read_npy
from gsseg.io.numbers import brief

_MEND = "mend it or leave it out"
_INSTANCE = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """What a scene really holds, as far as somebody knows."""

    path: Path
    """The folder."""
    instances: Int32[ndarray, " gaussians"] | None
    """Instance of each Gaussian, -1 = none; None: unknown, as in every capture."""
    maps: dict[str, UInt16[ndarray, "_ _"]]
    """Instance + 1 at every pixel of each held-out view, 0 = none; each at its own size."""
    names: dict[int, str] = field(default_factory=dict)
    """Names of instances, where somebody gave them."""


def holds_ground_truth(path: Path) -> bool:
    """Whether a folder says whose Gaussian or pixel it is; other protocols' truth in it is another matter."""
    return (path / "gaussian_instance.npy").exists() or (path / "ids").is_dir()


def read_ground_truth(path: Path | str, gaussians: int) -> GroundTruth:
    """Reads a folder of ground truth for a scene of so many Gaussians; `InputError` where it is none or damaged."""
    path = Path(path)
    if not path.is_dir():
        raise InputError(path, "no such folder", "give a folder with gaussian_instance.npy or ids/*.png")
    instances = None
    if (path / "gaussian_instance.npy").exists():
        instances = read_instances(path / "gaussian_instance.npy", gaussians)
    maps = _read_maps(path)
    if instances is None and not maps:
        raise InputError(path, "holds no ground truth (gaussian_instance.npy or ids/*.png)", "give another folder")
    return GroundTruth(path, instances, maps, read_names(path / "names.json"))


def read_instances(file: Path, gaussians: int) -> Int32[ndarray, " gaussians"]:
    """Instances from a file, -1 = none; `InputError` where it is no such list, or of another length."""
    values = read_npy(file)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise InputError(file, "is not a list of integers", "save one int32 for each Gaussian")
    if len(values) != gaussians:
        raise InputError(
            file, f"holds {len(values)} rows, the splats {gaussians}", "it belongs to another splat file of the scene"
        )
    if values.size and int(values.max()) > np.iinfo(np.int32).max:
        raise InputError(file, f"holds the instance {values.max()}", "number instances from 0; -1 is none")
    return np.maximum(values.astype(np.int64), -1).astype(np.int32)


def _read_maps(path: Path) -> dict[str, UInt16[ndarray, "_ _"]]:
    there = entries(path / "ids") if (path / "ids").is_dir() else []
    files = {file.stem: file for file in there if file.suffix == ".png"}
    listed = path / "test_views.json"
    names = list(files)
    if files and listed.exists():
        names = read_json(listed, _MEND)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(listed, "is not a list of names of views", 'write ["view_1", "view_2"]')
    maps = {}
    for name in names:
        if name not in files:
            raise InputError(path / "ids", f"has no {name}.png, which test_views.json lists", "add it or mend the list")
        ids = read_label_png(files[name])
        if ids.max(initial=0) > np.iinfo(np.uint16).max:
            raise InputError(files[name], f"holds the label {ids.max()}", "save instance + 1 as 8 or 16 bit grey PNG")
        maps[name] = ids.astype(np.uint16)
    return maps


def read_names(file: Path) -> dict[int, str]:
    """Instance -> name from a file; nothing where there is none."""
    if not file.exists():
        return {}
    table = read_json_object(file, _MEND)
    for key, name in table.items():
        if not _INSTANCE.fullmatch(key) or not isinstance(name, str):
            problem = f"is not a table of instance -> name: {key[:60]!r} -> {brief(name)}"
            raise InputError(file, problem, 'write {"0": "chair"}')
    return {int(key): name for key, name in table.items()}
