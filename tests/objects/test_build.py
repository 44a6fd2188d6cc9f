"""From codes to the table of objects: numbering, nesting of codes, and every field of the table."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsseg.codebook import Codes
from gsseg.objects.agreement import BARELY_SEEN
from gsseg.objects.build import ObjectConfig, build_objects, hold_together, without_slivers
from gsseg.objects.profiles import Profiles, mask_profiles

PARTS, DIM = 3, 6


def colors_of(things) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.random((64, 3))[things.truth] + rng.normal(0, 0.02, (len(things.truth), 3))).astype(np.float32)


def codes_of(things, wrong: float = 0.1, uncoded: float = 0.1, seed: int = 0) -> tuple[Codes, np.ndarray]:
    """Codes of the parts, some Gaussians with another thing's code and some with none; and features that fit."""
    rng = np.random.default_rng(seed)
    count = int(things.part.max()) + 1
    book = rng.normal(size=(count, DIM)).astype(np.float32)
    features = (book[things.part] + rng.normal(0, 0.1, (len(things.part), DIM))).astype(np.float32)
    draw = rng.random(len(things.part))
    fine = np.where(draw < wrong, rng.integers(0, count, len(draw)), things.part)
    fine = np.where(draw > 1 - uncoded, -1, fine)
    features[fine < 0] = 0.0
    codes = Codes(
        coarse=torch.from_numpy(np.where(fine >= 0, fine // PARTS, -1)), fine=torch.from_numpy(fine),
        coarse_codebook=torch.from_numpy(book[::PARTS]), fine_codebook=torch.from_numpy(book),
    )  # fmt: skip
    return codes, features


def build(things, codes, features, told=lambda done, total: None):
    return build_objects(things.evidence, codes, things.means, colors_of(things), features, ObjectConfig(), told)


@pytest.fixture(scope="module")
def uneven(make_things):
    """Five things of 20 to 100 Gaussians, the largest last; masks with all kinds of mistakes."""
    things = make_things(0, things=5, per_thing=100, views=25, split=0.3, merged=0.1, missing=0.2)
    kept = np.concatenate([np.arange(100 * k, 100 * k + 20 * (k + 1)) for k in range(5)])
    evidence = replace(
        things.evidence, matrix=things.evidence.matrix[:, kept], central=things.evidence.central[kept],
        visibility=things.evidence.visibility[kept],
    )  # fmt: skip
    return replace(
        things, truth=things.truth[kept], part=things.part[kept], means=things.means[kept], evidence=evidence
    )


@pytest.fixture(scope="module")
def built(uneven):
    codes, features = codes_of(uneven)
    return build(uneven, codes, features), codes, features


def test_objects_are_the_things_numbered_by_size(uneven, built):
    ids = built[0].object_ids
    assert np.array_equal(ids, 4 - uneven.truth)
    counts = np.bincount(ids)
    assert [row.id for row in built[0].objects] == [0, 1, 2, 3, 4]
    assert [row.gaussians for row in built[0].objects] == counts.tolist()
    assert (np.diff(counts) <= 0).all()


def test_codes_nest_in_objects_and_stay_whole(built):
    found, before, _ = built
    ids, fine = found.object_ids, found.code_fine
    owner = {}
    for gaussian in np.flatnonzero(ids >= 0):
        assert fine[gaussian] >= 0, "a Gaussian of an object has a code"
        assert owner.setdefault(int(fine[gaussian]), int(ids[gaussian])) == ids[gaussian], "of that object alone"
    assert np.array_equal(found.code_coarse, np.where(fine >= 0, fine // PARTS, before.coarse.numpy()))
    listed = [code for row in found.objects for code in row.codes]
    assert sorted(listed) == sorted(owner)
    assert all(owner[code] == row.id for row in found.objects for code in row.codes)
    for code in owner:
        assert (found.discrete[fine == code] == before.fine_codebook[code].numpy()).all()


def test_codes_change_only_where_they_are_of_another_object(built, uneven):
    found, before, features = built
    fine, old, book = found.code_fine, before.fine.numpy(), before.fine_codebook.numpy()
    thing_of_code = np.arange(len(book)) // PARTS
    stray = (old < 0) | (thing_of_code[np.maximum(old, 0)] != uneven.truth)
    assert 10 < stray.sum() < 100
    assert np.array_equal(fine[~stray], old[~stray])
    for gaussian in np.flatnonzero(stray):
        own = np.flatnonzero(thing_of_code == uneven.truth[gaussian])
        distance = np.square(book[own].astype(np.float64) - features[gaussian]).sum(axis=1)
        assert fine[gaussian] == own[distance.argmin()]


def test_objects_can_be_made_of_codes(make_things):
    """One code for two things: made of codes, they are one object."""
    things = make_things(2, things=2, views=10)
    codes, features = codes_of(things, wrong=0.0, uncoded=0.0)
    one = replace(codes, fine=torch.zeros_like(codes.fine), coarse=torch.zeros_like(codes.coarse))
    assert len(build(things, one, features).objects) == 2
    config = ObjectConfig(start="codes")
    found = build_objects(things.evidence, one, things.means, colors_of(things), features, config)
    assert len(found.objects) == 1
    found = build_objects(things.evidence, codes, things.means, colors_of(things), features, config)
    assert np.array_equal(found.object_ids == found.object_ids[0], things.truth == 0)


@pytest.mark.parametrize("count", [5, 7, 60])
def test_objects_do_not_depend_on_codes(built, uneven, count):
    """Codes and features of no meaning, as few as objects or many more."""
    rng = np.random.default_rng(count)
    book = rng.normal(size=(count, DIM)).astype(np.float32)
    fine = torch.from_numpy(rng.integers(-1, count, len(uneven.truth)))
    codes = Codes(fine, fine, torch.from_numpy(book), torch.from_numpy(book))
    found = build(uneven, codes, rng.normal(size=(len(fine), DIM)).astype(np.float32))
    assert np.array_equal(found.object_ids, built[0].object_ids)
    listed = [code for row in found.objects for code in row.codes]
    assert len(listed) == len(set(listed)), "codes nest"
    assert all(row.codes for row in found.objects)


def test_the_table_against_plain_counts(built, uneven):
    found, *_ = built
    dense = uneven.evidence.matrix.toarray().astype(np.float64)
    label, view = uneven.evidence.row_label, uneven.evidence.row_view
    for row in found.objects:
        mine = np.flatnonzero(found.object_ids == row.id)
        centres = uneven.means[mine].astype(np.float64)
        assert row.name == f"object {row.id}"
        assert row.gaussians == len(mine)
        assert np.allclose(row.bbox_min, centres.min(axis=0), atol=1e-6)
        assert np.allclose(row.bbox_max, centres.max(axis=0), atol=1e-6)
        assert np.allclose(row.centroid, centres.mean(axis=0), atol=1e-6)
        assert row.codes == sorted({int(code) for code in found.code_fine[mine]})
        masses = [dense[(view == v) & (label > 0)][:, mine].sum(axis=1) for v in range(25)]
        masses = [mass for mass in masses if len(mass)]
        assert row.views == sum(mass.sum() > BARELY_SEEN for mass in masses)
        together = sum(mass.max() for mass in masses) / sum(mass.sum() for mass in masses)
        assert row.agreement == pytest.approx(together, abs=1e-3)
        assert len(row.color) == 3
        assert all(0 <= channel <= 255 for channel in row.color)
    assert len({tuple(row.color) for row in found.objects}) == len(found.objects)
    assert max(row.views for row in found.objects) < 25, "things are missed in some views"


def test_the_same_twice_and_steps_are_told(uneven, built):
    told = []
    found = build(uneven, built[1], built[2], lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert np.array_equal(found.object_ids, built[0].object_ids)
    assert found.objects == built[0].objects
    assert np.array_equal(found.code_fine, built[0].code_fine)


def test_permuting_gaussians_permutes_the_objects(uneven, built):
    found, codes, features = built
    order = np.random.default_rng(4).permutation(len(uneven.truth))
    evidence = replace(
        uneven.evidence, matrix=uneven.evidence.matrix[:, order], central=uneven.evidence.central[order],
        visibility=uneven.evidence.visibility[order],
    )  # fmt: skip
    shuffled = replace(codes, fine=codes.fine[order], coarse=codes.coarse[order])
    colors, means = colors_of(uneven)[order], uneven.means[order]
    other = build_objects(evidence, shuffled, means, colors, features[order], ObjectConfig())
    assert np.array_equal(other.object_ids, found.object_ids[order])
    assert np.array_equal(other.code_fine, found.code_fine[order])


def test_a_thing_that_half_of_the_views_split_along_one_line_is_joined(make_things, evidence_of):
    """Of a surface without a fold. The grouping leaves its halves apart: a disagreeing view says more than an agreeing
    one."""
    things = make_things(3, things=3, views=1)
    things = replace(things, means=things.means * np.array([1, 0.01, 1], np.float32))
    labels = np.tile(things.truth + 1, (10, 1))
    half = (things.truth == 0) & (things.means[:, 2] > 0.5)
    labels[::2, half] = 4
    labels[3, things.truth == 1] = labels[6, things.truth == 2] = 0
    evidence = replace(evidence_of(labels), eyes=np.tile(np.array([1.5, 5, 0.5], np.float32), (10, 1)))
    split = replace(things, part=things.truth * PARTS + np.where(half, 1, 0), evidence=evidence)
    codes, features = codes_of(split, wrong=0.0, uncoded=0.0)
    config = ObjectConfig()
    found = build(split, codes, features)
    assert len(found.objects) == 3
    assert len(np.unique(found.object_ids[things.truth == 0])) == 1
    never = replace(config, joining=replace(config.joining, sure=1.0 - 1e-9))
    apart = build_objects(split.evidence, codes, things.means, colors_of(things), features, never)
    assert len(apart.objects) == 4


def test_where_nothing_is_masked_there_is_no_object(uneven, evidence_of):
    """A mask over four Gaussians that most views leave unmasked: no object, no crash, no code lost."""
    labels = np.zeros((9, len(uneven.truth)), int)
    labels[0, :4] = 1
    codes, features = codes_of(uneven)
    found = build(replace(uneven, evidence=evidence_of(labels)), codes, features)
    assert (found.object_ids == -1).all()
    assert found.objects == []
    assert np.array_equal(found.code_fine, codes.fine.numpy())


def test_a_code_in_two_objects_goes_to_the_one_with_most_of_its_light(make_things):
    things = make_things(2, things=2, views=10)
    codes, features = codes_of(things, wrong=0.0, uncoded=0.0)
    for code, shared in ((0, 5), (5, 0)):
        fine = torch.where(codes.fine == shared, code, codes.fine)
        found = build(things, replace(codes, fine=fine, coarse=fine // PARTS), features)
        assert np.array_equal(found.object_ids == found.object_ids[0], things.truth == 0)
        light = [things.evidence.visibility[things.part == part].sum() for part in (0, 5)]
        keeps, leaves = (0, 5) if light[0] > light[1] else (5, 0)
        assert (found.code_fine[things.part == keeps] == code).all()
        assert (found.code_fine[things.part == leaves] != code).all()
        assert not set(found.objects[0].codes) & set(found.objects[1].codes)


def test_slivers_own_no_mask(evidence_of):
    """Group 2 is a rim: in every view a larger group fills most of its mask. Group 3 has no mask at all."""
    labels = np.tile(np.repeat([1, 2, 1, 0], [10, 10, 3, 5]), (6, 1))
    groups = np.repeat([0, 1, 2, 3], [10, 10, 3, 5])
    found = without_slivers(evidence_of(labels), groups)
    assert np.array_equal(found, np.where(groups >= 2, -1, groups))
    labels[4, 20:23] = 7  # one view sees it by itself
    assert np.array_equal(without_slivers(evidence_of(labels), groups), np.where(groups == 3, -1, groups))
    nothing = np.full(28, -1)
    assert np.array_equal(without_slivers(evidence_of(labels), nothing), nothing)


def test_hold_together_is_one_for_whole_masks_and_a_half_for_halves():
    mass = np.array([[4, 0, 0, 6], [2, 2, 3, 3], [0, 0, 0, 0], [9, 0, 1, 1]], np.float32)
    found = hold_together(Profiles(mass, np.array([0, 2, 4], np.int32)))
    assert found.tolist() == pytest.approx([1.0, 0.5, 0.0, 10 / 11])


def test_agreement_of_the_table_speaks_of_masks(built, uneven):
    profiles = mask_profiles(uneven.evidence, built[0].object_ids.astype(np.int64), 5)
    assert [row.agreement for row in built[0].objects] == pytest.approx(hold_together(profiles).tolist(), abs=1e-4)
    assert all(0.5 < row.agreement < 1.0 for row in built[0].objects), "masks are split in three views of ten"
