"""``gsseg export`` with meshes and without outliers, from the command line."""

import json
import sys

import pytest

from gsseg.cli import main


def test_meshes_of_the_scene_that_the_run_was_made_from(finished_run, tmp_path, answer):
    summary = answer("export", "-m", finished_run, "--out", tmp_path / "out", "--mesh", "glb", "--mesh-voxel", 0.05)
    assert (tmp_path / "out" / summary["scene_mesh"]["file"]).stat().st_size > 1000
    assert summary["mesh_voxel"] == 0.05
    seen = [row["mesh"]["file"] for row in summary["objects"] if row["mesh"]]
    assert seen
    for name in seen:
        assert (tmp_path / "out" / name).read_bytes()[:4] == b"glTF"
    assert main(["export", "-m", str(finished_run), "--out", str(tmp_path / "out")]) == 0
    assert not list((tmp_path / "out").glob("*.glb")), "an earlier export is replaced"


def test_what_a_person_is_told(finished_run, two_things, tmp_path, capsys):
    out = str(tmp_path / "out")
    options = ["--mesh", "ply", "--mesh-colors", "object", "--clean", "-s", str(two_things)]
    assert main(["export", "-m", str(finished_run), "--out", out, *options]) == 0
    said, err = capsys.readouterr()
    assert err == ""
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    lines = {line.split("  ")[0]: line for line in said.splitlines()}
    assert f"{manifest['scene_mesh']['triangles']} triangles" in lines["scene_mesh.ply"]
    assert f"{sum(row['outliers'] for row in manifest['objects'])} of " in lines["outliers"]
    assert f"{sum(row['mesh'] is not None for row in manifest['objects'])} more" in lines["meshes"]


def test_the_scene_may_have_moved(run, two_things, tmp_path, refusal, answer):
    settings = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(settings.replace(str(two_things.resolve()), str(tmp_path / "gone")))
    line = refusal("export", "-m", run, "--out", tmp_path / "out", "--mesh", "ply")
    assert str(tmp_path / "gone") in line
    assert not (tmp_path / "out").exists()
    answer("export", "-m", run, "--out", tmp_path / "out", "--mesh", "ply", "-s", two_things)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--mesh-voxel", "0.1"], "--mesh-voxel: is for meshes, and none are asked for"),
        (["--mesh-colors", "object"], "--mesh-colors: is for meshes"),
        (["-s", "somewhere"], "--scene: is for meshes, glb and masks"),
        (["--mesh", "ply", "--mesh-voxel", "0"], "--mesh-voxel 0: is no length"),
        (["--mesh", "ply", "--mesh-voxel", "-1"], "--mesh-voxel -1: is no length"),
        (["--mesh", "ply", "--mesh-voxel", "nan"], "--mesh-voxel nan: is no length"),
        (["--mesh", "ply", "--mesh-voxel", "1e-7"], "--mesh-voxel 1e-07: leaves nothing"),
        (["--mesh", "ply", "-s", "nowhere"], "nowhere: does not exist"),
    ],
)
def test_bad_options_are_refused_and_write_nothing(finished_run, tmp_path, refusal, options, said):
    assert said in refusal("export", "-m", finished_run, "--out", tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_without_open3d_it_says_so(finished_run, tmp_path, refusal, monkeypatch):
    from gsseg.meshes import open3d_loader

    open3d_loader.open3d.cache_clear()
    monkeypatch.setitem(sys.modules, "open3d", None)
    try:
        line = refusal("export", "-m", finished_run, "--out", tmp_path / "out", "--mesh", "ply")
    finally:
        open3d_loader.open3d.cache_clear()
    assert "Open3D: cannot be loaded" in line
    assert not (tmp_path / "out").exists()
