"""Two levels of codes under the pseudo-feature loss, against the same mathematics on dense matrices."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsseg.codebook import Codes
from gsseg.codebook.codes import NO_CODE
from gsseg.codebook.levels import CodebookConfig, coarse_assignment, fine_assignment, scene_units
from gsseg.codebook.pseudo_features import PseudoFeatureLoss
from gsseg.codebook.training import train_codebook

CONFIG = CodebookConfig(coarse=6, fine=3, steps=6)
SINGLE = CodebookConfig(coarse=1, fine=8, steps=6)


def train(toy, config=CONFIG, seed=0, **changes) -> Codes:
    toy = replace(toy, **changes)
    return train_codebook(toy.features, toy.positions, toy.seen, toy.views, config, seed)


def same(one: Codes, other: Codes) -> bool:
    names = ("coarse", "fine", "coarse_codebook", "fine_codebook")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names) and one.losses == other.losses


def of_coarse(codes: Codes) -> torch.Tensor:
    return codes.coarse_codebook[codes.coarse.clamp(min=0)] * (codes.coarse >= 0)[:, None]


@pytest.mark.parametrize("config", [CONFIG, SINGLE, replace(CONFIG, target="mask_mean")])
def test_codes_are_of_their_size_and_nest(toy, config):
    codes = train(toy, config)
    assert codes.coarse_codebook.shape == (config.coarse, 6)
    assert codes.fine_codebook.shape == (config.coarse * config.fine, 6)
    seen = toy.seen
    assert torch.equal(codes.fine[seen] // config.fine, codes.coarse[seen])
    assert (codes.coarse[~seen] == NO_CODE).all()
    assert (codes.fine[~seen] == NO_CODE).all()
    assert codes.coarse[seen].min() >= 0
    assert codes.coarse[seen].max() < config.coarse
    assert len(codes.fine[seen].unique()) > config.coarse


def test_features_are_bit_identical_inside_a_code_and_zero_without_one(toy):
    codes = train(toy)
    features = codes.features()
    for code in codes.fine.unique():
        rows = features[codes.fine == code]
        assert torch.equal(rows, rows[:1].expand_as(rows))
        assert torch.equal(rows[0], codes.fine_codebook[code] if code >= 0 else torch.zeros(6))


@pytest.mark.parametrize("config", [CONFIG, SINGLE])
def test_losses_are_of_the_maps_of_features_and_codes(toy, config):
    untrained, codes = train(toy, replace(config, steps=0)), train(toy, config)
    for found in (untrained, codes):
        assert found.losses["coarse"][-1] == pytest.approx(toy.loss(of_coarse(found)), rel=1e-5)
        assert found.losses["fine"][-1] == pytest.approx(toy.loss(found.features()), rel=1e-5)
    assert codes.losses["coarse"][0] == untrained.losses["coarse"][0]
    if config.coarse == 1:  # else the fine level starts from other coarse codes
        assert codes.losses["fine"][0] == untrained.losses["fine"][0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("target", ["map", "mask_mean"])
def test_training_never_ends_worse_than_it_began(toy, seed, target):
    codes = train(toy, replace(CONFIG, target=target), seed)
    for curve in codes.losses.values():
        assert curve[-1] == min(curve)
        assert len(curve) == CONFIG.steps + 2
        assert curve[-1] < curve[0]
    assert codes.losses["fine"][-1] < codes.losses["coarse"][-1]


def test_one_seed_one_result(toy):
    assert same(train(toy, seed=5), train(toy, seed=5))
    assert not same(train(toy, seed=5), train(toy, seed=6))


def test_steps_are_told(toy):
    told = []
    train_codebook(
        toy.features, toy.positions, toy.seen, toy.views, CONFIG, 0, lambda done, total: told.append((done, total))
    )
    assert told == [(i, 12) for i in range(1, 13)]


def test_items_that_are_not_seen_count_nowhere(toy):
    features, positions = toy.features.clone(), toy.positions.clone()
    features[~toy.seen] = 30.0
    positions[~toy.seen] = -1e4
    assert same(train(toy), train(toy, features=features, positions=positions))


def test_place_steers_the_coarse_level_alone(toy):
    config = CodebookConfig(coarse=2, fine=1, steps=0, position_weight=100.0)
    alike = toy.seen & torch.from_numpy(toy.thing % 3 == 0)
    thing = toy.thing[alike.numpy()]
    for weight, apart in ((100.0, True), (0.0, False)):
        codes = train(toy, replace(config, position_weight=weight), seen=alike).coarse.numpy()[alike.numpy()]
        assert (len(np.unique(codes[thing == 0])) == len(np.unique(codes[thing == 3])) == 1) == apart
    # A single level has no place to look at, and a weight of zero is the same as one place for all.
    elsewhere = toy.positions.flip(0) * 3.0
    assert same(train(toy, SINGLE), train(toy, SINGLE, positions=elsewhere))
    nowhere = replace(CONFIG, position_weight=0.0)
    assert same(train(toy, nowhere), train(toy, nowhere, positions=elsewhere))
    assert not same(train(toy), train(toy, positions=elsewhere))


def test_moving_or_scaling_the_scene_changes_nothing(toy):
    codes = train(toy)
    moved = train(toy, positions=toy.positions * 8.0 + torch.tensor([64.0, -32.0, 16.0]))
    assert torch.equal(codes.coarse, moved.coarse)
    assert torch.equal(codes.fine, moved.fine)


def test_scene_units_are_set_by_nine_tenths_of_the_items():
    positions = np.random.default_rng(0).normal(5.0, 3.0, (200, 3)).astype(np.float32)
    places = scene_units(positions)
    assert np.allclose(np.median(places, axis=0), 0.0, atol=1e-6)
    assert (np.linalg.norm(places, axis=1) <= 1.0).mean() == pytest.approx(0.9, abs=0.01)
    positions[np.linalg.norm(places, axis=1).argmax()] *= 1e6
    assert np.allclose(np.delete(scene_units(positions), np.abs(positions).max(1).argmax(), 0),
                       np.delete(places, np.abs(positions).max(1).argmax(), 0), atol=0.05)  # fmt: skip
    assert not scene_units(np.full((4, 3), 7.0, np.float32)).any()


def test_one_step_is_the_straight_through_gradient(toy):
    """Forward: the code in place of the feature. Backward: the code's gradient moves the feature itself."""
    config = replace(SINGLE, steps=1)
    start, codes = train(toy, replace(config, steps=0)), train(toy, config)
    own = toy.features[toy.seen].double()
    discrete = start.features().double().requires_grad_(True)
    entries, total = 0, torch.zeros((), dtype=torch.float64)
    visibility = torch.zeros(len(discrete), dtype=torch.float64)
    for view, _ in toy.maps:
        matrix = view.matrix.double()
        difference = matrix @ discrete - matrix @ (toy.features * toy.seen[:, None]).double()
        total = total + difference.abs().sum()
        entries += difference.numel()
        visibility += matrix.sum(0)
    total.backward()
    loss = float(total.detach()) / entries
    steepest = (discrete.grad / visibility.clamp(min=1e-6)[:, None])[toy.seen]
    moved = own - config.learning_rate * loss * steepest
    labels = start.fine[toy.seen]

    def means(labels):
        return torch.stack([moved[labels == code].mean(0) for code in range(config.fine)])

    def nearest(labels):
        return torch.cdist(moved, means(labels)).argmin(1)

    labels = nearest(nearest(labels))
    expected = torch.zeros_like(discrete).detach()
    expected[toy.seen] = means(labels)[labels]
    assert codes.losses["fine"][0] == pytest.approx(loss, rel=1e-5)
    assert codes.losses["fine"][1] == pytest.approx(toy.loss(expected), rel=1e-5)
    assert codes.losses["fine"][1] < codes.losses["fine"][0]
    assert torch.allclose(codes.features().double(), expected, atol=1e-5)


@pytest.mark.parametrize("target", ["map", "mask_mean"])
def test_the_visibility_of_the_first_call_serves_all_calls(toy, target):
    """As if it were back-projected in every call, as a column beside the signs."""
    features, rows = toy.features * toy.seen[:, None], toy.seen.numpy().nonzero()[0]
    loss = PseudoFeatureLoss(features, rows, toy.views, target)
    generator = np.random.default_rng(0)
    for _ in range(3):
        discrete = torch.from_numpy(generator.normal(size=(len(rows), 6)).astype(np.float32))
        fresh = PseudoFeatureLoss(features, rows, toy.views, target)(discrete)
        value, gradient = loss(discrete)
        assert value == fresh[0]
        assert torch.equal(gradient, fresh[1])
        if target == "map":
            field = torch.zeros_like(features)
            field[toy.seen] = discrete
            total = torch.zeros(len(field), 7)
            for view, _ in toy.maps:
                sign = (view.render(field) - view.render(features)).sign()
                total += view.backproject(torch.cat([sign, torch.ones(len(sign), 1)], 1))
            expected = (total[:, :6] / total[:, 6:].clamp(min=1e-6))[toy.seen]
            assert torch.allclose(gradient, expected, atol=1e-6)


def test_a_gradient_is_a_mean_of_signs(toy):
    discrete = torch.randn(int(toy.seen.sum()), 6, generator=torch.Generator().manual_seed(1))
    _, gradient = PseudoFeatureLoss(toy.features, toy.seen.numpy().nonzero()[0], toy.views)(discrete)
    assert 0.5 < gradient.abs().max() <= 1 + 1e-5


def test_mask_mean_imitates_masks_and_leaves_out_those_of_high_variance(toy):
    """One mask is drawn over two things that look different: its mean is nobody's feature."""
    maps = [(view, torch.where(labels == 2, 1, labels)) for view, labels in toy.maps]
    codes = train(toy, replace(CONFIG, target="mask_mean", steps=0), maps=maps)
    features = (toy.features * toy.seen[:, None]).double()
    differences, left_out = [], 0
    for view, labels in maps:
        rendered, of_codes = view.matrix.double() @ features, view.matrix.double() @ codes.features().double()
        masks = [labels == label for label in labels.unique() if label > 0]
        variance = [rendered[mask].var(dim=0, unbiased=False).sum() for mask in masks]
        limit = 2.0 * torch.stack(variance).median()
        for mask, spread in zip(masks, variance, strict=True):
            if spread <= limit:
                differences.append(of_codes[mask] - rendered[mask].mean(0))
            left_out += int(spread > limit)
    assert left_out > 0
    assert codes.losses["fine"][-1] == pytest.approx(float(torch.cat(differences).abs().mean()), rel=1e-5)


def test_views_without_a_mask_do_not_count_for_mask_means(toy):
    config = replace(CONFIG, target="mask_mean")
    blank = (toy.maps[0][0], torch.zeros_like(toy.maps[0][1]))
    assert same(train(toy, config), train(toy, config, maps=[*toy.maps, blank]))


def test_fewer_items_than_codes(toy):
    few = torch.arange(len(toy.seen)) < 5
    codes = train(toy, replace(CONFIG, coarse=8, fine=4), seen=few)
    assert len(codes.fine[few].unique()) == 5
    assert torch.allclose(codes.features()[few], toy.features[few], atol=1e-5)
    assert codes.losses["fine"][-1] == pytest.approx(0.0, abs=1e-6)


def test_items_of_one_feature_make_one_code(toy):
    alike = toy.features[:1].expand_as(toy.features).clone()
    codes = train(toy, replace(SINGLE, steps=0), features=alike)
    assert len(codes.fine[toy.seen].unique()) == 1
    assert torch.equal(codes.features()[toy.seen], alike[toy.seen])


def test_assignments_are_made_for_each_level_from_its_own_block(toy):
    rng = np.random.default_rng(0)
    features, places = toy.features, torch.from_numpy(scene_units(toy.positions.numpy()))
    coarse = coarse_assignment(features, places, CONFIG, rng)
    fine = fine_assignment(features, coarse, CONFIG, rng)
    assert torch.equal(fine // CONFIG.fine, coarse)
    assert len(coarse.unique()) == CONFIG.coarse
    assert len(fine.unique()) == CONFIG.coarse * CONFIG.fine
