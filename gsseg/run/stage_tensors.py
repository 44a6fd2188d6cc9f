"""What the file of a finished stage has to hold: its tensors, their types and sizes, and numbers that fit together."""

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from gsseg.run.codebook_file import NAMES, codes_problem

LAYOUT = {
    "evidence": {
        "values": (("float32",), ("entries",)),
        "indices": (("int32", "int64"), ("entries",)),
        "indptr": (("int32", "int64"), ("edges",)),
        "row_view": (("int32",), ("rows",)),
        "row_label": (("int32",), ("rows",)),
        "central": (("uint8",), ("gaussians",)),
        "visibility": (("float32",), ("gaussians",)),
        "eyes": (("float32",), ("views", "three")),
    },
    "features": {"features": (("float32",), ("gaussians", "dim")), "seen": (("uint8",), ("gaussians",))},
    "codes": {
        "coarse": (("int64",), ("gaussians",)),
        "fine": (("int64",), ("gaussians",)),
        "coarse_codebook": (("float32",), ("k1", "dim")),
        "fine_codebook": (("float32",), ("codes", "dim")),
    },
}
"""Stage -> tensor -> its types and the names of its axes; axes of one name are of one length."""


def are_sound(stage: str, tensors: dict[str, Tensor], losses: object) -> bool:
    """Whether these can be what the stage left: whoever goes on from them indexes with them."""
    sizes: dict[str, int] = {}
    if tensors.keys() != LAYOUT[stage].keys() or not _are_curves(losses):
        return False
    for name, (kinds, axes) in LAYOUT[stage].items():
        tensor = tensors[name]
        if str(tensor.dtype).removeprefix("torch.") not in kinds or tensor.ndim != len(axes):
            return False
        if any(sizes.setdefault(axis, size) != size for axis, size in zip(axes, tensor.shape, strict=True)):
            return False
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            return False
    if stage == "evidence":
        return _is_evidence({name: tensor.numpy() for name, tensor in tensors.items()})
    if stage == "codes":
        return codes_problem({name: tensors[name].numpy() for name in NAMES}, sizes["gaussians"]) is None
    return True


def _is_evidence(arrays: dict[str, np.ndarray]) -> bool:
    views, labels = arrays["row_view"], arrays["row_label"]
    shape = (len(views), len(arrays["central"]))
    try:
        sp.csr_array((arrays["values"], arrays["indices"], arrays["indptr"]), shape=shape).check_format()
    except ValueError:
        return False
    ascending = len(views) > 0 and views[0] == 0 and bool((np.diff(views) >= 0).all())
    return ascending and arrays["eyes"].shape == (int(views[-1]) + 1, 3) and int(labels.min()) >= 0


def _are_curves(losses: object) -> bool:
    return isinstance(losses, dict) and all(
        isinstance(curve, list) and all(isinstance(value, int | float) for value in curve) for curve in losses.values()
    )
