"""Whose a Gaussian is that nobody placed: what is known of ready-made splats comes out of their centres alone."""

from dataclasses import replace

import numpy as np
import pytest

from gsseg.io.splat_formats import read_splats
from gsseg.prepare.room_truth import FARTHEST, nearest_instances, write_nearest_instances
from gsseg.sample import MaskNoise, RoomConfig, room_surfaces, write_room

SMALL = RoomConfig(seed=4, objects=6, gaussians=4_000, views=6, test_views=1, width=64, height=48)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return write_room(tmp_path_factory.mktemp("sample") / "room", SMALL, MaskNoise())


def test_ready_made_splats_are_those_of_the_nearest_surface(room):
    known = np.load(room / "gt" / "gaussian_instance.npy")
    means = read_splats(room / "splats.ply").gaussians.means.numpy()
    found = nearest_instances(SMALL, means)
    belongs = known >= 0
    assert (found == known)[belongs & (found >= 0)].mean() > 0.95
    assert (found >= 0)[belongs].mean() > 0.95


def test_what_hangs_in_the_air_belongs_to_nothing():
    surfaces = room_surfaces(SMALL)
    centres = surfaces.vertices[surfaces.triangles].mean(1)
    assert (nearest_instances(SMALL, centres.astype(np.float32)) >= 0).all()
    ceiling = surfaces.vertices[:, 2].max()
    above = np.array([[0.0, 0.0, ceiling + 2 * FARTHEST]], np.float32)
    assert nearest_instances(SMALL, above).tolist() == [-1]


def test_it_replaces_the_truth_of_other_splats(room):
    means = read_splats(room / "splats.ply").gaussians.means.numpy()[:7]
    write_nearest_instances(room, SMALL, means)
    assert np.load(room / "gt" / "gaussian_instance.npy").shape == (7,)


def test_a_room_without_splats_has_the_same_photos(room, tmp_path):
    bare = write_room(tmp_path / "bare", SMALL, MaskNoise(), splats=False)
    names = {str(path.relative_to(bare)) for path in bare.rglob("*") if path.is_file()}
    whole = {str(path.relative_to(room)) for path in room.rglob("*") if path.is_file()}
    assert whole - names == {"splats.ply", "gt/gaussian_instance.npy"}
    same = [name for name in names if name != "gt/scene.json"]
    assert all((bare / name).read_bytes() == (room / name).read_bytes() for name in same)
    other = write_room(tmp_path / "other", replace(SMALL, seed=5), MaskNoise(), splats=False)
    assert (other / "images/view_000.png").read_bytes() != (bare / "images/view_000.png").read_bytes()
