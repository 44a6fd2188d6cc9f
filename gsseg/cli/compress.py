"""``gsseg compress``: a run's objects, codes and features in a few bytes a Gaussian."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from gsseg.cli.command import Command, RunPath, parse_command
from gsseg.compressed import compress, write_scene
from gsseg.compressed.describe import part_rows
from gsseg.compressed.encode import CODEBOOK_SIZE, LEVELS
from gsseg.compressed.language import encode_language, read_language
from gsseg.errors import InputError
from gsseg.run import COMPRESSED, Run


@dataclass(frozen=True, kw_only=True)
class Compress(Command):
    """Write RUN/scene.gsseg: objects, codes and features of every Gaussian in a few bytes.

    gsseg query and the viewer read it instead of the float features. It needs its splats beside it.
    """

    run: RunPath
    """RUN folder of gsseg train."""
    levels: int = LEVELS
    """Residual levels on top of the fine codes; 0: only the discrete features are kept."""
    codebook_size: int = CODEBOOK_SIZE
    """Codes of each level, 2 to 65536; each costs ceil(log2 of it) bits a Gaussian and level."""
    language: Annotated[Path | None, tyro.conf.arg(metavar="NPY")] = None
    """Language vectors (CLIP or the like), float (objects, dim), one row an object; kept in one bit a component."""
    seed: int = 0
    """Seed of the codebooks."""

    @property
    def writes(self) -> Path:
        """RUN."""
        return self.run

    def execute(self) -> None:
        """Writes, and says what each part costs."""
        if not 0 <= self.levels <= 16:
            raise InputError(f"--levels {self.levels}", "is out of range", "give 0 to 16")
        if not 2 <= self.codebook_size <= 65536:
            raise InputError(f"--codebook-size {self.codebook_size}", "is out of range", "give 2 to 65536")
        run = Run.open(self.run)
        if run.path != self.run:
            raise InputError(self.run, "is no RUN folder", "name the folder that gsseg train wrote")
        segmentation = run.segmentation()  # not from an earlier scene.gsseg, which may be damaged or out of date
        vectors = None if self.language is None else read_language(self.language, len(segmentation.objects))
        means = run.gaussians.means.numpy()
        scene = compress(
            segmentation, run.splats.name, means, self.levels, self.codebook_size, self.seed,
            None if vectors is None else encode_language(vectors),
        )  # fmt: skip
        out = self.run / COMPRESSED
        write_scene(out, scene)
        seen = segmentation.learnt.any(axis=1)
        error, power = (
            float(np.square(part[seen]).sum(axis=1).mean()) if seen.any() else 0.0
            for part in (segmentation.learnt - scene.learnt, segmentation.learnt)
        )
        floats = 24 * len(scene)
        rows = part_rows(scene, out.stat().st_size)
        self.output.table([*rows, ("feature error", f"{error:.2g} of a mean square of {power:.2g}"), ("in", str(out))])
        summary = {"file": str(out), "bytes": out.stat().st_size, "parts": scene.sizes(), "float_features": floats}
        self.output.finish({**summary, "gaussians": len(scene), "feature_error": error})


def parse(args: list[str]) -> Compress:
    """Options of ``gsseg compress``."""
    return parse_command("compress", Compress, args)
