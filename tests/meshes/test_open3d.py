"""What Open3D is called for: its files hold what they were given, strays are those it names; none load it in vain."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import KDTree

from gsseg.errors import InputError
from gsseg.meshes import Surface, open3d_loader, write_surface
from gsseg.meshes.open3d_loader import open3d
from gsseg.meshes.outliers import statistical_outliers


def test_it_is_loaded_by_nobody_who_does_not_need_it() -> None:
    modules = "gsseg.cli.train, gsseg.cli.export, gsseg.cli.main, gsseg.meshes, gsseg.segmentation.oriented_box"
    script = f"import sys, {modules}; sys.exit('open3d' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_what_is_missing_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    open3d_loader.open3d.cache_clear()
    try:
        with pytest.raises(InputError, match=r"^Open3D: cannot be loaded \(.*open3d.*\); install it again with pip"):
            open3d()
    finally:
        open3d_loader.open3d.cache_clear()


@pytest.mark.parametrize("ending", ["ply", "glb"])
def test_files_are_read_back_as_they_were_given(tmp_path: Path, ending: str) -> None:
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(30, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    vertices, colors = rng.normal(size=(30, 3)).astype(np.float32), rng.random((30, 3)).astype(np.float32)
    surface = Surface(vertices, normals, colors, np.stack([rng.permutation(30)[:3] for _ in range(40)]))
    write_surface(tmp_path / f"a.{ending}", surface)
    mesh = open3d().io.read_triangle_mesh(str(tmp_path / f"a.{ending}"))
    corners = np.asarray(mesh.vertices)[np.asarray(mesh.triangles)]
    np.testing.assert_allclose(corners, surface.vertices[surface.triangles], atol=1e-6)
    found = np.asarray(mesh.vertex_colors)[np.asarray(mesh.triangles)]
    srgb = surface.colors[surface.triangles]
    if ending == "glb":  # glTF 2.0, 3.9.2: vertex colours are linear
        srgb = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(found, srgb, atol=0.51 / 255)


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    one = np.zeros((3, 3), np.float32)
    with pytest.raises(OSError, match="nowhere"):
        write_surface(tmp_path / "nowhere" / "a.ply", Surface(one, one, one, np.array([[0, 1, 2]])))


def test_outliers_are_those_of_the_plain_rule() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(size=(500, 3)), rng.normal(size=(8, 3)) * 40.0])
    mean = KDTree(points).query(points, 20)[0].mean(axis=1)
    plain = mean > mean.mean() + 2.0 * mean.std(ddof=1)
    found = statistical_outliers(points)
    np.testing.assert_array_equal(found, plain)
    assert found[500:].sum() >= 6
    assert found[:500].sum() <= 5


def test_outliers_move_and_grow_with_the_points() -> None:
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(size=(300, 3)), [[30.0, 0.0, 0.0]]])
    np.testing.assert_array_equal(statistical_outliers(points), statistical_outliers(7.0 * points + [1.0, 2.0, 3.0]))


def test_small_objects_keep_all() -> None:
    points = np.concatenate([np.zeros((19, 3)), [[1000.0, 0.0, 0.0]]])
    assert not statistical_outliers(points).any()
    assert not statistical_outliers(np.zeros((50, 3))).any(), "all in one place"
