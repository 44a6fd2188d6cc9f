"""The object stage on tensors says what its oracle says: on torch's processor and on the emulated device."""

from contextlib import nullcontext

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from gsseg.objects import thin_groups_on_device, votes, votes_on_device
from gsseg.objects.assignment import assign
from gsseg.objects.atoms import AtomConfig, find_atoms
from gsseg.objects.atoms_on_device import find_atoms_on_device
from gsseg.objects.build import ObjectConfig, find_objects, nearest
from gsseg.objects.mean_field import mean_field, neighbour_weights
from gsseg.objects.mean_field_on_device import mean_field_on_device, median_of, neighbour_weights_on_device
from gsseg.objects.profiles import group_mass, neighbours
from gsseg.objects.thin_groups import ThinProfiles
from gsseg.objects.thin_groups_on_device import ThinProfilesOnDevice
from gsseg.objects.unmasked import speaking
from gsseg.objects.votes import CANDIDATES, AssignmentConfig, CompiledVotes
from gsseg.objects.votes_on_device import VotesOnDevice, candidates_on_device, first_largest, runs_of
from tests.emulated_device import DEVICE, EmulatedDevice

KINDS = ("plain", "one Gaussian", "no mask", "no Gaussian in any view", "views without masks", "tails", "alike")


def world(evidence_of, kind: str, seed: int):
    """(evidence, means, colours, objects) of a made-up scene."""
    rng = np.random.default_rng(seed)
    views, count = (9, 1) if kind == "one Gaussian" else (9, 150)
    labels = rng.integers(-1, 5, (views, count))
    if kind == "no mask":
        labels = np.minimum(labels, 0)
    if kind == "no Gaussian in any view":
        labels[:] = -1
    if kind == "views without masks":
        labels[::2] = np.minimum(labels[::2], 0)
    labels[:, 20:30] = np.minimum(labels[:, 20:30], 0)
    labels[:, 30:35] = -1
    central = rng.random(count) < (0.2 if kind == "tails" else 0.8)
    weights = np.full(labels.shape, 0.5) if kind == "alike" else rng.uniform(0.002, 1, labels.shape)
    evidence = evidence_of(labels, weights, central & (labels >= 0).any(axis=0))
    means = rng.normal(size=(count, 3)).astype(np.float32)
    return evidence, means, rng.random((count, 3)).astype(np.float32), rng.integers(-1, 6, count)


@pytest.fixture(params=["torch's processor", "emulated"])
def device(request):
    """A device, entered."""
    with nullcontext() if request.param == "torch's processor" else EmulatedDevice():
        yield torch.device("cpu") if request.param == "torch's processor" else DEVICE


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_masses_and_what_speaks_are_the_same(evidence_of, device, kind, seed, monkeypatch):
    evidence, means, _, objects = world(evidence_of, kind, seed)
    there, near = evidence.on(device), neighbours(means, 12)
    expected = group_mass(evidence, objects, 7)
    assert np.allclose(group_mass(there, objects, 7), expected, rtol=1e-6, atol=1e-7)
    assert expected.any() == bool((evidence.matrix.sum(axis=0)[objects >= 0] > 0).any())
    monkeypatch.setattr("gsseg.objects.profiles_on_device.TABLE_AT_ONCE", 3)
    assert np.array_equal(group_mass(there, objects, 7), group_mass(evidence.on(device), objects, 7))
    assert group_mass(there, objects, 7) == pytest.approx(expected, rel=1e-6, abs=1e-7)
    found, plain = speaking(there, near), speaking(evidence, near)
    for one, other in ((found.data, plain.data), (found.indices, plain.indices), (found.indptr, plain.indptr)):
        assert np.array_equal(one, other)
    assert plain.shape == evidence.matrix.shape


@pytest.mark.parametrize("voters", [0, 1, 6])
@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_are_heard_alike(evidence_of, device, kind, voters):
    evidence, means, colors, objects = world(evidence_of, kind, 3)
    near = neighbours(means, voters)
    at, there = torch.from_numpy(near).to(device), evidence.on(device).tensors
    weights = neighbour_weights(evidence.visibility, near, colors)
    found = neighbour_weights_on_device(there.visibility, at, torch.from_numpy(colors).to(device)).cpu().numpy()
    assert found == pytest.approx(weights, rel=1e-5, abs=1e-7)
    current = np.random.default_rng(1).integers(-1, 7, len(objects))
    expected = votes._candidates_of(objects, current, near, 6)
    candidates = candidates_on_device(torch.from_numpy(objects).to(device), torch.from_numpy(current).to(device), at, 6)
    assert np.array_equal(candidates.cpu().numpy(), expected)
    likelihood = np.random.default_rng(2).normal(size=expected.shape).astype(np.float32) * 4
    chance = mean_field(expected, likelihood, near, 4 * weights, 3)
    given = (torch.from_numpy(likelihood).to(device), at, torch.from_numpy(4 * weights).to(device))
    assert mean_field_on_device(candidates, *given, 3).cpu().numpy() == pytest.approx(chance, abs=1e-6)
    assert chance.sum(axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_gaussians_choose_the_same_object(evidence_of, device, kind, seed):
    evidence, means, colors, objects = world(evidence_of, kind, seed)
    near, config = neighbours(means, 6), AssignmentConfig(sweeps=3, smoothing=4.0)
    expected = assign(evidence, objects, near, colors, config)
    found = assign(evidence.on(device), objects, near, colors, config)
    again = assign(evidence.on(device), objects, near, colors, config)
    assert np.array_equal(found, again)
    assert (found != expected).sum() <= 1, "ties aside"
    if kind == "plain":
        assert len(np.unique(expected)) > 3


@pytest.mark.parametrize("most", [1, 40, 1 << 24])
@pytest.mark.parametrize("kind", KINDS)
def test_likelihoods_and_owners_in_pieces_of_any_size(evidence_of, device, kind, most, monkeypatch):
    """Each piece of the work on its own, with runs of a single Gaussian too."""
    evidence, means, colors, objects = world(evidence_of, kind, 5)
    near, config, rng = neighbours(means, 4), AssignmentConfig(), np.random.default_rng(0)
    monkeypatch.setattr(votes_on_device, "TERMS_AT_ONCE", most * CANDIDATES)
    plain, there = (
        CompiledVotes(evidence, near, colors, config),
        VotesOnDevice(evidence.on(device).tensors, near, colors, config),
    )
    owners = rng.random((evidence.matrix.shape[0], 6), np.float32) * (rng.random((evidence.matrix.shape[0], 6)) < 0.3)
    owners = np.ascontiguousarray(owners, np.float32)
    lost = np.flatnonzero(rng.random(len(objects)) < 0.5)
    assert np.array_equal(there.main_owners(owners, lost), plain.main_owners(owners, lost))
    assert np.array_equal(there.main_owners(owners[:, :0], lost), np.full(len(lost), -1))
    looks = np.log(rng.random(owners.shape, np.float32) + np.float32(0.01))
    candidates = votes._candidates_of(objects, objects, near, 5)
    expected = np.empty(candidates.shape, np.float32)
    votes._likelihood(
        *plain._columns, evidence.central, looks, owners, objects, config.half_seen, config.kept, candidates, expected,
        0, len(objects),
    )  # fmt: skip
    given = (torch.from_numpy(each).to(device) for each in (candidates, objects, looks, owners))
    assert there._likelihood(*given).cpu().numpy() == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("expanded", [1, 60, 1 << 22])
@pytest.mark.parametrize("kind", KINDS)
def test_pairs_of_small_groups_are_compared_alike(evidence_of, device, kind, expanded, monkeypatch):
    """Single Gaussians, then unions of two, and pairs of anything with anything."""
    monkeypatch.setattr(thin_groups_on_device, "EXPANDED", expanded)
    evidence, means, _, _ = world(evidence_of, kind, 6)
    spoken = speaking(evidence, neighbours(means, 6))
    matrix = sp.csr_array(spoken.T)
    matrix.sort_indices()
    plain = ThinProfiles(matrix, evidence.row_view, evidence.row_label > 0)
    there = ThinProfilesOnDevice(
        *(torch.from_numpy(each).to(device) for each in (
            matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data,
            evidence.row_view.astype(np.int64), evidence.row_label > 0,
        ))
    )  # fmt: skip
    rng = np.random.default_rng(0)
    for _ in range(3):
        count = plain.matrix.shape[0]
        one, other = rng.integers(0, count, (2, 200))
        expected = plain.compare(one, other, 0.3)
        found = there.compare(*(torch.from_numpy(each).to(device) for each in (one, other)), 0.3)
        assert found.cpu().numpy() == pytest.approx(expected, rel=1e-6, abs=1e-9)
        assert there.light.cpu().numpy() == pytest.approx(plain.light, rel=1e-5)
        label = np.sort(rng.permutation(np.repeat(np.arange((count + 1) // 2), 2))[:count])
        label = np.unique(label, return_inverse=True)[1].reshape(-1)
        plain, there = (
            plain.united(label, int(label.max()) + 1),
            there.united(torch.from_numpy(label).to(device), int(label.max()) + 1),
        )
        assert np.array_equal(there.mass.cpu().numpy(), plain.matrix.data)
        assert np.array_equal(there.rows.cpu().numpy(), plain.matrix.indices)
        assert np.array_equal(there.indptr.cpu().numpy(), plain.matrix.indptr)
    nobody = torch.zeros(0, dtype=torch.int64).to(device)
    assert there.compare(nobody, nobody, 0.3).shape == (3, 0)


@pytest.mark.parametrize("most", [4000, 5])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_atoms_are_the_same(evidence_of, device, kind, seed, most):
    evidence, means, colors, _ = world(evidence_of, kind, seed)
    near, config = neighbours(means, 8), AtomConfig(room=0.5, most=most)
    given = (speaking(evidence, neighbours(means, 12)), near, means, colors, config)
    expected = find_atoms(evidence, *given)
    assert np.array_equal(find_atoms_on_device(evidence.on(device), *given), expected)
    if kind == "plain":
        assert 1 < len(np.unique(expected)) < evidence.masked.sum()


def test_a_world_of_things_is_found_alike(make_things, device):
    """The whole object stage on masks that err."""
    things = make_things(0, split=0.1, merged=0.1, missing=0.1)
    colors, config = np.full((len(things.truth), 3), 0.5, np.float32), ObjectConfig()
    near = nearest(things.means, config)
    expected = find_objects(things.evidence, things.means, colors, near, config)
    found = find_objects(things.evidence.on(device), things.means, colors, near, config)
    assert len(np.unique(expected)) > 3
    assert (found != expected).mean() < 0.01


def test_small_helpers_are_numpy_s(device):
    rng = np.random.default_rng(0)
    for count in (1, 2, 7, 8):
        values = rng.normal(size=count).astype(np.float32)
        assert float(median_of(torch.from_numpy(values).to(device)).cpu()) == pytest.approx(np.median(values))
    table = rng.integers(0, 3, (40, 5)).astype(np.float32)
    best, most = first_largest(torch.from_numpy(table).to(device))
    assert np.array_equal(best.cpu().numpy(), table.argmax(axis=1))
    assert np.array_equal(most.cpu().numpy(), table.max(axis=1))
    sizes = rng.integers(0, 9, 30)
    for most_of_run in (1, 10, 1000):
        runs = runs_of(sizes, most_of_run)
        assert [first for first, _ in runs] == [0, *(last for _, last in runs[:-1])]
        assert runs[-1][1] == 30
        assert all(sizes[a:b].sum() <= most_of_run or b == a + 1 for a, b in runs)
    assert runs_of(sizes[:0], 5) == []
