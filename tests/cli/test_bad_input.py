"""Bad input on the command line: status 2, one line that names the file at fault, nothing left behind or changed."""

import errno
import json
import os
import shutil

import numpy as np
import pytest

import gsseg.files.whole
import gsseg.render.cache
from gsseg.cli import main
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats

NAN_POSE = np.full((4, 4), np.nan).tolist()


def edit_splats(scene, **columns):
    path = scene / "splats.ply"
    table = np.array(read_splats(path).columns)
    write_splats(path, table, {name: np.full(len(table), value, np.float32) for name, value in columns.items()})
    return path


def edit_cameras(scene, change):
    path = scene / "transforms.json"
    meta = json.loads(path.read_text())
    change(meta)
    path.write_text(json.dumps(meta))
    return path


def write(path, content):
    path.write_bytes(content(path.read_bytes()) if callable(content) else content)
    return path


def empty(scene):
    shutil.rmtree(scene)
    scene.mkdir()
    return scene


def without_opacity(scene):
    return write(scene / "splats.ply", lambda blob: blob.replace(b"float opacity", b"float opaqueness"))


def no_masks(scene):
    shutil.rmtree(scene / "masks")
    return scene


def nan_poses(scene):
    return edit_cameras(scene, lambda meta: [frame.update(transform_matrix=NAN_POSE) for frame in meta["frames"]])


def truth(scene, name, content):
    (scene / "gt").mkdir()
    np.save(scene / "gt" / "gaussian_instance.npy", np.zeros(40, np.int32))
    (scene / "gt" / name).write_bytes(content)
    return scene / "gt" / name


CASES = {
    "truth cut off": (lambda scene: truth(scene, "gaussian_instance.npy", b"\x93NUMPY\x01\x00v\x00"), ""),
    "truth with broken names": (lambda scene: truth(scene, "names.json", b'{"0": '), "JSON"),
    "empty folder": (empty, "is an empty folder"),
    "no folder": (lambda scene: (shutil.rmtree(scene), scene)[1], "does not exist"),
    "zero-byte PLY": (lambda scene: write(scene / "splats.ply", b""), r"is empty (0 bytes)"),
    "truncated PLY": (lambda scene: write(scene / "splats.ply", lambda blob: blob[:-7]), "is truncated"),
    "column-less PLY": (without_opacity, "columns opacity are missing"),
    "all means NaN": (lambda scene: edit_splats(scene, x=np.nan), "none of its 40 rows can be drawn"),
    "truncated JSON": (lambda scene: write(scene / "transforms.json", lambda b: b[: len(b) // 2]), "not valid JSON"),
    "NaN poses": (nan_poses, "none of its 4 frames has a finite pose"),
    "zero focal length": (lambda scene: edit_cameras(scene, lambda meta: meta.update(fl_x=0)), "'fl_x' is 0"),
    "no masks": (no_masks, "has no masks"),
    "broken PNG": (lambda scene: write(scene / "masks" / "view_0.png", b"\x89PNG\r\n\x1a\n" + bytes(50)), ""),
    "views that see nothing": (lambda scene: edit_splats(scene, z=1e4), "no view with masks sees any Gaussian"),
}


def contents(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def check_train_refuses(scene, refusal, at_fault, says):
    before = contents(scene.parent)
    line = refusal("train", "-s", scene, "-m", scene.parent / "new" / "run")
    assert line.startswith(f"gsseg: error: {at_fault}: ")
    assert says in line
    assert contents(scene.parent) == before


@pytest.mark.parametrize("name", CASES)
def test_train_refuses(small_scene, refusal, name):
    damage, says = CASES[name]
    check_train_refuses(small_scene, refusal, damage(small_scene), says)


def test_train_refuses_useless_masks(small_scene, refusal, useless_masks):
    check_train_refuses(small_scene, refusal, *useless_masks)


def test_a_run_that_was_there_survives_bad_input(finished_run, two_things, tmp_path, refusal):
    scene, run = tmp_path / "scene", tmp_path / "run"
    shutil.copytree(two_things, scene)
    shutil.copytree(finished_run, run)
    before = contents(run)
    edit_splats(scene, z=1e4)
    refusal("train", "-s", scene, "-m", run)
    shutil.rmtree(run / "cache")  # which may be deleted at any time, and so may change as well
    assert contents(run) == {path: blob for path, blob in before.items() if "cache" not in path.parts}


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (lambda scene: scene, "is the scene itself"),
        (lambda scene: scene / "images", "holds files and is no run"),
        (lambda scene: scene / "splats.ply", "is a file"),
        (lambda scene: scene / "splats.ply" / "run", "splats.ply"),
    ],
)
def test_folders_that_cannot_be_a_run(small_scene, refusal, where, says):
    before = contents(small_scene.parent)
    run = where(small_scene)
    line = refusal("train", "-s", small_scene, "-m", run)
    assert line.startswith(f"gsseg: error: {run}: ")
    assert says in line
    assert contents(small_scene.parent) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not stop this user")
@pytest.mark.parametrize("command", ["train", "demo"])
def test_no_permission(small_scene, tmp_path, refusal, command):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    args = ["-s", small_scene, "-m", locked / "run"] if command == "train" else ["--out", locked / "demo"]
    assert str(locked) in refusal(command, *args)
    assert list(locked.iterdir()) == []


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no folder that refuses even the superuser")
def test_a_file_system_that_refuses(small_scene, refusal):
    before = contents(small_scene.parent)
    line = refusal("train", "-s", small_scene, "-m", "/proc/gsseg_run")
    assert line.startswith("gsseg: error: /proc/gsseg_run: cannot be made")
    assert contents(small_scene.parent) == before


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
"""As a write raises it: without the name of the file."""


@pytest.mark.parametrize("nth", [0, 2])
def test_disk_full_while_weights_are_stored(small_scene, refusal, monkeypatch, nth):
    run, store, calls = small_scene.parent / "run", gsseg.render.cache.write_weights, []

    def full(*args):
        calls.append(args)
        if len(calls) > nth:
            raise FULL
        store(*args)

    monkeypatch.setattr(gsseg.render.cache, "write_weights", full)
    line = refusal("train", "-s", small_scene, "-m", run)
    assert line.startswith(f"gsseg: error: {run}: No space left on device; ")
    assert not run.exists()


@pytest.mark.parametrize("name", ["evidence.safetensors", "segmented.ply", "report.html"])
def test_disk_full_at_a_file(small_scene, refusal, monkeypatch, name):
    run, replace = small_scene.parent / "run", os.replace

    def full(source, target):
        if os.path.basename(target) == name:
            raise FULL
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    line = refusal("train", "-s", small_scene, "-m", run)
    assert f"{name}: cannot be written (No space left on device); " in line
    assert not run.exists()


def test_files_that_may_not_grow_further(small_scene, finished_run, few_steps, capfd):
    """The real thing: whichever file meets the limit first, the run is refused, and nothing of it is left."""
    resource = pytest.importorskip("resource")
    run, statuses = small_scene.parent / "run", []
    for limit in (700, 4000, 9000, 12000, 15000, 25000, 1 << 24):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            statuses.append(main(["train", "-s", str(small_scene), "-m", str(run), "--quiet", *few_steps]))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        err = capfd.readouterr().err
        assert err.startswith(f"gsseg: error: {run}") if statuses[-1] else err == ""
        assert err.count("\n") == (statuses[-1] != 0)
        assert run.exists() == (statuses[-1] == 0)
        shutil.rmtree(run, ignore_errors=True)
    assert statuses[0] == 2
    assert statuses[-1] == 0
    assert set(statuses) == {0, 2}


@pytest.mark.parametrize(
    "args",
    [["-r", "0"], ["--max-side", "-1"], ["--memory-budget", "-1"], ["--pixels-per-view", "-5"], ["--seed", "-1"]],
)
def test_numbers_that_make_no_sense(small_scene, refusal, args):
    line = refusal("train", "-s", small_scene, "-m", small_scene.parent / "run", *args)
    assert line.startswith(f"gsseg: error: {args[0]}: is {args[1]}, must be at least ")
    assert not (small_scene.parent / "run").exists()


@pytest.mark.parametrize("command", ["export", "eval", "query"])
def test_a_run_that_is_none(small_scene, tmp_path, refusal, command):
    more = {"export": ["--out", tmp_path / "e"], "eval": ["--gt", small_scene], "query": ["--point", "0", "0", "0"]}
    for run in (small_scene, tmp_path / "nothing"):
        assert refusal(command, "-m", run, *more[command]).startswith(f"gsseg: error: {run}: ")
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize(
    ("file", "content", "args"),
    [
        ("objects.json", b"[", ["query", "--point", "0", "0", "0"]),
        ("segmented.ply", b"", ["query", "--point", "0", "0", "0"]),
        ("segmented.ply", b"", ["export", "--out", "EXPORT"]),
        ("config.yaml", b"scene: [", ["query", "--view", "view_0", "--pixel", "1", "1"]),
        ("config.yaml", b"no: scene", ["query", "--view", "view_0", "--pixel", "1", "1"]),
        ("metrics.json", b"[]", ["info"]),
        ("metrics.json", b"\xff", ["info"]),
    ],
)
def test_a_damaged_run(finished_run, tmp_path, refusal, file, content, args):
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    (run / file).write_bytes(content)
    where = [run] if args[0] == "info" else ["-m", run]
    line = refusal(args[0], *where, *[str(tmp_path / "e") if each == "EXPORT" else each for each in args[1:]])
    assert line.startswith(f"gsseg: error: {run / file}: ")
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"ply\n"])
def test_info_of_a_broken_file(tmp_path, refusal, content):
    path = tmp_path / "some.ply"
    path.write_bytes(content)
    assert refusal("info", path).startswith(f"gsseg: error: {path}: ")
    assert refusal("info", tmp_path / "none").startswith(f"gsseg: error: {tmp_path / 'none'}: does not exist")


def test_demo_keeps_what_is_not_its_own(tmp_path, refusal):
    (tmp_path / "demo" / "scene").mkdir(parents=True)
    (tmp_path / "demo" / "scene" / "diary.txt").write_text("dear diary")
    before = contents(tmp_path)
    line = refusal("demo", "--out", tmp_path / "demo", "--quiet")
    assert line.startswith(f"gsseg: error: {tmp_path / 'demo' / 'scene'}: is not an empty folder")
    assert contents(tmp_path) == before
