"""codebook.safetensors: what training wrote is what a run reads, and what is none ends with one line."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from gsseg.codebook import Codes
from gsseg.errors import InputError
from gsseg.ids import NO_CODE
from gsseg.run.codebook_file import NAMES, read_codebook, write_codebook


@pytest.fixture
def codes() -> Codes:
    """Two coarse codes of three fine ones; one Gaussian has none."""
    fine = torch.tensor([0, 5, NO_CODE, 3, 2])
    coarse = torch.where(fine == NO_CODE, NO_CODE, fine // 3)
    return Codes(coarse, fine, torch.arange(12.0).reshape(2, 6), torch.arange(36.0).reshape(6, 6))


@pytest.fixture
def path(tmp_path, codes):
    write_codebook(tmp_path / "codebook.safetensors", codes)
    return tmp_path / "codebook.safetensors"


def test_read_is_what_was_written(path, codes):
    again = read_codebook(path, 5)
    for name in NAMES:
        assert torch.equal(getattr(again, name), getattr(codes, name)), name
    assert torch.equal(again.features(), codes.features())
    assert {field.name for field in fields(Codes)} - {"losses"} == set(NAMES)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("fine", None, "has no fine"),
        ("coarse", np.zeros(4, np.int64), "shape (4,)"),
        ("coarse", np.zeros(5, np.int32), "int32"),
        ("fine", np.array([0, 6, -1, 3, 2]), "fine codes -1 to 6 of a codebook with 6 rows"),
        ("fine", np.array([0, 5, -2, 3, 2]), "fine codes -2 to 5"),
        ("coarse", np.array([1, 1, -1, 1, 0]), "not of their coarse codes"),
        ("fine_codebook", np.zeros((5, 6), np.float32), "5 fine codes, which 2 coarse"),
        ("fine_codebook", np.zeros((0, 6), np.float32), "0 fine codes"),
        ("coarse_codebook", np.zeros((2, 5), np.float32), "shape (2, 5)"),
        ("coarse_codebook", np.full((2, 6), np.nan, np.float32), "not finite"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(path, name, value, told):
    tensors = load_file(path)
    del tensors[name]
    save_file(tensors if value is None else {**tensors, name: value}, path)
    with pytest.raises(InputError) as error:
        read_codebook(path, 5)
    assert told in str(error.value)
    assert str(path) in str(error.value)


def test_a_file_of_other_splats_or_cut_off_is_refused(path):
    with pytest.raises(InputError, match="not int64 ones of 6 Gaussians"):
        read_codebook(path, 6)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match="cannot be read"):
        read_codebook(path, 5)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        read_codebook(path, 5)
