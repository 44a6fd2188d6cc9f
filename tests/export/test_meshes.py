"""Exports with meshes and without outliers: what was asked for, listed, whole; nothing else is changed by it."""

import json
from pathlib import Path

import numpy as np
import pytest

from gsseg.errors import InputError
from gsseg.export import meshes
from gsseg.export.meshes import MeshOptions
from gsseg.export.ply import export_objects
from gsseg.io.splat_formats import read_splats
from gsseg.meshes.open3d_loader import open3d
from gsseg.meshes.outliers import statistical_outliers
from gsseg.run import Run


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def vertices_of(path: Path) -> np.ndarray:
    return np.asarray(open3d().io.read_triangle_mesh(str(path)).vertices)


@pytest.mark.parametrize("ending", ["ply", "glb"])
def test_every_object_that_is_seen_gets_its_mesh(solid_run: Run, views, tmp_path: Path, ending) -> None:
    manifest = export_objects(
        solid_run.file,
        solid_run.columns,
        tmp_path / "out",
        meshes=MeshOptions(gaussians=solid_run.gaussians, views=views, format=ending, voxel=0.05),
    )
    files = contents(tmp_path / "out")
    plain = export_objects(solid_run.file, solid_run.columns, tmp_path / "plain")
    for name, content in contents(tmp_path / "plain").items():
        assert name == "manifest.json" or files.pop(name) == content, "the splats are the same with and without meshes"
    assert sorted(files) == sorted(
        ["manifest.json", f"scene_mesh.{ending}", f"object_000_mesh.{ending}", f"object_001_mesh.{ending}"]
    )
    assert json.loads(files["manifest.json"]) == manifest
    assert manifest["objects"][2].pop("mesh") is None, "no view sees the third"
    for row, centre in zip(manifest["objects"][:2], (-0.7, 0.7), strict=True):
        mesh = open3d().io.read_triangle_mesh(str(tmp_path / "out" / row["mesh"]["file"]))
        assert len(mesh.triangles) == row["mesh"]["triangles"]
        assert len(mesh.vertices) == row["mesh"]["vertices"]
        near = np.linalg.norm(np.asarray(mesh.vertices) - [centre, 0.0, 0.0], axis=1) < 0.6
        assert near.mean() > 0.8, "but for strays"
        del row["mesh"]
    del manifest["scene_mesh"], manifest["mesh_voxel"]
    assert manifest == plain


def test_dropped_objects_leave_the_scenes_mesh(solid_run: Run, views, tmp_path: Path) -> None:
    options = MeshOptions(gaussians=solid_run.gaussians, views=views, voxel=0.05)
    export_objects(solid_run.file, solid_run.columns, tmp_path / "out", objects=[0], drop=[1], meshes=options)
    x = vertices_of(tmp_path / "out" / "scene_mesh.ply")[:, 0]
    assert (x < 0.1).mean() > 0.8
    assert "object_001_mesh.ply" not in contents(tmp_path / "out")
    again = export_objects(solid_run.file, solid_run.columns, tmp_path / "out", objects=[0])
    assert sorted(contents(tmp_path / "out")) == ["manifest.json", "object_000.ply", "segmented.ply"], "replaced whole"
    assert "scene_mesh" not in again


def test_colours_of_objects(solid_run: Run, views, tmp_path: Path) -> None:
    options = MeshOptions(gaussians=solid_run.gaussians, views=views, voxel=0.05, colors="object")
    export_objects(solid_run.file, solid_run.columns, tmp_path / "out", objects=[1], meshes=options)
    for name, colors in (("object_001", [[40, 200, 90]]), ("scene", [[0, 200, 90], [40, 200, 90]])):
        mesh = open3d().io.read_triangle_mesh(str(tmp_path / "out" / f"{name}_mesh.ply"))
        found = np.unique(np.round(np.asarray(mesh.vertex_colors) * 255), axis=0)
        assert set(map(tuple, colors)) <= set(map(tuple, found.tolist()))
        assert len(found) <= 1 + len(colors)


def test_without_outliers(solid_run: Run, tmp_path: Path) -> None:
    manifest = export_objects(solid_run.file, solid_run.columns, tmp_path / "clean", clean=True)
    plain = export_objects(solid_run.file, solid_run.columns, tmp_path / "plain")
    for name in ("segmented.ply",):
        assert (tmp_path / "clean" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    for row, whole in zip(manifest["objects"], plain["objects"], strict=True):
        before = read_splats(tmp_path / "plain" / whole["file"])
        after = read_splats(tmp_path / "clean" / row["file"])
        kept = ~statistical_outliers(before.gaussians.means.numpy())
        assert np.array_equal(after.columns, before.columns[kept])
        assert row["outliers"] == (~kept).sum() >= 8
        assert row["gaussians"] == len(after.columns) == 300 - row["outliers"]
        assert np.allclose(after.gaussians.means.numpy().min(0), row["bbox_min"])
        assert np.allclose(after.gaussians.means.numpy().max(0), row["bbox_max"])
        assert np.ptp([row["bbox_min"], row["bbox_max"]], axis=0).max() < 1.5


def test_clean_leaves_the_scene_without_objects_alone(solid_run: Run, tmp_path: Path) -> None:
    export_objects(solid_run.file, solid_run.columns, tmp_path / "clean", objects=[0], drop=[1], clean=True)
    export_objects(solid_run.file, solid_run.columns, tmp_path / "plain", objects=[0], drop=[1])
    assert (tmp_path / "clean" / "scene.ply").read_bytes() == (tmp_path / "plain" / "scene.ply").read_bytes()


def test_views_that_see_nothing_are_refused(solid_run: Run, views, tmp_path: Path) -> None:
    for some in ([], views[:1]):
        if some:  # looking away
            pose = np.diag([-1.0, 1.0, -1.0, 1.0]) @ some[0].camera.T_camera_world
            some = [type(some[0])("away", type(some[0].camera)(8, 8, 50.0, 50.0, 4.0, 4.0, pose))]
        with pytest.raises(
            InputError, match=r"segmented\.ply: cannot be made into meshes: its \d views see no surface"
        ):
            export_objects(
                solid_run.file,
                solid_run.columns,
                tmp_path / "out",
                meshes=MeshOptions(gaussians=solid_run.gaussians, views=some),
            )
        assert not (tmp_path / "out").exists()


def test_a_failure_leaves_the_earlier_export(solid_run: Run, views, tmp_path: Path, monkeypatch) -> None:
    export_objects(solid_run.file, solid_run.columns, tmp_path / "out")
    before = contents(tmp_path / "out")

    def full_disk(path, surface) -> None:
        path.write_bytes(b"half")
        raise InputError(path, "cannot be written", "free some space")

    monkeypatch.setattr(meshes, "write_surface", full_disk)
    with pytest.raises(InputError) as caught:
        export_objects(
            solid_run.file,
            solid_run.columns,
            tmp_path / "out",
            meshes=MeshOptions(gaussians=solid_run.gaussians, views=views, voxel=0.05),
        )
    assert str(caught.value).startswith(str(tmp_path / "out" / "object_000_mesh.ply"))
    assert contents(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.ply", "out", "solid"]
