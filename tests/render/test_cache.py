"""Weights that are kept: what comes back is what was put in, or it is computed again."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsseg.render import blend_weights, cache
from gsseg.render.cache import SampledWeights
from gsseg.render.sampling import FEWEST_PER_MASK, stratified_pixels
from gsseg.render.weights_file import file_name, gaussians_key, in_steps, read_weights, weights_key, write_weights
from gsseg.scene import RenderConfig, View

LARGE = 1 << 30


@pytest.fixture(scope="module")
def gaussians(make_gaussians):
    return make_gaussians("plain", 200, seed=6)


@pytest.fixture(scope="module")
def views(make_camera):
    camera = make_camera(40, 30)
    made = []
    for number in range(4):
        pose = camera.T_camera_world.copy()
        pose[0, 3] = 0.1 * number
        labels = np.zeros((30, 40), np.uint16)
        labels[5:25, 5:20], labels[2, 30:37] = 3, 9
        made.append(View(f"photo {number}", replace(camera, T_camera_world=pose), None if number == 3 else labels))
    return made


@pytest.fixture
def computed(monkeypatch):
    """Names of the views whose weights were computed rather than read."""
    names = []

    def counted(gaussians, view, *rest, **named):
        names.append(view.name)
        return blend_weights(gaussians, view, *rest, **named)

    monkeypatch.setattr(cache, "blend_weights", counted)
    return names


def sampled(gaussians, views, folder, budget=LARGE, pixels=400, seed=0):
    return SampledWeights(gaussians, views, folder, pixels, seed, budget)


def same(a, b):
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in ("indptr", "indices", "values", "pixels"))


def test_a_file_gives_back_what_was_written(gaussians, views, tmp_path):
    pixels = torch.arange(0, 1200, 3)
    weights = in_steps(blend_weights(gaussians, views[0], pixels=pixels), pixels)
    write_weights(tmp_path / "w.bin", weights, b"k" * 32)
    back = read_weights(tmp_path / "w.bin", b"k" * 32, pixels)
    assert same(back, weights)
    assert back.gaussians == weights.gaussians
    assert [path.name for path in tmp_path.iterdir()] == ["w.bin"]


def test_rounding_errs_by_half_a_step_and_drops_what_is_less(gaussians, views):
    exact = blend_weights(gaussians, views[0])
    rounded = in_steps(exact, torch.arange(1200))
    assert (rounded.to_dense() - exact.to_dense()).abs().max() <= 0.5 / 65535 + 1e-7
    assert (rounded.values > 0).all()
    assert same(in_steps(rounded, torch.arange(1200)), rounded)


def test_weights_are_the_rows_of_the_sampled_pixels(gaussians, views, tmp_path):
    weights = sampled(gaussians, views, tmp_path)
    assert len(weights) == 3
    for i in range(3):
        pixels = stratified_pixels(views[i].labels, 400, views[i].name, 0)
        expected = blend_weights(gaussians, views[i], pixels=pixels).to_dense()
        assert (weights.weights(i).to_dense() - expected).abs().max() < 1e-5
        assert torch.equal(weights.labels(i), torch.from_numpy(views[i].labels.reshape(-1).astype(np.int64))[pixels])


@pytest.mark.parametrize("budget", [LARGE, 0])
def test_no_result_depends_on_where_the_weights_came_from(gaussians, views, tmp_path, budget):
    first = sampled(gaussians, views, tmp_path, budget)
    fresh = [first.weights(i) for i in range(3)]
    again = sampled(gaussians, views, tmp_path, budget)
    passing = sampled(gaussians, views, None, budget)
    full = [weights for _, weights in passing.full_views()]
    for i in range(3):
        assert same(fresh[i], first.weights(i))
        assert same(fresh[i], again.weights(i))
        assert same(fresh[i], passing.weights(i))
        assert full[i].rows == 1200


def test_files_are_read_instead_of_computing(gaussians, views, tmp_path, computed):
    list(sampled(gaussians, views, tmp_path).full_views())
    assert computed == ["photo 0", "photo 1", "photo 2"]
    again = sampled(gaussians, views, tmp_path)
    for i in (2, 0, 1):
        again.weights(i)
    assert len(computed) == 3


def test_progress_counts_views(gaussians, views):
    told = []
    names = [view.name for view, _ in sampled(gaussians, views, None).full_views(told.append)]
    assert told == [1, 2, 3]
    assert names == ["photo 0", "photo 1", "photo 2"]


def test_memory_keeps_the_views_used_last(gaussians, views, computed):
    size = max(sampled(gaussians, views, None).weights(i).nbytes for i in range(3))
    computed.clear()
    weights = sampled(gaussians, views, None, budget=int(2.2 * size))
    for i in (0, 1, 0, 2, 0):
        weights.weights(i)
    assert computed == ["photo 0", "photo 1", "photo 2"]
    weights.weights(1)
    assert computed[3:] == ["photo 1"]


@pytest.mark.parametrize("damage", ["truncated", "longer", "flipped", "foreign", "empty"])
def test_a_damaged_file_is_never_trusted(gaussians, views, tmp_path, computed, damage):
    expected = sampled(gaussians, views, tmp_path).weights(0)
    path = tmp_path / file_name(views[0])
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[-40] ^= 1
    replaced = {"truncated": content[:-2], "longer": content + b"00", "foreign": b"PK" * 200, "empty": b""}
    path.write_bytes(replaced.get(damage, content))
    computed.clear()
    assert same(sampled(gaussians, views, tmp_path).weights(0), expected)
    assert computed == ["photo 0"]
    computed.clear()
    sampled(gaussians, views, tmp_path).weights(0)
    assert computed == []


def test_all_that_decides_weights_is_in_the_key(gaussians, views):
    view, pixels = views[0], torch.arange(10)

    def key(gaussians=gaussians, view=view, pixels=pixels, renderer="cpu"):
        return weights_key(gaussians_key(gaussians), view, pixels, renderer)

    moved = gaussians.means.clone()
    moved[7, 1] += 1e-6
    camera = view.camera
    others = [
        key(replace(gaussians, means=moved)),
        key(replace(gaussians, drawable=~gaussians.drawable)),
        key(replace(gaussians, opacity_logits=gaussians.opacity_logits + 0.1)),
        key(view=views[1]),
        key(view=replace(view, camera=camera.resized(80, 60))),
        key(view=replace(view, camera=replace(camera, cx=camera.cx + 0.5))),
        key(replace(gaussians, render=RenderConfig(antialiased=True))),
        key(replace(gaussians, render=RenderConfig(near_plane=0.2))),
        key(replace(gaussians, render=RenderConfig(dilation=0.1))),
        key(pixels=torch.arange(11)),
        key(renderer="cuda"),
    ]
    assert len({key(), *others}) == 1 + len(others)
    assert key(replace(gaussians, sh=gaussians.sh * 2)) == key()
    assert key(view=replace(view, labels=None, name="other")) == key()


def test_a_full_disk_leaves_nothing_and_names_the_file(gaussians, views, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gsseg.render.weights_file.os.replace", full)
    with pytest.raises(OSError, match="No space left") as caught:
        sampled(gaussians, views, tmp_path).weights(0)
    assert caught.value.filename == str(tmp_path / file_name(views[0]))
    assert list(tmp_path.iterdir()) == []


def test_every_mask_gets_pixels_and_the_draw_ignores_the_order_of_views(gaussians, views):
    labels = np.zeros((60, 80), np.uint16)
    labels[:50] = 1
    labels[50, :70] = 2
    labels[51, :9] = 3
    pixels = stratified_pixels(labels, 500, "a", 0)
    found = np.bincount(labels.reshape(-1)[pixels])
    assert found[3] == 9
    assert found[2] == FEWEST_PER_MASK
    assert 380 < found[1] < 440
    assert found[0] >= FEWEST_PER_MASK
    assert (pixels[1:] > pixels[:-1]).all()
    assert torch.equal(pixels, stratified_pixels(labels, 500, "a", 0))
    assert not torch.equal(pixels, stratified_pixels(labels, 500, "b", 0))
    assert not torch.equal(pixels, stratified_pixels(labels, 500, "a", 1))
    assert len(stratified_pixels(labels, 0, "a", 0)) == len(stratified_pixels(labels, 10_000, "a", 0)) == 4800
    forth, back = sampled(gaussians, views, None), sampled(gaussians, views[::-1], None)
    assert same(forth.weights(0), back.weights(2))
