"""Whose a Gaussian is that nobody placed: what is known of ready-made splats comes out of what they show and where."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsseg.errors import InputError
from gsseg.io.label_png import read_label_png
from gsseg.io.scene_folder import load_scene
from gsseg.meshes.nearest import nearest_triangles
from gsseg.prepare.room_truth import FARTHEST, shown_instances, write_shown_instances
from gsseg.sample import MaskNoise, RoomConfig, room_surfaces, write_room
from gsseg.scene import Gaussians

SMALL = RoomConfig(seed=4, objects=6, gaussians=4_000, views=6, test_views=1, width=64, height=48)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return write_room(tmp_path_factory.mktemp("sample") / "room", SMALL, MaskNoise())


@pytest.fixture(scope="module")
def scene(room):
    return load_scene(room)


@pytest.fixture(scope="module")
def maps(room, scene):
    return [(view.camera, read_label_png(room / "gt" / "ids" / f"{view.name}.png")) for view in scene.views]


def balls(centres: np.ndarray, radius: float = 0.003) -> Gaussians:
    """Opaque round Gaussians, metres."""
    count = len(centres)
    return Gaussians(
        means=torch.from_numpy(centres.astype(np.float32)),
        log_scales=torch.full((count, 3), float(np.log(radius))),
        quats_wxyz=torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1),
        opacity_logits=torch.full((count,), 4.0),
        sh=torch.zeros(count, 1, 3),
        drawable=torch.ones(count, dtype=torch.bool),
    )


@pytest.fixture(scope="module")
def middle(maps):
    """The first camera, the label that it shows in the middle, and where that is."""
    camera, ids = maps[0]
    row, column = ids.shape[0] // 2, ids.shape[1] // 2
    room = room_surfaces(SMALL)
    instance = int(ids[row, column]) - 1
    assert instance >= 0
    origin, direction = camera.ray(column + 0.5, row + 0.5)
    along = origin + np.linspace(0.2, 8.0, 4000)[:, None] * direction
    mine = room.triangles[room.instances == instance]
    far = nearest_triangles(room.vertices, mine, along.astype(np.float32))[1]
    return camera, instance + 1, along[far.argmin()]


def told(gaussians: Gaussians, camera, ids: np.ndarray) -> list[int]:
    return shown_instances(SMALL, gaussians, [(camera, ids.astype(np.int32))]).tolist()


def test_ready_made_splats_are_what_their_maker_says(room, scene, maps):
    known = np.load(room / "gt" / "gaussian_instance.npy")
    found = shown_instances(SMALL, scene.gaussians, maps)
    judged = (known >= 0) & (found >= 0)
    assert (found == known)[judged].mean() > 0.85  # the room is small, and a pixel wide
    assert judged.sum() > 0.6 * (known >= 0).sum()


def test_what_a_gaussian_shows_and_where_it_is_have_to_agree(middle):
    camera, label, place = middle
    mine, other = (np.full((camera.height, camera.width), each) for each in (label, label % 5 + 1))
    here = balls(place[None])
    assert told(here, camera, mine) == [label - 1]
    assert told(here, camera, 0 * mine) == [-1]
    beyond = nearest_triangles_of(label % 5, place) > FARTHEST
    assert told(here, camera, other) == [-1 if beyond else label % 5]
    assert told(balls((place + 0.5 * (camera.position - place))[None]), camera, mine) == [-1]  # in the air
    assert told(balls((2 * camera.position - place)[None]), camera, mine) == [-1]  # behind the camera


def test_most_of_its_light_decides(middle):
    camera, label, place = middle
    columns = np.arange(camera.width)[None].repeat(camera.height, 0)
    wide = balls(place[None], 0.3)
    assert told(wide, camera, np.where(columns % 4 == 0, 0, label)) == [label - 1]
    assert told(wide, camera, np.where(columns % 4 == 0, label, 0)) == [-1]


def nearest_triangles_of(instance: int, place: np.ndarray) -> float:
    room = room_surfaces(SMALL)
    mine = room.triangles[room.instances == instance]
    return float(nearest_triangles(room.vertices, mine, place[None].astype(np.float32))[1][0])


def test_it_does_not_depend_on_the_order_of_gaussians_or_views(scene, maps):
    turned = torch.arange(len(scene.gaussians) - 1, -1, -1)
    fields = ("means", "log_scales", "quats_wxyz", "opacity_logits", "sh", "drawable")
    other = replace(scene.gaussians, **{name: getattr(scene.gaussians, name)[turned] for name in fields})
    found = shown_instances(SMALL, scene.gaussians, maps)
    np.testing.assert_array_equal(shown_instances(SMALL, other, maps[::-1])[::-1], found)


def test_it_replaces_the_truth_of_other_splats(room, scene):
    few = balls(np.zeros((7, 3)))
    write_shown_instances(room, SMALL, few, scene.views)
    assert np.load(room / "gt" / "gaussian_instance.npy").shape == (7,)
    with pytest.raises(InputError, match="nowhere"):
        write_shown_instances(room, SMALL, few, [replace(scene.views[0], name="nowhere")])
    with pytest.raises(ValueError, match="label map"):
        shown_instances(SMALL, few, [(scene.views[0].camera, np.zeros((2, 2), np.int32))])


def test_a_room_without_splats_has_the_same_photos(room, tmp_path):
    bare = write_room(tmp_path / "bare", SMALL, MaskNoise(), splats=False)
    names = {str(path.relative_to(bare)) for path in bare.rglob("*") if path.is_file()}
    whole = {str(path.relative_to(room)) for path in room.rglob("*") if path.is_file()}
    assert whole - names == {"splats.ply", "gt/gaussian_instance.npy"}
    same = [name for name in names if name != "gt/scene.json"]
    assert all((bare / name).read_bytes() == (room / name).read_bytes() for name in same)
    other = write_room(tmp_path / "other", replace(SMALL, seed=5), MaskNoise(), splats=False)
    assert (other / "images/view_000.png").read_bytes() != (bare / "images/view_000.png").read_bytes()
