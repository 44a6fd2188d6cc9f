"""Surfaces: they lie where the things are, each object's on itself."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gsseg.errors import InputError
from gsseg.meshes import fusion, reconstruct
from gsseg.meshes.depth import Frame, render_frame
from gsseg.meshes.reconstruct import fitted
from gsseg.meshes.surface import EMPTY, Surface, triangle_labels
from gsseg.meshes.votes import vote
from gsseg.scene import View

VOXEL = 0.03
TWO = ((-0.7, 0.0, 0.0), (0.7, 0.0, 0.0))


def area(surface: Surface) -> float:
    a, b, c = (surface.vertices[surface.triangles[:, k]].astype(np.float64) for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def test_a_balls_mesh_lies_on_the_ball_and_covers_it(make_balls, around) -> None:
    gaussians, ids = make_balls((0.0, 0.0, 0.0))
    heard: list[tuple[int, int]] = []
    found = reconstruct(gaussians, around, ids, VOXEL, lambda done, total: heard.append((done, total)))
    radius = np.linalg.norm(found.surface.vertices, axis=1)
    assert np.abs(radius - 0.5).max() < VOXEL
    assert np.abs(radius - 0.5).mean() < 0.2 * VOXEL
    assert area(found.of_object(0)) == pytest.approx(np.pi, rel=0.05)
    assert (found.objects == 0).mean() > 0.999
    outwards = (found.surface.normals * found.surface.vertices).sum(axis=1) / radius
    assert np.quantile(outwards, 0.01) > 0.7
    corners = found.surface.vertices[found.surface.triangles].astype(np.float64)
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((faces * corners.mean(axis=1)).sum(axis=1) > 0).mean() > 0.99, "counter-clockwise from outside"
    assert heard == [(k + 1, len(around)) for k in range(len(around))]


def test_an_objects_mesh_is_its_own_surface_only(make_balls, around) -> None:
    gaussians, ids = make_balls(*TWO)
    found = reconstruct(gaussians, around, ids, VOXEL)
    for k, centre in enumerate(TWO):
        part = found.of_object(k)
        assert np.abs(np.linalg.norm(part.vertices - centre, axis=1) - 0.5).max() < 1.5 * VOXEL
        assert area(part) == pytest.approx(np.pi, rel=0.1)
        assert len(found.without([1 - k])) == pytest.approx(len(part), rel=0.02)
    assert not len(found.of_object(7))
    assert not len(found.without([0, 1, -1]))


def test_touching_objects_share_the_surface_without_gap_or_overlap(make_balls, around) -> None:
    gaussians, _ = make_balls((0.0, 0.0, 0.0))
    halves = (gaussians.means[:, 0] > 0).int().numpy()
    found = reconstruct(gaussians, around, halves, VOXEL)
    assert sum((found.objects == k).sum() for k in (-1, 0, 1)) == len(found.surface)
    for k, sign in enumerate((-1.0, 1.0)):
        beyond = -sign * found.of_object(k).vertices[:, 0]
        assert beyond.max() < 0.15, "five standard deviations of a Gaussian"
        assert (beyond > VOXEL).mean() < 0.03
        assert area(found.of_object(k)) == pytest.approx(np.pi / 2, rel=0.08)


def test_colours_are_the_photos_or_else_the_splats(make_balls, around, tmp_path: Path) -> None:
    gaussians, ids = make_balls((0.0, 0.0, 0.0))
    own = reconstruct(gaussians, around, ids, VOXEL).surface.colors
    np.testing.assert_allclose(np.median(own, axis=0), 0.5 + 0.2821 * np.array([1.0, -1.0, 0.0]), atol=0.03)
    Image.new("RGB", (96, 96), (30, 200, 90)).save(tmp_path / "green.png")
    views = [View(view.name, view.camera, None, tmp_path / "green.png") for view in around]
    green = reconstruct(gaussians, views, ids, VOXEL).surface.colors
    np.testing.assert_allclose(np.median(green, axis=0), np.array([30, 200, 90]) / 255.0, atol=0.01)
    painted = reconstruct(gaussians, around, ids, VOXEL).painted(np.array([[0, 0, 1], [1, 0, 0]], np.float32))
    assert (painted.surface.colors == [0, 0, 1]).all(axis=1).mean() > 0.999


def test_the_voxel_follows_the_pixels_and_the_memory(make_balls, around, monkeypatch: pytest.MonkeyPatch) -> None:
    gaussians, ids = make_balls((0.0, 0.0, 0.0))
    frames = [render_frame(gaussians, view.camera, ids) for view in around]
    voxel = fusion.default_voxel(frames)
    depths = np.concatenate([frame.depth[frame.depth > 0] for frame in frames])
    assert voxel == pytest.approx(np.median(depths) / around[0].camera.fx)
    blocks = fusion.blocks_near(frames, voxel)
    assert blocks is not None
    monkeypatch.setattr(fusion, "MOST_BLOCKS", len(np.unique(np.concatenate(blocks), axis=0)) // 2)
    coarse = fusion.default_voxel(frames)
    assert coarse > voxel
    assert fusion.blocks_near(frames, coarse) is not None
    with pytest.raises(InputError, match=r"^--mesh-voxel 0\.001: would take more than .* blocks"):
        reconstruct(gaussians, around, ids, 0.001)


def test_every_depth_lies_in_a_block(make_balls, around) -> None:
    gaussians, ids = make_balls((0.0, 0.0, 0.0))
    frame = render_frame(gaussians, around[3].camera, ids)
    found = fusion.blocks_near([frame], VOXEL)
    assert found is not None
    blocks = {tuple(block) for block in found[0].tolist()}
    for row, column in np.argwhere(frame.depth > 0)[::5]:
        origin, direction = around[3].camera.ray(column + 0.5, row + 0.5)
        point = origin + direction * frame.depth[row, column] / (around[3].camera.T_camera_world[2, :3] @ direction)
        assert tuple(np.floor(point / (VOXEL * fusion.BLOCK)).astype(int).tolist()) in blocks


def test_views_of_nothing_give_nothing(make_balls, make_camera) -> None:
    gaussians, ids = make_balls((0.0, 0.0, 900.0))
    found = reconstruct(gaussians, [View("a", make_camera())], ids)
    assert not len(found.surface)
    assert not len(found.of_object(0))
    assert not len(reconstruct(gaussians, [], ids).surface)


def test_most_views_decide(make_camera) -> None:
    camera = make_camera(8, 8)
    origin, direction = camera.ray(4.5, 4.5)
    z = float(camera.T_camera_world[2, :3] @ direction)
    point = (origin + 2.0 / z * direction)[None].astype(np.float32)

    def frame(seen: int, depth: float = 2.0) -> Frame:
        return Frame(camera, np.full((8, 8), depth, np.float32), np.full((8, 8), seen, np.int32))

    assert vote([frame(1), frame(2), frame(2), frame(1), frame(2)], point, 0.1).tolist() == [2]
    assert vote([frame(1), frame(-1), frame(-1)], point, 0.1).tolist() == [-1]
    blind = [frame(2, 1.5), frame(2, 2.5), frame(2, 0.0)]
    assert vote([frame(3), *blind], point, 0.1).tolist() == [3]
    assert vote([], point, 0.1).tolist() == [-1]
    behind = (origin - direction)[None].astype(np.float32)
    assert vote([frame(1)], behind, 100.0).tolist() == [-1]


def test_a_triangle_goes_to_the_label_of_two_of_its_vertices() -> None:
    triangles = np.array([[0, 1, 2], [1, 2, 3], [2, 3, 1], [0, 2, 4]])
    assert triangle_labels(triangles, np.array([5, 6, 6, 7, 8])).tolist() == [6, 6, 6, 5]


def test_dust_goes_and_pieces_stay() -> None:
    def strip(count: int, start: float) -> tuple[np.ndarray, np.ndarray]:
        points = np.array([[start + k // 2, k % 2, 0.0] for k in range(count + 2)], np.float32)
        return points, np.array([[k, k + 1, k + 2] for k in range(count)])

    parts, count = [strip(1000, 0.0), strip(5, 2000.0), strip(4, 3000.0)], 0
    triangles = []
    for points, faces in parts:
        triangles.append(faces + count)
        count += len(points)
    vertices = np.concatenate([points for points, _ in parts])
    tidy = Surface(vertices, vertices, vertices, np.concatenate(triangles)).tidied()
    assert len(tidy) == 1005
    assert tidy.vertices[:, 0].max() < 3000.0
    assert np.array_equal(tidy.colors, tidy.vertices), "attributes stay with their vertices"
    assert not len(EMPTY.tidied())


@pytest.mark.parametrize(("views", "side"), [(1, 640), (300, 377)])
def test_many_views_share_the_pixels(make_camera, views: int, side: int) -> None:
    camera = fitted(make_camera(1600, 1200), views)
    assert camera.width == side
    assert camera.width * camera.height * views <= 32_000_000
    small = make_camera(100, 80)
    assert (fitted(small, 5).width, fitted(small, 5).height) == (100, 80)
