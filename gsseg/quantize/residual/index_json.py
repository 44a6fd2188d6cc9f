"""Codes as words: the tokens of generative retrieval, and the JSON index that maps item rows to them.

Code k at level 0, 1, 2, ... is the token <a_(k+1)>, <b_(k+1)>, <c_(k+1)>, ... Items with equal codes are told apart
by one more token of the next letter: their rank, from 1, in the order of the rows; items alone get none.
"""

import json
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np

from gsseg.files import whole_file
from gsseg.quantize.residual.statistics import checked_codes, tuple_keys


def rank_tokens(codes: Any) -> list[list[str]]:
    """The tokens of every item, in row order; all items have different ones.

    codes: (levels, items) integers from 0. Raises ValueError when the levels, and the rank where items collide, need
    more than 26 letters.
    """
    checked = checked_codes(codes, None)
    levels, items = checked.shape
    _, group, sizes = np.unique(tuple_keys(checked), return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    ranks = np.empty(items, np.int64)
    ranks[order] = np.arange(items) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
    collides = sizes[group] > 1
    needed = levels + int(collides.any())
    if needed > len(ascii_lowercase):
        raise ValueError(f"{levels} levels need {needed} letters for their tokens and ranks, there are 26")
    words = [[f"<{letter}_{code + 1}>" for code in range(int(row.max()) + 1)]
             for letter, row in zip(ascii_lowercase, checked, strict=False)]  # fmt: skip
    columns = [[names[code] for code in row.tolist()] for names, row in zip(words, checked, strict=True)]
    tokens = [list(row) for row in zip(*columns, strict=True)]
    for item in np.flatnonzero(collides).tolist():
        tokens[item].append(f"<{ascii_lowercase[levels]}_{ranks[item]}>")
    return tokens


def write_index(path: Path | str, codes: Any) -> None:
    """Writes {"0": ["<a_1>", "<b_2>"], "1": ...}, the row of each item as text and its `rank_tokens`, as a whole file.

    Raises ValueError as `rank_tokens` does, InputError where the file system refuses.
    """
    index = {str(row): tokens for row, tokens in enumerate(rank_tokens(codes))}
    with whole_file(path) as beside:
        beside.write_text(json.dumps(index), encoding="utf-8")
