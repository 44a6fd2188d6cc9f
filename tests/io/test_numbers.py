"""Numbers, JSON and YAML from files: within bounds, or refused with file, key and value."""

import json
import math

import numpy as np
import pytest

from gsseg.errors import InputError
from gsseg.files.json_file import DEEPEST, check_plain, parse_json, read_json, read_json_object
from gsseg.files.yaml_file import read_yaml_object
from gsseg.io.numbers import matrix, real_number, whole_number

HOSTILE = (True, None, "1", [], {}, 10**400, -(10**400), math.nan, math.inf, -math.inf)


@pytest.mark.parametrize("value", [0, 1, -3, 2.5, 1e-300, 10**15])
def test_finite_numbers_are_read_as_they_are(tmp_path, value):
    assert real_number(tmp_path, "key", value, "mend it") == value


@pytest.mark.parametrize("value", HOSTILE)
def test_others_are_refused_with_key_and_value(tmp_path, value):
    with pytest.raises(InputError, match=r"the key is .*, must be a finite number from 0 to 9; mend it") as caught:
        real_number(tmp_path, "the key", value, "mend it", least=0, most=9)
    assert len(str(caught.value)) < 300
    with pytest.raises(InputError):
        real_number(tmp_path, "the key", value, "mend it")


@pytest.mark.parametrize(("value", "sound"), [(3, True), (3.0, True), (2.5, False), (-1, False), (10, False)])
def test_whole_numbers_within_their_bounds(tmp_path, value, sound):
    if sound:
        assert whole_number(tmp_path, "key", value, "", least=0, most=9) == value
        return
    with pytest.raises(InputError, match="key is"):
        whole_number(tmp_path, "key", value, "", least=0, most=9)


def test_matrices_let_infinities_through_and_no_shape_but_those_asked_for(tmp_path):
    rows = [[1, 2.5], [math.nan, -math.inf]]
    found = matrix(tmp_path, "key", rows, "", shapes=[(2, 2)], most=10)
    np.testing.assert_array_equal(found, np.array(rows))
    for value in (
        [[1, 2]],
        [[1, 2], [3]],
        [1, 2],
        "ab",
        None,
        [[1, 2], ["3", 4]],
        [[1, 2], [3, 11]],
        [[True, 2], [3, 4]],
    ):
        with pytest.raises(InputError, match="key"):
            matrix(tmp_path, "key", value, "", shapes=[(2, 2)], most=10)


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def test_json_that_json_writes_is_read_back():
    value = {"a": [1, -2.5, None, True, "\u2603\U0001f600"], "b": nested(DEEPEST - 1), "c": -(10**18)}
    assert parse_json(json.dumps(value)) == value
    assert math.isnan(parse_json("NaN"))


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000 + "]" * 100_000, json.dumps(nested(DEEPEST + 1)), "9" * 20, "[" + "9" * 5000 + "]", '"\\ud800"',
     '{"\\udfff": 1}', "", "{", "[1,]"],
)  # fmt: skip
def test_what_no_reader_can_bear_is_no_json(tmp_path, text):
    with pytest.raises(ValueError, match=r"\S"):
        parse_json(text)
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"a\.json"):
        read_json(path, "")


def test_depth_is_that_of_any_branch():
    check_plain([nested(DEEPEST - 2), {"a": nested(3)}])
    with pytest.raises(ValueError, match="deep"):
        check_plain({"a": 1, "b": {"c": nested(DEEPEST)}})


@pytest.mark.parametrize("text", ["[]", "1", "null", '"a"'])
def test_an_object_is_asked_for(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match="no object in braces; mend it"):
        read_json_object(tmp_path / "a.json", "mend it")
    (tmp_path / "b.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json_object(tmp_path / "b.json", "") == {"a": 1}


BOMB = "a: &a [x, x, x]\n" + "".join(
    f"b{i}: &b{i} [{', '.join([f'*b{i - 1}' if i else '*a'] * 9)}]\n" for i in range(20)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "alias"), ("a: " + "[" * 100_000, "deep"), ("a: " + "{b: " * 100_000, "deep"), ("[1, 2]", "no table"),
        ("", "empty"), ("a: 2001-99-99", "month"), ("a: !!python/object:os.system x", "could not determine"),
        ("a: " + "9" * 5000, "YAML"), ("a: [1", "YAML"), ("x" * (1 << 21), "bytes"), ("? [a]\n: 1", "unhashable"),
    ],
)  # fmt: skip
def test_yaml_that_means_gigabytes_or_nothing(tmp_path, text, says):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        read_yaml_object(tmp_path / "a.yaml", "mend it")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700


def test_plain_yaml(tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1\nb: {c: [x, 2.5, true]}\n")
    assert read_yaml_object(tmp_path / "a.yaml", "") == {"a": 1, "b": {"c": ["x", 2.5, True]}}
