"""What `gsseg info` is told about a file and a scene."""

import pytest

from gsseg.errors import InputError
from gsseg.io.ply import write_splats
from gsseg.io.summary import summarize_scene, summarize_splats


def test_a_splat_file(tmp_path, make_columns):
    columns = make_columns(50, 1)
    columns["x"][3] = float("nan")
    write_splats(tmp_path / "a.ply", columns, comments=["made by hand"])
    rows = summarize_splats(tmp_path / "a.ply")
    values = dict(rows)
    assert values["gaussians"] == "50 (1 of them cannot be drawn)"
    assert values["SH degree"] == "1"
    assert values["columns"] == "26 (26 float32)"
    assert values["comment"] == "made by hand"
    assert values["note"].startswith("1 of 50 rows hold NaN")
    assert all(isinstance(value, str) and "\n" not in value for row in rows for value in row)


def test_a_scene(small_scene):
    values = dict(summarize_scene(small_scene))
    assert values["views"] == "4 (view_0 to view_3)"
    assert values["resolution"] == "32 x 24 (4)"
    assert values["photos"] == "4 of 4 views"
    assert values["masks"].startswith("label PNG in masks, 3 views, 2 to 2 masks a view")
    assert values["lens"].startswith("none")
    assert "wrong" not in values


def test_a_scene_with_a_fault_is_described_as_far_as_it_goes(small_scene):
    (small_scene / "transforms.json").write_text("{")
    rows = summarize_scene(small_scene)
    assert rows[-1][0] == "wrong"
    assert "transforms.json: is not valid JSON" in rows[-1][1]
    assert dict(rows)["gaussians"] == "40"


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        summarize_splats(tmp_path / "nothing.ply")
