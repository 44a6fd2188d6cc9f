"""report.html: complete, self-contained, and nobody's word becomes markup."""

import base64
import io
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gsseg.export.charts import bars, curve, number
from gsseg.export.pictures import (
    BACKDROP,
    NOBODY,
    blended,
    choose_views,
    code_colors,
    feature_colors,
    fitted,
    labels_picture,
    object_colors,
    strip,
)
from gsseg.export.report import ReportData, view_pictures, write_report
from gsseg.io.scene_folder import load_scene
from gsseg.render import blend_weights
from gsseg.scene import Camera, Scene, View
from gsseg.scene.sh import seen_colors
from gsseg.segmentation import NO_CODE, ObjectInfo, Segmentation
from gsseg.segmentation.confidence import Border

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Tags, addresses and text of a page; fails on tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def scene(small_scene: Path) -> Scene:
    return load_scene(small_scene)


def segmentation(ids: np.ndarray, table: list[ObjectInfo]) -> Segmentation:
    """A code an object."""
    learnt = np.random.default_rng(0).normal(size=(len(ids), 6)).astype(np.float32)
    codes = np.where(ids < 0, NO_CODE, ids).astype(np.int32)
    return Segmentation(
        object_ids=ids, code_coarse=codes, code_fine=codes, discrete=learnt, learnt=learnt, objects=table
    )


def report_data(scene: Scene, **changes) -> ReportData:
    count = len(scene.gaussians)
    ids = (np.arange(count) % 4 - 1).astype(np.int32)
    evil = '<img src="http://evil.example/x">'
    table = [
        ObjectInfo(k, name, 10, [k], [0.0] * 3, [1.0, 2.0, 0.5], [0.5] * 3, [250, 20 * k, 9], 2, 0.5)
        for k, name in enumerate(("chair", evil, "object 2"))
    ]
    data = ReportData(
        scene=scene,
        segmentation=segmentation(ids, table),
        losses={"cohesion": [3.0, 1.0, 0.001], "broken": [float("nan")], evil: [1.0, float("inf"), 2.0]},
        metrics={"seconds": {"weights": 1.5, "total": 2.0}, "peak_rss_mb": 512.0, "scores": {"object_iou": 0.75}},
        config={"seed": 0, "pair": (1, np.float32(2)), "path": Path("/a"), evil: evil},
        notes=[f"A note of {evil}."],
    )
    return replace(data, **changes)


def test_a_report_is_whole_and_alone(scene: Scene, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", report_data(scene))
    text = (tmp_path / "report.html").read_text()
    page = Page(text)
    assert "prefers-color-scheme: dark" in text
    assert "evil.example" in page.text, "told as text"
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.addresses)
    assert not re.search(r"url\(|@import|<link", text)
    # Three of the four views have masks: five pictures each, and the large one.
    assert page.tags["img"] == 3 * 5 + 1
    for address in page.addresses:
        picture = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
        assert picture.size == (32, 24)
    for word in (
        "0.750",
        "object IoU",
        "cohesion",
        "chair",
        "Codes",
        "Features (PCA)",
        "view_0",
        "1 \u00d7 2 \u00d7 0.5",
    ):
        assert word in page.text, word
    assert page.tags["polyline"] == 2, "a curve without a number is left out"


def test_the_least_certain_borders_are_told_and_the_sure_ones_are_not(scene: Scene, tmp_path: Path) -> None:
    borders = [Border(0, 1, 0.52, 3.25, 4.0, 0.75), Border(1, 2, 0.99, 0.0, 9.5, 1.0)]
    write_report(tmp_path / "report.html", report_data(scene, borders=borders))
    text = Page((tmp_path / "report.html").read_text()).text
    assert "Least certain borders" in text
    assert "0.52" in text
    assert "0.99" not in text
    write_report(tmp_path / "sure.html", report_data(scene, borders=borders[1:]))
    assert "Least certain borders" not in Page((tmp_path / "sure.html").read_text()).text


def test_no_photo_no_masks_no_objects_nothing_measured(scene: Scene, tmp_path: Path) -> None:
    bare = replace(scene, views=[replace(view, photo=None, labels=None) for view in scene.views])
    none = segmentation(np.full(len(scene.gaussians), -1, np.int32), [])
    data = report_data(bare, segmentation=none, losses={}, metrics={}, config={}, notes=[])
    write_report(tmp_path / "report.html", data)
    page = Page((tmp_path / "report.html").read_text())
    assert "Splats" in page.text
    assert "no mask" in page.text
    assert "Photo" not in page.text
    assert "No objects" in page.text
    write_report(tmp_path / "empty.html", replace(data, scene=replace(bare, views=[])))
    assert "no views" in Page((tmp_path / "empty.html").read_text()).text


def test_a_scene_that_outgrows_the_page(scene: Scene) -> None:
    large = replace(scene, views=[replace(view, camera=view.camera.resized(1600, 1200)) for view in scene.views[:1]])
    for picture in view_pictures(report_data(large), 0).values():
        assert picture is not None
        assert picture.shape == (360, 480, 3)


def test_views_are_chosen_far_apart() -> None:
    def view(x: float, masked: bool = True) -> View:
        pose = np.eye(4)
        pose[0, 3] = -x
        labels = np.ones((4, 4), np.uint16) if masked else None
        return View(f"{x}", Camera(4, 4, 4.0, 4.0, 2.0, 2.0, pose), labels)

    views = [view(x) for x in (0.0, 0.1, 0.2, 5.0, 10.0)]
    assert choose_views(views, 3) == [0, 3, 4], "the middle one, then the far ends"
    assert choose_views(views, 9) == [0, 1, 2, 3, 4]
    assert choose_views([view(0.0, False), *views], 9) == [1, 2, 3, 4, 5], "views with masks come first"
    assert choose_views([], 4) == []


def test_blending_is_linear_over_the_backdrop(scene: Scene) -> None:
    camera = scene.views[0].camera
    weights = blend_weights(scene.gaussians, camera)
    count = len(scene.gaussians)
    backdrop = torch.tensor(BACKDROP).repeat(count, 1)
    white, same = blended(weights, camera, [torch.ones(count, 3), backdrop])
    assert np.allclose(same / 255, BACKDROP, atol=0.6 / 255), "Gaussians in the backdrop's colour cannot be seen"
    alpha = weights.alpha.numpy().reshape(24, 32)
    assert np.allclose(white[..., 0] / 255, alpha + (1 - alpha) * BACKDROP[0], atol=0.6 / 255)


def test_colours_mean_something() -> None:
    codes = np.array([5, 5, 9, NO_CODE])
    colors = code_colors(codes)
    assert torch.equal(colors[0], colors[1])
    assert not torch.equal(colors[0], colors[2])
    assert colors[3].tolist() == pytest.approx(NOBODY)
    row = ObjectInfo(0, "x", 1, [0], [0.0] * 3, [0.0] * 3, [0.0] * 3, [255, 0, 51], 1, 1.0)
    colors = object_colors(np.array([0, -1], np.int32), [row])
    assert colors[0].tolist() == pytest.approx([1.0, 0.0, 0.2])
    assert colors[1].tolist() == pytest.approx(NOBODY)


def test_features_in_colour() -> None:
    gen = torch.Generator().manual_seed(0)
    features = torch.randn(400, 6, generator=gen) * torch.tensor([5.0, 3.0, 2.0, 0.1, 0.1, 0.1])
    features[7] = torch.nan
    seen = torch.arange(400) % 3 > 0
    colors = feature_colors(features, seen)
    assert ((colors >= 0) & (colors <= 1)).all()
    assert colors[0].tolist() == colors[7].tolist() == pytest.approx(NOBODY)
    used = seen & torch.isfinite(features).all(1)
    for channel in range(3):
        ranks = [values[used].argsort().argsort().double() for values in (features[:, channel], colors[:, channel])]
        assert torch.corrcoef(torch.stack(ranks))[0, 1] > 0.98
    moved = feature_colors(features @ torch.linalg.qr(torch.randn(6, 6, generator=gen))[0], seen)
    flipped = torch.minimum((moved - colors)[used].abs().amax(0), (1 - moved - colors)[used].abs().amax(0))
    assert (flipped < 1e-3).all(), "rotating the features only turns channels round"
    assert (feature_colors(features, torch.zeros(400, dtype=torch.bool)) == torch.tensor(NOBODY)).all()


def test_label_maps_in_colour() -> None:
    camera = Camera(6, 4, 5.0, 5.0, 3.0, 2.0, np.eye(4))
    labels = np.zeros((8, 12), np.int64)
    labels[:, 6:] = 60000
    picture = labels_picture(labels, camera, np.zeros((4, 6, 3), np.uint8))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 2
    assert (picture[:, :3] == np.round(0.75 * np.round(np.array(BACKDROP) * 255))).all()


def test_harmonics_are_those_of_the_rasterizer(make_columns, tmp_path: Path) -> None:
    from gsplat.cuda._torch_impl import _spherical_harmonics

    from gsseg.io.splat_file import gaussians_from_columns

    position = np.array([0.3, -2.0, 1.0])
    for degree in range(4):
        gaussians, _ = gaussians_from_columns(tmp_path, make_columns(50, degree, 3))
        directions = gaussians.means - torch.from_numpy(position).float()
        expected = _spherical_harmonics(degree, directions, gaussians.sh) + 0.5
        assert torch.allclose(seen_colors(gaussians, position), expected.clamp(min=0), atol=1e-5)


def test_a_strip_holds_its_pictures() -> None:
    pictures = [np.full((4, width, 3), width, np.uint8) for width in (3, 5)]
    together = strip(pictures, gap=2, color=9)
    assert together.shape == (4, 10, 3)
    assert together[0, :, 0].tolist() == [3] * 3 + [9] * 2 + [5] * 5


def test_fitting_a_camera() -> None:
    camera = Camera(960, 540, 900.0, 900.0, 480.0, 270.0, np.eye(4))
    small = fitted(camera, 480)
    assert (small.width, small.height, small.fx) == (480, 270, 450.0)
    assert fitted(small, 480).width == 480
    assert fitted(small, 4000).width == 480


def test_numbers_and_charts() -> None:
    assert number(1234567) == "1&#8239;234&#8239;567"
    assert number(0.00123456) == "0.00123"
    assert number(float("nan")) == "&ndash;"
    assert curve("x", []) == curve("x", [float("nan")]) == ""
    assert "log scale" in curve("x", [1000.0, 1.0])
    assert "log scale" not in curve("x", [2.0, 1.0])
    assert curve("x", list(np.arange(10000.0))).count(",") < 600
    for values in ([1.0], [2.0, 2.0], [0.0, 0.0, -1.0]):
        assert "nan" not in curve("x", values)
    assert 'width:100.0%"' in bars({"a": 4.0, "b": 0.0}, "s")
