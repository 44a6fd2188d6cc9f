"""Codes inside objects: whose a code is, which code a Gaussian takes, and what it then stands for."""

import numpy as np
import pytest
import torch

from gsseg.codebook import Codes
from gsseg.objects.nesting import code_owners, nest_codes

DIM = 6


def owners(ids, fine, light=None, count=4) -> list[int]:
    light = np.ones(len(ids)) if light is None else np.array(light)
    return code_owners(np.array(ids), np.array(fine), light.astype(np.float32), count).tolist()


def test_a_code_is_of_the_object_with_most_of_its_light():
    assert owners([0, 0, 1, 1, 1], [0, 0, 0, 1, 1]) == [0, 1, -1, -1]
    assert owners([0, 0, 1, 1, 1], [0, 0, 0, 1, 1], [1, 1, 3, 1, 1]) == [1, 1, 0, -1], "and object 0 takes a new one"
    assert owners([-1, -1, 0], [0, 0, 0]) == [0, -1, -1, -1], "Gaussians of no object do not count"
    assert owners([-1, -1], [0, 1]) == [-1] * 4
    assert owners([0, 1], [0, 1], [0, 0]) == [0, 1, -1, -1], "nor does it matter that no view sees them"


def test_an_object_without_a_code_takes_an_unused_one_first():
    assert owners([0, 0, 0, 1, 2], [0, 0, 1, 0, 1], [1, 1, 3, 1, 1]) == [0, 0, 1, 2]


def test_then_the_code_that_costs_its_owner_least_and_never_its_last():
    ids, fine = [0] * 6 + [1, 2], [0, 0, 0, 1, 1, 2, 0, 3]
    assert owners(ids, fine) == [0, 0, 1, 2], "code 2 holds one Gaussian of object 0"
    assert owners([0, 1, 2], [0, 0, 0], [3, 2, 1], count=2) == [0, 1], "more objects than codes: the smallest has none"


def test_every_object_has_a_code_while_there_are_enough():
    rng = np.random.default_rng(0)
    for count in (8, 9, 30):
        ids, fine = rng.integers(-1, 8, 200), rng.integers(-1, count, 200)
        owner = owners(ids, fine, rng.random(200), count)
        assert set(range(8)) <= set(owner)


def test_nesting_takes_the_nearest_of_many_codes():
    """More strays and codes than one would compare in one piece of memory; the answer is that of a loop."""
    rng = np.random.default_rng(0)
    book = rng.normal(size=(200, DIM)).astype(np.float32)
    features = rng.normal(size=(300, DIM)).astype(np.float32)
    none = torch.full((300,), -1)
    codes = Codes(none, none, torch.from_numpy(book[::10].copy()), torch.from_numpy(book))
    owner, ids = rng.integers(-1, 3, 200), rng.integers(-1, 3, 300)
    nested = nest_codes(codes, owner, ids, features)
    for gaussian in range(300):
        own = np.flatnonzero(owner == ids[gaussian])
        distance = np.square(book[own].astype(np.float64) - features[gaussian]).sum(axis=1)
        assert nested.fine[gaussian] == (own[distance.argmin()] if ids[gaussian] >= 0 else -1)
    assert torch.equal(nested.fine_codebook, codes.fine_codebook)


def test_gaussians_without_an_object_keep_their_code():
    fine = torch.tensor([0, 1, -1, 3])
    book = torch.randn(4, DIM, generator=torch.Generator().manual_seed(0))
    codes = Codes(torch.where(fine < 0, fine, fine // 2), fine, book[::2], book)
    nested = nest_codes(codes, np.array([0, 0, 1, 1]), np.full(4, -1), np.zeros((4, DIM), np.float32))
    assert torch.equal(nested.fine, codes.fine)
    assert torch.equal(nested.coarse, codes.coarse)


def test_the_only_code_of_an_object_is_the_mean_of_its_features():
    """Object 1 has one code of three; one of its Gaussians has no learnt feature and does not count."""
    features = np.arange(30, dtype=np.float32).reshape(5, DIM)
    features[4] = 0.0
    book = torch.full((3, DIM), 100.0)
    fine = torch.tensor([0, 1, 0, 2, 2])
    nested = nest_codes(Codes(fine * 0, fine, book[:1], book), np.array([0, 0, 1]), np.array([0, 0, 1, 1, 1]), features)
    assert nested.fine.tolist() == [0, 1, 2, 2, 2]
    assert nested.fine_codebook[2].numpy() == pytest.approx((features[2] + features[3]) / 2)
    assert torch.equal(nested.fine_codebook[:2], book[:2])
    assert torch.equal(book, torch.full((3, DIM), 100.0)), "nothing is changed in place"
