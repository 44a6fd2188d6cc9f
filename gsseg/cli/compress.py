"""``gsseg compress``: a run's objects, codes and features in a few bytes a Gaussian."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from jaxtyping import Int32
from numpy import ndarray

from gsseg.cli.command import Command, RunPath, parse_command
from gsseg.cli.device import Device, renders_on
from gsseg.cli.output import Stages
from gsseg.cli.run_folder import scene_of
from gsseg.compressed import compress, write_scene
from gsseg.compressed.encode import CODEBOOK_SIZE, LEVELS
from gsseg.compressed.language import encode_language, has_vector, read_language
from gsseg.compressed.summary import part_rows
from gsseg.errors import InputError
from gsseg.io.scene_folder import load_views
from gsseg.language.describe import ObjectDescriptors
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.run import Run, RunLayout
from gsseg.run.folder import held_run
from gsseg.run.sources import RunFolder
from gsseg.scene import View

SIDE = 320
"""Pixels of the longer side of the views in which objects are looked for; photos are read at their full size."""

Make = Callable[[Stages], ObjectDescriptors]


@dataclass(frozen=True, kw_only=True)
class Compress(Command):
    """Write RUN/scene.gsseg: objects, codes and features of every Gaussian in a few bytes.

    gsseg query and the viewer read it instead of the float features. It needs its splats beside it. With --clip or
    --language it holds what finds objects by words, too; without them vectors that it held are kept.
    """

    run: RunPath
    """RUN folder of gsseg train."""
    levels: int = LEVELS
    """Residual levels on top of the fine codes; 0: only the discrete features are kept."""
    codebook_size: int = CODEBOOK_SIZE
    """Codes of each level, 2 to 4096: ceil(log2 of it) bits a Gaussian and level. More levels are the better buy."""
    clip: Annotated[Path | None, tyro.conf.arg(metavar="MODEL")] = None
    """Make language vectors from the scene's photos with the CLIP model in this folder (Hugging Face's layout)."""
    language: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """Take language vectors from LangSplat's masks in this folder (or in its language_features), or from a .npy file:
    float (objects, dim), one row an object, NaN for none."""
    scene: Annotated[Path | None, tyro.conf.arg(aliases=["-s"], metavar="SCENE")] = None
    """Where photos and cameras are, for language vectors. Without it: the scene that RUN was made from."""
    seed: int = 0
    """Seed of the codebooks."""
    device: Device = "auto"
    """Where blending weights are computed and CLIP looks at photos, for language vectors; auto = a GPU where one can be
    used, else the processor."""

    @property
    def writes(self) -> Path:
        """RUN."""
        return self.run

    def execute(self) -> None:
        """Writes, and says what each part costs."""
        if not 0 <= self.levels <= 16:
            raise InputError(f"--levels {self.levels}", "is out of range", "give 0 to 16")
        if not 2 <= self.codebook_size <= 4096:
            raise InputError(f"--codebook-size {self.codebook_size}", "is out of range", "give 2 to 4096")
        if self.clip is not None and self.language is not None:
            raise InputError("--clip and --language", "both make language vectors", "give one of them")
        if self.device == "cuda" or self.clip is not None or self.language is not None:
            _ = self._where  # what is wrong with it is found before the work begins
        if not isinstance(Run.open(self.run).source, RunFolder):
            raise InputError(self.run, "is no RUN folder", "name the folder that gsseg train wrote")
        with held_run(RunLayout(self.run)):
            self._write(Run.open(self.run))

    def _write(self, run: Run) -> None:
        segmentation = run.segmentation()  # not from an earlier scene.gsseg, which may be damaged or out of date
        objects = len(segmentation.objects)
        made = self._language(run, segmentation.object_ids, objects)
        language = _kept(run) if made is None else made
        scene = compress(
            segmentation, run.file.path.name, run.gaussians.means.numpy(),
            levels=self.levels, codebook_size=self.codebook_size, seed=self.seed,
            language=language.codes, language_objects=language.owners, language_model=language.model,
            render=run.render,
        )  # fmt: skip
        out = RunLayout(run.path).compressed
        write_scene(out, scene)
        seen = segmentation.learnt.any(axis=1)
        error, power = (
            float(np.square(part[seen]).sum(axis=1).mean()) if seen.any() else 0.0
            for part in (segmentation.learnt - scene.learnt, segmentation.learnt)
        )
        floats = 24 * len(scene)
        rows = part_rows(scene, out.stat().st_size)
        summary = {"file": str(out), "bytes": out.stat().st_size, "parts": scene.sizes(), "float_features": floats}
        if language.codes is not None:
            known = has_vector(language.codes)
            summary["described"], summary["vectors"] = len(np.unique(scene.language_owners[known])), int(known.sum())
            several = f", {summary['vectors']} together" if summary["vectors"] > summary["described"] else ""
            since = "" if made is not None else ", kept from before"
            rows.append(("found by words", f"{summary['described']} of {objects} objects have vectors{several}{since}"))
        self.output.table([*rows, ("feature error", f"{error:.2g} of a mean square of {power:.2g}"), ("in", str(out))])
        self.output.finish({**summary, "gaussians": len(scene), "feature_error": error})

    def _language(self, run: Run, ids: ndarray, objects: int) -> "_Language | None":
        """Language vectors of the objects, where some are to be made; all that can be wrong with files is found before
        the work begins."""
        if self.clip is None and self.language is None:
            return None
        if self.language is not None and not self.language.is_dir():
            return _Language(encode_language(read_language(self.language, objects)))
        make, made_with = self._from_photos(run, ids, objects) if self.clip else self._from_masks(run, ids, objects)
        with self.output.progress() as shown:
            found = make(shown)
        if np.isnan(found.vectors).all():
            problem = "shows none of the run's objects well enough to tell what it is"
            raise InputError(self.clip or self.language or self.run, problem, "was the run made from this scene?")
        # Where nobody has two, the file is as one that knows of one vector an object only.
        owners = found.objects.astype(np.int32) if len(found.objects) > objects else None
        return _Language(encode_language(found.vectors), owners, made_with)

    def _from_photos(self, run: Run, ids: ndarray, objects: int) -> tuple[Make, str]:
        from gsseg.language.clip import ClipModel
        from gsseg.language.from_photos import vectors_from_photos

        assert self.clip is not None
        model = ClipModel.open(self.clip, self._where)
        scene, views = self._views(run, read_masks=False)
        if all(view.photo is None for view in views):
            raise InputError(scene, "has no photos to look at", "put them into its folder images")

        def make(shown: Stages) -> ObjectDescriptors:
            return vectors_from_photos(run.gaussians.to(self._where), ids, objects, views, model, progress=shown)

        return make, model.fingerprint

    def _from_masks(self, run: Run, ids: ndarray, objects: int) -> tuple[Make, str]:
        from gsseg.language.from_masks import vectors_from_masks
        from gsseg.language.mask_files import MaskVectorFiles

        assert self.language is not None
        scene, views = self._views(run, read_masks=True)  # a view without a photo counts where it has masks
        files = MaskVectorFiles.find(self.language, scene, views)
        views = [view for view in views if view.name in files.files]

        def make(shown: Stages) -> ObjectDescriptors:
            report = lambda done, total: shown("views", done, total)  # noqa: E731
            return vectors_from_masks(run.gaussians.to(self._where), ids, objects, views, files.read, progress=report)

        return make, ""

    @cached_property
    def _where(self) -> Literal["cpu", "cuda"]:
        return "cuda" if renders_on(self.device, self.output).type == "cuda" else "cpu"

    def _views(self, run: Run, read_masks: bool) -> tuple[Path, list[View]]:
        scene, splats = scene_of(run, self.scene)
        return scene, load_views(scene, splats, max_side=SIDE, read_masks=read_masks)[0]


@dataclass(frozen=True, eq=False)
class _Language:
    """Language vectors as scene.gsseg holds them."""

    codes: BinaryCodes | None = None
    """None: there are none."""
    owners: Int32[ndarray, " vectors"] | None = None
    """As `CompressedScene.language_objects`."""
    model: str = ""
    """Fingerprint of the model that they are of, empty where it is not known."""


def _kept(run: Run) -> _Language:
    """The language vectors of the scene.gsseg that is replaced, where it is one of these objects."""
    try:
        scene = run.compressed
    except InputError:
        return _Language()
    return _Language() if scene is None else _Language(scene.language, scene.language_objects, scene.language_model)


def parse(args: list[str]) -> Compress:
    """Options of ``gsseg compress``."""
    return parse_command("compress", Compress, args)
