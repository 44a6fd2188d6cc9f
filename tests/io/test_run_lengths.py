"""COCO's run lengths: laws, and a text that COCO's own tool wrote."""

import numpy as np
import pytest

from gsseg.io.run_lengths import runs_from_text, runs_of_mask, text_of_runs


def test_a_text_of_cocos_own_tool():
    """pycocotools 2.0.11 of a mask of 3 x 4 whose second and third columns are set."""
    assert text_of_runs([3, 6, 3]) == "363"
    mask = np.zeros((3, 4), bool)
    mask[:, 1:3] = True
    assert runs_of_mask(mask) == [3, 6, 3]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_runs_say_the_mask_and_texts_the_runs(share):
    rng = np.random.default_rng(int(100 * share))
    for shape in ((1, 1), (7, 5), (300, 411)):
        mask = rng.random(shape) < share
        runs = runs_of_mask(mask)
        assert sum(runs) == mask.size
        assert min(runs[1:], default=1) > 0
        told = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(shape, order="F")
        assert np.array_equal(told, mask)
        assert runs_from_text(text_of_runs(runs)) == runs


def test_texts_hold_any_numbers():
    rng = np.random.default_rng(0)
    for bits in (1, 5, 6, 20, 40):
        lengths = rng.integers(0, 1 << bits, 50).tolist()
        assert runs_from_text(text_of_runs(lengths)) == lengths
