"""The Gaussians that are being learnt: their numbers and Adam's moments, row by row in one order."""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from jaxtyping import Float32, Int32, Int64
from numpy import ndarray

from gsseg.scene import Gaussians
from gsseg.splats.adam import paces, step_rows

GROUPS = ("means", "log_scales", "quats", "logits", "sh")
"""What is learnt, in the order of the columns of gradients: 3, 3, 4, 1 and three a coefficient."""


@dataclass(frozen=True, eq=False)
class Model:
    """Parameters, (rows, dim) each, with Adam's two moments side by side; steps change them in place."""

    means: Float32[ndarray, "rows 3"]
    log_scales: Float32[ndarray, "rows 3"]
    quats: Float32[ndarray, "rows 4"]
    """wxyz, of unit length after every step."""
    logits: Float32[ndarray, "rows 1"]
    sh: Float32[ndarray, "rows harmonics"]
    """Coefficient-major: red, green, blue of the first, then of the second, ..."""
    moments: Float32[ndarray, "2 rows columns"]
    """Of all groups' columns, as `GROUPS` orders them."""
    ages: Int32[ndarray, " rows"]
    """Steps that each row has taken: a Gaussian learns only where it is seen."""

    @staticmethod
    def new(
        means: Float32[ndarray, "rows 3"],
        log_scales: Float32[ndarray, "rows 3"],
        quats: Float32[ndarray, "rows 4"],
        logits: Float32[ndarray, "rows 1"],
        sh: Float32[ndarray, "rows harmonics"],
    ) -> "Model":
        """With moments of zero."""
        moments = np.zeros((2, len(means), 11 + sh.shape[1]), np.float32)
        return Model(means, log_scales, quats, logits, sh, moments, np.zeros(len(means), np.int32))

    def __len__(self) -> int:
        return len(self.means)

    @property
    def gaussians(self) -> Gaussians:
        """What they are now, without a copy."""
        return Gaussians(
            means=torch.from_numpy(self.means),
            log_scales=torch.from_numpy(self.log_scales),
            quats_wxyz=torch.from_numpy(self.quats),
            opacity_logits=torch.from_numpy(self.logits[:, 0]),
            sh=torch.from_numpy(self.sh).reshape(len(self), -1, 3),
            drawable=torch.ones(len(self), dtype=torch.bool),
        )

    def taken(self, rows: Int64[ndarray, " taken"]) -> "Model":
        """Copies of some rows, in the given order."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        chosen = {name: value[:, rows] if name == "moments" else value[rows] for name, value in values.items()}
        return replace(self, **chosen)

    def joined(self, other: "Model") -> "Model":
        """All rows of both, as a new model."""
        return Model(
            **{
                f.name: np.concatenate(
                    [getattr(self, f.name), getattr(other, f.name)], axis=1 if f.name == "moments" else 0
                )
                for f in fields(self)
            }
        )

    def step(
        self, rows: Int32[ndarray, " visible"], gradients: Float32[ndarray, "visible columns"], rates: list[float]
    ) -> None:
        """One step of Adam for the given rows. ``rates``: of each group, the last as (colour, harmonics)."""
        self.ages[rows] += 1
        pace = paces(self.ages[rows])
        columns = 0
        for name, rate in zip((*GROUPS[:4], "sh", "sh"), rates, strict=True):
            values = getattr(self, name)
            first, last = 0, values.shape[1]
            if name == "sh":
                first, last = (0, 3) if columns == 11 else (3, last)
            width = last - first
            if rate > 0 and width and columns + width <= gradients.shape[1]:
                step_rows(values, first, self.moments, columns, width, rows, pace, gradients, rate)
            columns += width
        part = self.quats[rows]
        self.quats[rows] = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12)
