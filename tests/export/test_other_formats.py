"""The scene in other formats: what they hold, and that an export with them is replaced as a whole."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.export.other_formats import OTHER_FORMATS, OtherFormats
from gsseg.export.ply import export_objects
from gsseg.export.view_masks import view_files
from gsseg.io.label_png import read_label_png
from gsseg.io.splat_format import inria_dtype
from gsseg.io.splat_formats import read_splats
from gsseg.masks.foreign.coco import read_coco
from gsseg.render import blend_weights
from gsseg.run import Run
from gsseg.scene import View
from gsseg.scene.sh import base_colors


def export(run: Run, out: Path, views: list[View], formats=OTHER_FORMATS, **more):
    others = OtherFormats(
        formats=frozenset(formats), gaussians=run.gaussians, views=views,
        view_names=[f"left/{view.name}" if k == 0 else view.name for k, view in enumerate(views)],
    )  # fmt: skip
    return export_objects(run.file, run.columns, out, others=others, **more)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_standard_and_painted_hold_what_was_kept(solid_run: Run, tmp_path: Path) -> None:
    manifest = export(solid_run, tmp_path / "out", [], ["standard", "painted"], drop=[1])
    kept = solid_run.object_ids != 1
    for name in ("standard", "painted"):
        found = read_splats(tmp_path / "out" / f"{name}.ply")
        assert found.columns.dtype == inria_dtype(0)
        assert manifest[name] == {"file": f"{name}.ply", "gaussians": int(kept.sum())}
        for column in ("x", "scale_1", "opacity", "rot_3"):
            np.testing.assert_allclose(found.columns[column], solid_run.file.columns[column][kept], atol=1e-6)
    colors = base_colors(read_splats(tmp_path / "out" / "painted.ply").gaussians).numpy()
    expected = np.array([row.color for row in solid_run.objects])[solid_run.object_ids[kept]] / 255
    np.testing.assert_allclose(colors, expected, atol=1e-6)


def test_masks_are_whose_light_a_pixel_has(solid_run: Run, views: list[View], tmp_path: Path) -> None:
    """Against the sum of weights of each object, pixel by pixel; label PNG and COCO say the same."""
    manifest = export(solid_run, tmp_path / "out", views[:3], ["masks"])
    assert [row["file"] for row in manifest["masks"]["files"]] == [
        "masks/left/view_0.png", "masks/view_1.png", "masks/view_2.png",
    ]  # fmt: skip
    photos = {photo.name: photo for photo in read_coco(tmp_path / "out" / "coco.json")}
    told = json.loads((tmp_path / "out" / "coco.json").read_text())
    for number, (view, file) in enumerate(zip(views, ("left/view_0", "view_1", "view_2"), strict=False)):
        dense = blend_weights(solid_run.gaussians, view.camera).to_dense().numpy()
        shares = np.stack([dense[:, solid_run.object_ids == k].sum(1) for k in range(3)])
        expected = np.where(dense.sum(1) >= 0.5, shares.argmax(0) + 1, 0).reshape(60, 80)
        labels = read_label_png(tmp_path / "out" / "masks" / f"{file}.png")
        assert np.array_equal(labels, expected)
        assert {0, 1, 2} == set(np.unique(labels).tolist())
        mine = [row for row in told["annotations"] if row["image_id"] == number]
        for row, draw in zip(mine, photos[file].masks, strict=True):
            mask = labels == row["object_id"] + 1
            assert np.array_equal(draw(), mask)
            left, top, width, height = row["bbox"]
            assert row["area"] == mask.sum()
            assert mask[top : top + height, left : left + width].sum() == mask.sum()
            assert mask[top].any()
            assert mask[:, left + width - 1].any()
    names = {row["id"]: row["name"] for row in told["categories"]}
    assert all(names[row["category_id"]] == f"object {row['object_id']}" for row in told["annotations"])


def test_an_export_with_folders_is_replaced_whole(solid_run: Run, views: list[View], tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(solid_run, out, views[:2], objects=[0])
    assert files(out) == [
        "coco.json", "manifest.json", "masks/left/view_0.png", "masks/view_1.png", "object_000.ply", "painted.ply",
        "scene.glb", "segmented.ply", "standard.ply",
    ]  # fmt: skip
    (out / "masks" / "left" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"masks/left/mine\.txt"):
        export(solid_run, out, [], ["glb"], objects=[0])
    (out / "masks" / "left" / "mine.txt").unlink()
    export(solid_run, out, [], ["glb"], objects=[0])
    assert files(out) == ["manifest.json", "object_000.ply", "scene.glb", "segmented.ply"]
    assert not (out / "masks").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] in ([], [".out.lock"])


def test_names_of_masks_are_those_of_the_photos(views: list[View], tmp_path: Path) -> None:
    photo = tmp_path / "images" / "left" / "1.5.jpg"
    named = [View("left_1.5", views[0].camera, photo=photo), View("b", views[0].camera, photo=tmp_path / "c.png")]
    assert view_files([*named, View("d", views[0].camera)], tmp_path) == ["left/1.5", "c", "d"]
    assert view_files(named, tmp_path / "elsewhere") == ["left_1.5", "b"]


def test_ids_that_no_picture_holds(solid_run: Run, views: list[View], tmp_path: Path) -> None:
    from gsseg.export.view_masks import write_view_masks

    ids = np.full(len(solid_run.object_ids), 65535, np.int32)
    with pytest.raises(InputError, match="ids end at 65534"):
        write_view_masks(tmp_path, solid_run.gaussians, ids, [], views, ["a"] * len(views))
    assert list(tmp_path.glob("masks")) == []
    Image.fromarray(np.full((2, 2), 65535, np.uint16)).save(tmp_path / "a.png")
    assert read_label_png(tmp_path / "a.png").max() == 65535
