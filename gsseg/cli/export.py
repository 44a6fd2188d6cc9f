"""``gsseg export``: segmented PLY files, meshes, and what other programs want."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
import tyro
from jaxtyping import Float32
from numpy import ndarray

from gsseg.cli.command import Command, RunPath, parse_command
from gsseg.cli.device import Device, renders_on
from gsseg.cli.output import Stages
from gsseg.cli.run_folder import scene_of
from gsseg.errors import InputError
from gsseg.export.meshes import MeshOptions
from gsseg.export.other_formats import OtherFormat, OtherFormats
from gsseg.export.ply import export_objects
from gsseg.export.view_masks import view_files
from gsseg.io.scene_folder import load_views
from gsseg.run import Run, RunLayout
from gsseg.run.marks import whole_objects
from gsseg.scene import View
from gsseg.scene.up import up_of_views
from gsseg.segmentation import NO_OBJECT

SHOWN = 12
"""Ids that a person is shown."""


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write segmented.ply, one PLY an object and a manifest; columns and rows are those of the splats trained on.

    With --mesh also triangle meshes: of the scene, and of each of these objects.
    """

    run: RunPath
    """RUN folder of gsseg train."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder for the files."""
    objects: Annotated[tuple[int, ...], tyro.conf.arg(metavar="ID ...")] = ()
    """Objects to write, by id. Without it: all that were not deleted in the viewer."""
    drop: Annotated[tuple[int, ...], tyro.conf.arg(metavar="ID ...")] = ()
    """Objects to remove from the scene, by id; those deleted in the viewer are removed anyway."""

    together: bool = False
    """Write objects.ply too: the Gaussians of all --objects in one file."""
    clean: bool = False
    """Leave out of each object's file the Gaussians that lie apart from its others; segmented.ply keeps them."""
    confidence: bool = False
    """Add the column ``confidence`` to segmented.ply: how sure it is that each Gaussian is of its object, 0 to 1."""
    also: Annotated[tuple[OtherFormat, ...], tyro.conf.arg(metavar="FORMAT ...")] = ()
    """The scene in other formats too. standard: PLY of the standard columns only. painted: the same in the colours of
    the objects. glb: glTF (KHR_gaussian_splatting) with the ids of the objects. masks: the objects as masks of the
    photos, label PNG and COCO, to train 2-D models on."""
    mesh: Literal["none", "ply", "glb"] = "none"
    """Meshes to write, from depths that are rendered where the photos were taken."""
    mesh_voxel: Annotated[float | None, tyro.conf.arg(metavar="LENGTH")] = None
    """Finest detail of a mesh, world units. Without it: what a pixel of the photos covers."""
    mesh_colors: Literal["photo", "object"] = "photo"
    """Colours of a mesh: of the photos, or one an object, as the viewer shows it."""
    scene: Annotated[Path | None, tyro.conf.arg(aliases=["-s"], metavar="SCENE")] = None
    """Where the photos and cameras for --mesh and --also are. Without it: the scene that RUN was made from."""
    device: Device = "auto"
    """Where depths for --mesh and masks are rendered; auto = a GPU where one can be used, else the processor."""

    @property
    def writes(self) -> Path:
        """DIR."""
        return self.out

    def execute(self) -> None:
        """Writes, and says what."""
        self._check()
        run = Run.open(self.run)
        with run.watched() as check_unchanged, self.output.progress() as progress:
            # A damaged run is refused before DIR is looked at.
            gaussians, found = len(run.object_ids), sum(row.gaussians > 0 for row in run.objects)
            manifest = export_objects(
                run.file, run.columns, self.out, objects=self.objects or None, drop=self.drop,
                deleted=run.marks.deleted, together=self.together, clean=self.clean,
                confidence=self._confidence(run), meshes=self._meshes(run, progress),
                others=self._others(run, progress), check=check_unchanged,
            )  # fmt: skip
        added = "object_id and confidence" if self.confidence else "object_id"
        rows = [("segmented.ply", f"{gaussians} Gaussians and {found} objects, with {added}")]
        rows += _told(manifest)
        if run.marks.deleted.any():
            rows.append(("deleted", f"{_deleted(run)}, in the viewer: left out"))
        self.output.table([*rows, ("in", str(self.out))])
        self.output.finish({"out": str(self.out), **manifest})

    def _confidence(self, run: Run) -> Float32[ndarray, " gaussians"] | None:
        """The column, where it is asked for."""
        if not self.confidence:
            return None
        if run.confidence is None:
            problem = "does not say how sure its objects are: it is of an earlier gsseg, edited, or a file by itself"
            raise InputError(self.run, problem, "leave --confidence out, or run gsseg train again")
        return run.confidence.gaussians

    def _meshes(self, run: Run, progress: Stages) -> MeshOptions | None:
        """How meshes are made, where they are asked for."""
        if self.mesh == "none":
            return None
        scene, splats = scene_of(run, self.scene)
        views, _ = load_views(scene, splats, read_masks=False)
        device = renders_on(self.device, self.output)
        return MeshOptions(
            gaussians=run.gaussians.to(device), views=views, format=self.mesh, colors=self.mesh_colors,
            voxel=self.mesh_voxel, progress=lambda done, total: progress("meshes", done, total),
        )  # fmt: skip

    def _others(self, run: Run, progress: Stages) -> OtherFormats | None:
        """The other formats, where any are asked for."""
        if not self.also:
            return None
        views: list[View] = []
        names: list[str] = []
        # A run by itself, without its scene, can be exported all the same, but nobody knows which way is up there.
        if "masks" in self.also or self.scene is not None or RunLayout(run.path).settings.is_file():
            scene, splats = scene_of(run, self.scene)
            if "masks" in self.also or scene.is_dir():
                views, _ = load_views(scene, splats, read_masks=False)
                names = view_files(views, scene)
        device = renders_on(self.device, self.output) if "masks" in self.also else torch.device("cpu")
        return OtherFormats(
            formats=frozenset(self.also), gaussians=run.gaussians.to(device), views=views, view_names=names,
            up=up_of_views(views) if views else None, progress=lambda done, total: progress("masks", done, total),
        )  # fmt: skip

    def _check(self) -> None:
        """Raises `InputError` for options that ask for nothing."""
        if self.scene is not None and self.mesh == "none" and not {"glb", "masks"} & set(self.also):
            problem = "is for meshes, glb and masks, and none are asked for"
            raise InputError("--scene", problem, "add --mesh ply, or --also glb or masks")
        if self.device != "auto" and self.mesh == "none" and "masks" not in self.also:
            problem = "is for meshes and masks, and none are asked for"
            raise InputError("--device", problem, "add --mesh ply, or --also masks")
        given = {"--mesh-voxel": self.mesh_voxel is not None, "--mesh-colors": self.mesh_colors != "photo"}
        for option in [name for name, there in given.items() if there and self.mesh == "none"]:
            raise InputError(option, "is for meshes, and none are asked for", "add --mesh ply or --mesh glb")
        if self.mesh_voxel is not None and not (math.isfinite(self.mesh_voxel) and self.mesh_voxel > 0):
            problem = "is no length"
            raise InputError(f"--mesh-voxel {self.mesh_voxel:g}", problem, "give world units above 0, or leave it out")


def _told(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person is told of the files, segmented.ply aside."""
    objects, scene, mesh = manifest["objects"], manifest.get("scene"), manifest.get("scene_mesh")
    rows = []
    if objects:
        rows.append(("objects", f"{len(objects)} files, {objects[0]['file']} to {objects[-1]['file']}"))
        if "outliers" in objects[0]:
            outliers, kept = (sum(row[name] for row in objects) for name in ("outliers", "gaussians"))
            rows.append(("outliers", f"{outliers} of {outliers + kept} Gaussians are left out of these files"))
    if "together" in manifest:
        rows.append((manifest["together"]["file"], f"{manifest['together']['gaussians']} Gaussians of these objects"))
    if scene:
        without = f"without {len(scene['dropped'])} objects" if scene["dropped"] else "without what was deleted"
        rows.append((scene["file"], f"{scene['gaussians']} Gaussians, {without}"))
    rows += [(manifest[name]["file"], f"{manifest[name]['gaussians']} Gaussians")
             for name in ("standard", "painted", "glb") if name in manifest]  # fmt: skip
    if "masks" in manifest:
        files, coco = manifest["masks"]["files"], manifest["masks"]["coco"]
        rows.append(("masks", f"{len(files)} label PNG, {coco['annotations']} masks in {coco['file']}"))
    if mesh:
        rows.append((mesh["file"], f"{mesh['triangles']} triangles, from voxels of {manifest['mesh_voxel']:.3g}"))
        unseen = [row["id"] for row in objects if row["mesh"] is None]
        rows.append(("meshes", f"{len(objects) - len(unseen)} more, one an object"))
        if unseen:
            rows.append(("no mesh", f"of objects {_listed(frozenset(unseen))}: too few views show them"))
    return rows


def _deleted(run: Run) -> str:
    """What was deleted in the viewer: whole objects by id, and how many other Gaussians."""
    deleted, ids = run.marks.deleted, run.object_ids
    whole = frozenset(whole_objects(deleted, ids)) - {NO_OBJECT}
    others = int((deleted & ~np.isin(ids, list(whole))).sum())
    told = [f"objects {_listed(whole)}"] if whole else []
    return " and ".join(
        [*told, f"{others} Gaussians of others"] if whole and others else told or [f"{others} Gaussians"]
    )


def _listed(ids: frozenset[int]) -> str:
    """The first few ids, and how many there are where they are more."""
    first = ", ".join(map(str, sorted(ids)[:SHOWN]))
    return first if len(ids) <= SHOWN else f"{first}, ... ({len(ids)} of them)"


def parse(args: list[str]) -> Export:
    """Options of ``gsseg export``."""
    return parse_command("export", Export, args)
