"""``gsseg export --also``: other formats, from the command line."""

import json
import shutil

import numpy as np

from gsseg.cli import main
from gsseg.io.label_png import read_label_png
from gsseg.io.scene_folder import load_scene


def test_every_format_and_what_a_person_is_told(finished_run, two_things, tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        main(["export", "-m", str(finished_run), "--out", str(out), "--also", "glb", "masks", "painted", "standard"])
        == 0
    )
    said, err = capsys.readouterr()
    assert err == ""
    manifest = json.loads((out / "manifest.json").read_text())
    for name in ("standard", "painted", "glb"):
        assert f"{manifest[name]['gaussians']} Gaussians" in said
    assert f"{len(manifest['masks']['files'])} label PNG" in said
    told = (out / "scene.glb").read_bytes()
    assert b'"rotation"' in told[: int.from_bytes(told[12:16], "little") + 20], "the scene's cameras tell what is up"
    assert main(["export", "-m", str(finished_run), "--out", str(out)]) == 0
    assert not {"glb", "png"} & {path.suffix[1:] for path in out.rglob("*")}


def test_the_masks_are_a_scenes_masks(finished_run, two_things, tmp_path, answer):
    """What was exported can be trained on: every view finds its masks, and they are those of the objects."""
    answer("export", "-m", finished_run, "--out", tmp_path / "out", "--also", "masks")
    scene = tmp_path / "scene"
    shutil.copytree(two_things, scene, ignore=shutil.ignore_patterns("masks"))
    loaded = load_scene(scene, masks=tmp_path / "out" / "masks")
    assert all(view.labels is not None for view in loaded.views)
    for view in loaded.views:
        (file,) = (tmp_path / "out" / "masks").rglob(f"{view.name}.png")
        kept = read_label_png(file)
        assert np.array_equal(view.labels > 0, kept > 0)
        assert view.labels.max() == len(np.unique(kept[kept > 0]))


def test_masks_need_the_scene(run, two_things, tmp_path, refusal):
    settings = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(settings.replace(str(two_things.resolve()), str(tmp_path / "gone")))
    assert str(tmp_path / "gone") in refusal("export", "-m", run, "--out", tmp_path / "out", "--also", "masks")
    assert not (tmp_path / "out").exists()
    assert main(["export", "-m", str(run), "--out", str(tmp_path / "out"), "--also", "glb"]) == 0
    assert "none are asked for" in refusal(
        "export", "-m", run, "--out", tmp_path / "b", "--also", "painted", "-s", two_things
    )
