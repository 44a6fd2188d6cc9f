"""Masks of a whole scene: made once, resumed, imported, looked over; through the command as a user gives it."""

import base64
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gsseg.cli import main
from gsseg.errors import InputError
from gsseg.io.label_png import read_label_png
from gsseg.io.langsplat import read_langsplat_levels
from gsseg.io.scene_folder import load_views, read_cameras
from gsseg.masks.automatic import grid_points, segment_photo
from gsseg.masks.check import check_masks
from gsseg.masks.config import MasksConfig
from gsseg.masks.contact import MOST_CELLS, contact_page, contact_sheet
from gsseg.masks.scene import make_masks, photos_of
from gsseg.masks.segmenter import Segmenter

ANYTHING = ["--config.score", "0", "--config.stability", "0", "--config.grid", "3", "--config.precision", "float32"]
"""Options that keep what random weights propose."""


@pytest.fixture
def make(photos_scene, model_folders):
    """The command line that makes masks."""
    return ["masks", "-s", str(photos_scene), "--model", str(model_folders["sam2"]), *ANYTHING]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_masks_are_made_where_training_finds_them(photos_scene, make, capsys):
    assert main(make) == 0
    told = capsys.readouterr()
    assert "masks of 4 photos made" in told.out
    assert told.err == ""
    views, _ = load_views(photos_scene, photos_scene / "splats.ply", need_masks=True)
    for view in views:
        labels = read_label_png(photos_scene / "masks" / f"{view.name}.png")
        assert labels.shape == (24, 32)
    assert {path.name for path in (photos_scene / "masks").iterdir()} == {
        "masks.json", *(f"view_{k}.png" for k in range(4)),
    }  # fmt: skip


def test_the_same_command_goes_on_and_changes_nothing(photos_scene, make, capsys):
    assert main([*make, "--quiet"]) == 0
    whole = contents(photos_scene / "masks")
    (photos_scene / "masks" / "view_2.png").unlink()
    assert main([*make, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["made"] == 1
    assert contents(photos_scene / "masks") == whole


def test_an_interrupt_keeps_what_is_made(photos_scene, model_folders):
    segmenter = Segmenter.open(model_folders["sam2"], precision="float32")
    photos = photos_of(read_cameras(photos_scene)[0])

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    config, out = MasksConfig(grid=2, score=0.0, stability=0.0, precision="float32"), photos_scene / "masks"
    with pytest.raises(KeyboardInterrupt):
        make_masks(photos, segmenter, out, config, stop)
    assert sorted(path.name for path in out.iterdir()) == ["masks.json", "view_0.png", "view_1.png"]
    assert make_masks(photos, segmenter, out, config) == 2


def test_other_masks_are_not_touched(photos_scene, make, capsys):
    (photos_scene / "masks").mkdir()
    Image.new("L", (32, 24)).save(photos_scene / "masks" / "view_0.png")
    before = contents(photos_scene / "masks")
    assert main([*make, "--quiet"]) == 2
    assert "did not make" in capsys.readouterr().err
    assert contents(photos_scene / "masks") == before
    assert main([*make, "--quiet", "--out", str(photos_scene / "other")]) == 0
    assert main([*make, "--quiet", "--out", str(photos_scene / "other"), "--config.grid", "2"]) == 2
    assert "other options" in capsys.readouterr().err


def test_levels_are_langsplats(photos_scene, make):
    assert main([*make, "--config.levels", "--quiet"]) == 0
    levels = read_langsplat_levels(photos_scene / "language_features" / "view_1_s.npy")
    assert levels.shape == (4, 24, 32)
    last = 0
    for level in levels:
        ids = np.unique(level[level > 0])
        if len(ids):
            assert ids.tolist() == list(range(last + 1, last + len(ids) + 1))
            last += len(ids)


def test_held_out_views_have_no_masks(photos_scene, make):
    (photos_scene / "gt").mkdir()
    (photos_scene / "gt" / "test_views.json").write_text('["view_3"]')
    assert main([*make, "--quiet"]) == 0
    assert not (photos_scene / "masks" / "view_3.png").exists()
    assert main([*make, "--quiet", "--all-views"]) == 0
    assert (photos_scene / "masks" / "view_3.png").exists()


@pytest.mark.parametrize("jobs", [[], ["--check", "--import", "x.json"], ["--check", "--model", "x"]])
def test_one_job_at_a_time(photos_scene, capsys, jobs):
    assert main(["masks", "-s", str(photos_scene), *jobs]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "--model" in error


def coco(names):
    images = [{"id": k, "file_name": name, "width": 64, "height": 48} for k, name in enumerate(names)]
    ring = [[2, 2, 30, 2, 30, 40, 2, 40]]
    return {"images": images, "annotations": [{"image_id": k, "segmentation": ring} for k in range(len(names))]}


def test_masks_of_another_tool_are_taken_whole_or_not_at_all(photos_scene, tmp_path, capsys):
    source = tmp_path / "coco.json"
    source.write_text(json.dumps(coco(["a/b/view_0.jpg", "VIEW_2.PNG", "elsewhere.png"])))
    assert main(["masks", "-s", str(photos_scene), "--import", str(source), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (summary["views"], summary["unknown"]) == (2, ["elsewhere.png"])
    labels = read_label_png(photos_scene / "masks" / "view_2.png")
    assert labels.shape == (48, 64)
    assert labels[20, 10] == 1
    assert labels[46, 60] == 0
    assert main(["masks", "-s", str(photos_scene), "--import", str(source)]) == 2
    assert "holds something already" in capsys.readouterr().err


@pytest.mark.parametrize(("names", "problem"), [(["x.png"], "knows none"), (["view_0.png", "b/view_0.png"], "twice")])
def test_an_import_that_does_not_fit_writes_nothing(photos_scene, tmp_path, capsys, names, problem):
    source = tmp_path / "coco.json"
    source.write_text(json.dumps(coco(names)))
    assert main(["masks", "-s", str(photos_scene), "--import", str(source)]) == 2
    assert problem in capsys.readouterr().err
    assert not (photos_scene / "masks").exists()


def test_looking_over_counts_and_remarks(make_small_scene, tmp_path, capsys):
    scene = make_small_scene(tmp_path / "scene")
    speckled = np.random.default_rng(0).integers(1, 3, (24, 32)).astype(np.uint8)
    Image.fromarray(speckled).save(scene / "masks" / "view_1.png")
    assert main(["masks", "-s", str(scene), "--check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["without"] == ["view_3"]
    first = found["views"][0]
    labels = read_label_png(scene / "masks" / "view_0.png")
    assert first["masks"] == len(np.unique(labels[labels > 0]))
    assert first["covered"] == pytest.approx((labels > 0).mean())
    assert found["views"][1]["torn"] == 2
    assert any("in pieces" in remark and "view_1" in remark for remark in found["remarks"])
    with Image.open(scene / "contact.png") as sheet:
        assert sheet.size[0] > 3 * 200
    page = (scene / "contact.html").read_text()
    assert found["page"] == str(scene / "contact.html")
    assert [page.count(f"<b>view_{k}</b>") for k in range(4)] == [1, 1, 1, 0]
    assert "1 views have none: view_3" in page
    assert page.index("<b>view_1</b>") < page.index("<b>view_2</b>")
    assert "in pieces" in page
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', page)
    assert len(pictures) == 3
    with Image.open(io.BytesIO(base64.b64decode(pictures[0]))) as picture:
        assert picture.size == (480, 2 * 360)
    assert not re.search(r"(src|href)=.?https?:", page)


def test_names_are_text_on_the_page_and_many_views_are_thinned_out(make_small_scene, tmp_path):
    scene = make_small_scene(tmp_path / "scene")
    first = load_views(scene, scene / "splats.ply")[0][0]
    odd = [replace(first, name=f"<b onload=x>é{k}") for k in range(MOST_CELLS + 9)]
    check = check_masks(odd)
    page = contact_page(odd[:2], check)
    assert "<b onload" not in page
    assert "&lt;b onload=x&gt;é0" in page
    cell = contact_sheet(odd[:1], check).shape
    assert contact_sheet(odd, check).shape == (MOST_CELLS // 4 * cell[0], 4 * cell[1], 3)


def test_whole_masks_are_not_called_torn(make_small_scene, tmp_path):
    scene = make_small_scene(tmp_path / "scene")
    views, _ = load_views(scene, scene / "splats.ply")
    assert all(view.torn == 0 for view in check_masks(views).views)
    assert contact_sheet(views, check_masks(views)).dtype == np.uint8


def test_finer_points_are_asked_only_in_holes(model_folders, photos_scene, monkeypatch):
    segmenter = Segmenter.open(model_folders["sam"], precision="float32")
    asked = []
    look = type(segmenter.look(Image.new("RGB", (40, 30))))
    propose = look.propose
    monkeypatch.setattr(look, "propose", lambda self, points: (asked.append(points), propose(self, points))[1])
    picture = Image.open(photos_scene / "images" / "view_0.png")
    segment_photo(segmenter, picture, MasksConfig(grid=3, score=1.0, precision="float32"))
    np.testing.assert_array_equal(asked[0], grid_points(3, 32, 24))
    np.testing.assert_array_equal(asked[1], grid_points(6, 32, 24))
    asked.clear()
    segment_photo(segmenter, picture, MasksConfig(grid=3, refine=False, precision="float32"))
    assert len(asked) == 1


def test_photos_that_share_a_name_are_refused(model_folders, photos_scene):
    segmenter = Segmenter.open(model_folders["sam"], precision="float32")
    photos = photos_of(read_cameras(photos_scene)[0])
    with pytest.raises(InputError, match="the name of another photo"):
        make_masks([*photos, photos[0]], segmenter, photos_scene / "masks", MasksConfig())
    assert not (photos_scene / "masks").exists()
