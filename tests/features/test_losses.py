"""The losses of stage 1 against plain loops over masks, pixels and pairs."""

import itertools
import math

import pytest
import torch

from gsseg.features.losses import cohesion, inverse_distance_separation, pixel_cohesion, prototype_separation

DOUBLE = torch.float64


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def signed(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


@pytest.mark.parametrize("seed", range(3))
def test_cohesion_is_the_mean_squared_distance_of_unit_features_from_their_masks_mean(seed):
    features = torch.nn.functional.normalize(signed(30, 6, seed=seed), dim=1)
    weights = random(5, 30, seed=seed + 10) * (random(5, 30, seed=seed + 20) > 0.6)
    shares = torch.nn.functional.normalize(random(5, seed=seed + 30), p=1, dim=0)
    means, expected = torch.zeros(5, 6, dtype=DOUBLE), 0.0
    for m in range(5):
        total = sum(float(w) for w in weights[m])
        means[m] = sum(w * f for w, f in zip(weights[m], features, strict=True)) / total
        spread = sum(w * (f - means[m]).dot(f - means[m]) for w, f in zip(weights[m], features, strict=True)) / total
        expected += float(shares[m] * spread)
    assert cohesion(means, shares).item() == pytest.approx(expected, abs=1e-12)


def test_cohesion_is_zero_where_every_mask_holds_one_feature():
    means = torch.nn.functional.normalize(signed(4, 6), dim=1)
    assert cohesion(means, torch.full((4,), 0.25, dtype=DOUBLE)).item() == pytest.approx(0.0, abs=1e-12)


def plain_separation(means, present, shares, temperature):
    total = 0.0
    for view in range(means.shape[0]):
        for m in range(means.shape[1]):
            if not present[view, m]:
                continue
            crowd = 1.0
            for n in range(means.shape[1]):
                if n != m and present[view, n]:
                    a, b = means[view, m], means[view, n]
                    cosine = float(a.dot(b) / (a.norm() * b.norm()))
                    crowd += math.exp((cosine - 1.0) / temperature)
            total += float(shares[view, m]) * math.log(crowd)
    return total


@pytest.mark.parametrize("seed", range(3))
def test_separation_is_the_double_loop(seed):
    means, shares = signed(4, 5, 6, seed=seed), random(4, 5, seed=seed + 1)
    present = random(4, 5, seed=seed + 2) > 0.3
    present[3] = False
    found = prototype_separation(means, present, shares, 0.3).item()
    assert found == pytest.approx(plain_separation(means, present, shares, 0.3), rel=1e-9)
    assert found > 0


def test_laws_of_separation():
    means, shares = signed(3, 4, 6), random(3, 4, seed=1)
    present = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], dtype=torch.bool)
    loss = prototype_separation(means, present, shares, 0.1).item()
    # An empty slot counts nowhere, whatever stands in it; only directions count.
    other = torch.where(present[:, :, None], means * 7.0, means + 100.0)
    assert prototype_separation(other, present, shares, 0.1).item() == pytest.approx(loss, rel=1e-12)
    # A mask that is alone in its view has nothing to be apart from.
    assert prototype_separation(means[2:], present[2:], shares[2:], 0.1).item() == 0.0
    # Two masks: nearest to the loss's worst where they coincide, less the farther apart they are.
    both = torch.ones(1, 2, dtype=torch.bool)
    by_angle = [
        prototype_separation(
            torch.tensor([[[1.0, 0.0], [math.cos(angle), math.sin(angle)]]], dtype=DOUBLE),
            both, torch.full((1, 2), 0.5, dtype=DOUBLE), 0.1,
        ).item()
        for angle in (0.0, 0.5, 1.0, 2.0, 3.0)
    ]  # fmt: skip
    assert by_angle[0] == pytest.approx(math.log(2.0))
    assert all(near > far for near, far in itertools.pairwise(by_angle))


@pytest.mark.parametrize("seed", range(3))
def test_pixel_cohesion_is_the_mean_over_masks_of_mean_distances(seed):
    rendered, means = signed(40, 6, seed=seed), signed(4, 6, seed=seed + 1)
    labels = torch.arange(40) % 4
    labels[:9] = 2
    counts = torch.bincount(labels).double()
    of_masks = []
    for m in range(4):
        distances = [float((rendered[p] - means[m]).norm()) for p in range(40) if labels[p] == m]
        of_masks.append(sum(distances) / len(distances))
    assert pixel_cohesion(rendered, means, labels, counts).item() == pytest.approx(sum(of_masks) / 4, rel=1e-9)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_inverse_distance_separation_is_the_loop_over_ranked_pairs(count):
    means = signed(count, 6, seed=count)
    total = 0.0
    for i in range(count):
        distances = {j: float((means[i] - means[j]).square().sum()) for j in range(count) if j != i}
        farthest_first = sorted(distances, key=distances.__getitem__, reverse=True)
        for place, j in enumerate(farthest_first, start=1):
            total += (0.1 + 0.9 * place / (count - 1)) / (distances[j] + 1.0)
    expected = total / (count * (count - 1))
    assert inverse_distance_separation(means).item() == pytest.approx(expected, rel=1e-9)


def test_one_mask_alone_is_apart_and_pulls_nothing():
    means = signed(1, 6).requires_grad_(True)
    loss = inverse_distance_separation(means)
    loss.backward()
    assert loss.item() == 0.0
    assert means.grad is not None
    assert not means.grad.any()


def test_gradients():
    means = signed(5, 3).requires_grad_(True)
    shares = random(5, seed=1)
    assert torch.autograd.gradcheck(lambda x: cohesion(x, shares), means)
    assert torch.autograd.gradcheck(inverse_distance_separation, means)

    slots = signed(2, 4, 3, seed=2).requires_grad_(True)
    present = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]], dtype=torch.bool)
    weights = random(2, 4, seed=3)
    assert torch.autograd.gradcheck(lambda x: prototype_separation(x, present, weights, 0.5), slots)

    rendered = signed(8, 3, seed=4).requires_grad_(True)
    labels = torch.tensor([0, 0, 1, 1, 1, 2, 2, 0])
    counts = torch.tensor([3.0, 3.0, 2.0], dtype=DOUBLE)
    of_masks = signed(3, 3, seed=5).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x, y: pixel_cohesion(x, y, labels, counts), (rendered, of_masks))


def test_a_pixel_that_is_its_masks_mean_has_a_finite_gradient():
    rendered = torch.ones(2, 3, requires_grad=True)
    means = torch.zeros(1, 3).index_add(0, torch.tensor([0, 0]), rendered) / 2
    pixel_cohesion(rendered, means, torch.tensor([0, 0]), torch.tensor([2.0])).backward()
    assert rendered.grad is not None
    assert torch.isfinite(rendered.grad).all()
