"""``gsseg masks``: instance masks of a scene's photos: made, imported, or looked over."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from PIL import Image

from gsseg.cli.command import Command, ScenePath, parse_command
from gsseg.cli.device import Device, calculates_on
from gsseg.errors import InputError
from gsseg.files import whole_file
from gsseg.files.json_file import read_json
from gsseg.io.scene_folder import check_folder, load_views, read_cameras
from gsseg.masks.check import check_masks
from gsseg.masks.config import MasksConfig
from gsseg.masks.contact import contact_page, contact_sheet
from gsseg.masks.import_masks import import_masks
from gsseg.masks.scene import Photo, make_masks, photos_of
from gsseg.masks.segmenter import HOW_TO_GET, Segmenter
from gsseg.masks.track import Tracker

SIDE = 640
"""Pixels of the longer side at which masks are looked over."""


@dataclass(frozen=True, kw_only=True)
class Masks(Command):
    """Make instance masks of a scene's photos with a model of the SAM family, take another tool's, or look them over.

    Masks go to SCENE/masks, one label map a photo, where gsseg train finds them. Interrupted, the same command goes on.
    Models are local folders in Hugging Face's layout (sam, sam_hq, sam2, edgetam; safetensors only): docs/masks.md.
    An ordered capture is followed as a video with --config.follow.
    """

    scene: ScenePath
    """Folder with photos and cameras."""
    model: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Make masks with the model in this folder."""
    take: Annotated[Path | None, tyro.conf.arg(name="import", metavar="PATH")] = None
    """Take the masks of another tool: a COCO or Label Studio .json, CVAT's .xml, amg.py's output, a folder of .npz."""
    check: bool = False
    """Look over the masks that are there: coverage, numbers, photos without any, and a contact sheet (PNG, HTML)."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder for the masks instead of SCENE/masks (with --config.levels: SCENE/language_features); with --check the
    folder that holds them."""
    sheet: Annotated[Path | None, tyro.conf.arg(metavar="PNG")] = None
    """Contact sheet that --check writes, and the same as a page for the browser, .html, beside it; without it:
    contact.png beside the masks' folder."""
    all_views: bool = False
    """Also of the photos that gt/test_views.json holds out."""
    device: Device = "auto"
    """Where the model calculates; auto = a GPU where PyTorch finds one, else the processor."""
    config: MasksConfig = field(default_factory=MasksConfig)
    """How masks are made."""

    @property
    def writes(self) -> Path:
        """The folder of masks."""
        return self._folder

    @property
    def resumes_with(self) -> list[str]:
        """The same command goes on by itself."""
        return []

    @property
    def _folder(self) -> Path:
        return self.out or self.scene / ("language_features" if self.config.levels else "masks")

    def execute(self) -> None:
        """Does one of the three."""
        check_folder(self.scene)
        if sum((self.model is not None, self.take is not None, self.check)) != 1:
            if not self.check and self.model is None and self.take is None:
                raise InputError("--model", "is not given, nor --import or --check", HOW_TO_GET)
            raise InputError("--model, --import and --check", "are different jobs", "give one of them")
        if self.check:
            self._look_over()
            return
        photos = photos_of(read_cameras(self.scene)[0], () if self.all_views else _held_out(self.scene))
        if not photos:
            raise InputError(self.scene, "has no photos to make masks of", "put them into its folder images")
        if self.take is not None:
            self._import(photos, self.take)
        else:
            self._make(photos)

    def _make(self, photos: list[Photo]) -> None:
        device = calculates_on(self.device, self.output)
        assert self.model is not None
        where = "cuda" if device.type == "cuda" else "cpu"
        tracker = Tracker.open(self.model, where, self.config.precision) if self.config.follow else None
        segmenter = Segmenter.open(self.model, where, self.config.precision)
        with self.output.progress() as progress:
            made = make_masks(
                photos, segmenter, self._folder, self.config, lambda done, total: progress("masks", done, total),
                tracker,
            )  # fmt: skip
        there = f", {len(photos) - made} were there" if made < len(photos) else ""
        self.output.say(f"masks of {made} photos made{there}: {self._folder}", f"look: {self._look}")
        self.output.finish({"masks": str(self._folder), "made": made, "photos": len(photos)})

    def _import(self, photos: list[Photo], source: Path) -> None:
        with self.output.progress() as progress:
            found = import_masks(source, photos, self._folder, lambda done, total: progress("masks", done, total))
        self.output.say(f"{found.masks} masks of {found.views} photos: {self._folder}")
        if found.unknown:
            self.output.say(f"{len(found.unknown)} photos are not of this scene, e.g. {found.unknown[0]}")
        self.output.say(f"look: {self._look}")
        self.output.finish({"masks": str(self._folder), "views": found.views, "unknown": found.unknown})

    @property
    def _look(self) -> str:
        where = "" if self.out is None else f" --out {self.out}"
        return f"gsseg masks --check -s {self.scene}{where}"

    def _look_over(self) -> None:
        # Cameras follow a file beside the splats, which need not be there yet.
        views, notes = load_views(self.scene, self.scene / "splats.ply", self.out, max_side=SIDE, need_masks=True)
        found = check_masks(views)
        counts = np.array([view.masks for view in found.views])
        covered = np.array([view.covered for view in found.views])
        sheet = self.sheet or self.scene / "contact.png"
        shown = [view for view in views if view.labels is not None]
        picture, page = contact_sheet(shown, found), sheet.with_suffix(".html")
        with whole_file(sheet) as path:
            Image.fromarray(picture).save(path, format="PNG")
        with whole_file(page) as path:
            path.write_text(contact_page(shown, found), encoding="utf-8")
        self.output.table(
            [
                ("views", f"{len(found.views)} with masks, {len(found.without)} without"),
                ("masks", f"{np.median(counts):.0f} a view (median), {counts.min()} to {counts.max()}"),
                ("covered", f"{np.median(covered):.0%} (median), least {covered.min():.0%}"),
                *(("note", note) for note in [*notes, *found.remarks()]),
                ("sheet", str(sheet)),
                ("page", str(page)),
            ]
        )
        self.output.finish({"sheet": str(sheet), "page": str(page), **found.values(), "remarks": found.remarks()})


def _held_out(scene: Path) -> list[str]:
    """Names of the views that scores are made on, which training must not see."""
    file = scene / "gt" / "test_views.json"
    if not file.exists():
        return []
    names = read_json(file, "mend it, or give --all-views")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(file, "is not a list of names of views", "mend it, or give --all-views")
    return names


def parse(args: list[str]) -> Masks:
    """Options of ``gsseg masks``."""
    return parse_command("masks", Masks, args)
