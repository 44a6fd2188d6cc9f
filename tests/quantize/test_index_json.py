"""Codes as tokens: every item gets its own, in the format of the index that others read."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gsseg.quantize.residual.index_json import rank_tokens, write_index


@given(hnp.arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.integers(0, 2)))
def test_tokens_are_unique_and_name_their_codes(codes):
    tokens = rank_tokens(codes)
    assert len({tuple(row) for row in tokens}) == codes.shape[1]
    columns = [tuple(column) for column in codes.T.tolist()]
    for item, row in enumerate(tokens):
        assert tuple(int(token[3:-1]) - 1 for token in row[: len(codes)]) == columns[item]
        assert [token[:3] for token in row] == [f"<{'abcdefg'[level]}_" for level in range(len(row))]
        rank = columns[: item + 1].count(columns[item])
        expected = [] if columns.count(columns[item]) == 1 else [rank]
        assert [int(token[3:-1]) for token in row[len(codes) :]] == expected


def test_stored_tokens(shared):
    for facts in json.loads((shared / "oracle/rq/dedup.json").read_text()).values():
        assert rank_tokens(np.array(facts["codes_zero_based"]).T) == facts["tokens"]


def test_the_file_maps_rows_to_tokens(tmp_path):
    codes = np.array([[0, 3, 0], [1, 4, 1], [2, 5, 2]])
    write_index(tmp_path / "index.json", codes)
    assert json.loads((tmp_path / "index.json").read_text()) == {
        "0": ["<a_1>", "<b_2>", "<c_3>", "<d_1>"],
        "1": ["<a_4>", "<b_5>", "<c_6>"],
        "2": ["<a_1>", "<b_2>", "<c_3>", "<d_2>"],
    }
    assert [path.name for path in tmp_path.iterdir()] == ["index.json"]


def test_letters_run_out_after_z():
    apart, together = np.tile([0, 1], (26, 1)), np.zeros((26, 2), np.int64)
    assert rank_tokens(apart)[1][25] == "<z_2>"
    assert rank_tokens(together[:25])[1][25] == "<z_2>"
    with pytest.raises(ValueError, match="27 letters"):
        rank_tokens(together)
    with pytest.raises(ValueError, match="27 letters"):
        rank_tokens(np.tile([0, 1], (27, 1)))


@pytest.mark.parametrize(
    "codes", [np.zeros(3, np.int64), np.zeros((2, 0), np.int64), np.zeros((2, 2)), -np.ones((1, 2), int)]
)
def test_what_are_no_codes_is_refused(codes):
    with pytest.raises(ValueError, match="codes"):
        rank_tokens(codes)
