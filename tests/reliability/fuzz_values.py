"""Values and tokens that no reader expects, and damage to bytes, texts and JSON that is done to any format."""

import json
import struct
from typing import Any

import numpy as np

DEEP, HUGE, LONE = "@deep@", "@huge@", "@lone@"
"""Stand in JSON for what Python's writer does not write: deep nesting, a number of 5,000 digits, half a surrogate."""

_RAW = {
    f'"{DEEP}"': "[" * 100_000 + "]" * 100_000,
    f'"{HUGE}"': "9" * 5000,
    f'"{LONE}"': '"\\ud800"',
}

VALUES: tuple[Any, ...] = (
    0, 1, -1, 2, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**63 - 1, 2**64, 10**18, 10**19, 10**400, -(10**400),
    0.0, -0.0, 0.5, 1e-6, 1e6, 1e9, 1e13, 1e30, 1e39, 1e200, 1e308, -1e308, 5e-324, float("nan"), float("inf"),
    -float("inf"), True, False, None, "", " ", "x", "0", "1", "NaN", "1e5", "a" * 5000, "a\0b", "a\nb", "..", ".", "/",
    "../x", "/etc/passwd", ".png", "C:\\x.png", "\u202e\u2603", [], {}, [[]], [None], [1], [[1, 2], [3]], {"": None},
    [0.0] * 300, [[[[[[1]]]]]], DEEP, HUGE, LONE, "OPENCV_FISHEYE", "EQUIRECTANGULAR",
)  # fmt: skip

NUMBERS = tuple(value for value in VALUES if (type(value) in (int, float) and abs(value) < 1e18) or value != value)

TOKENS = (
    "", "0", "-1", "1", "2", "255", "65536", "2147483648", "18446744073709551616", "9" * 400, "9" * 5000, "1e200",
    "-1e308", "1e-320", "nan", "inf", "-inf", "0x10", "1_000", "\u0661\u0662", "\u00b2", "+1", "1.", ".5", "1e", "NaN",
    "None", "True", "a", "a" * 5000, "..", "/", ".png", "../../x.png", "/etc/passwd", "\0", "\ufeff", "\x85", "\u2028",
    "list", "uchar", "float", "double", "property", "element", "end_header", "vertex", "ascii", "OPENCV", "FOV",
    "THIN_PRISM_FISHEYE", "&a", "*a", "[", "{", "]", "!!python/name:os.system", "- - - -", "2001-99-99", ".inf", "0b",
    "1:2:3", "!!binary x", "? x", "<<: 1", "=", "|", "~",
)  # fmt: skip

INTEGERS = (0, 1, 2, 3, 7, 127, 128, 255, 256, 4095, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
REALS = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    1e-30,
    1e-45,
    5e-324,
    1e6,
    1e13,
    1e30,
    3e38,
    1e200,
    1e308,
    -1e308,
    np.nan,
    np.inf,
    -np.inf,
)


def pick(rng: np.random.Generator, values: Any) -> Any:
    """One of the values."""
    return values[int(rng.integers(len(values)))]


def few(rng: np.random.Generator) -> int:
    """How many injuries: one as a rule, because the first one that is noticed hides the others."""
    return int(pick(rng, (1, 1, 1, 1, 1, 2, 2, 3)))


def damage_bytes(rng: np.random.Generator, content: bytes) -> bytes:
    """One to three injuries that know nothing of the format."""
    for _ in range(few(rng)):
        data, size = bytearray(content), len(content)
        at = int(rng.integers(size + 1))
        if rng.random() < 0.5:  # headers lie in front
            at = min(at, int(rng.integers(200)))
        length = int(rng.integers(1, 33))
        kind = int(rng.integers(9))
        if kind == 0 and at < size:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at : at + length] = rng.bytes(len(data[at : at + length]))
        elif kind == 2:
            data[at : at + 4] = struct.pack("<I", pick(rng, INTEGERS))
        elif kind == 3:
            data[at : at + 8] = struct.pack("<Q", pick(rng, (*INTEGERS, 2**63, 2**64 - 1, 2**40)))
        elif kind == 4:
            data = data[:at]
        elif kind == 5:
            del data[at : at + length]
        elif kind == 6:
            data[at:at] = data[max(0, at - length) : at] * int(rng.integers(1, 50))
        elif kind == 7:
            other = int(rng.integers(size + 1))
            data[at : at + length], data[other : other + length] = data[other : other + length], data[at : at + length]
        else:
            data[at : at + 8] = struct.pack("<d", pick(rng, REALS))
        content = bytes(data)
    return content


def damage_fields(rng: np.random.Generator, content: bytes, fields: list[tuple[int, str]]) -> bytes:
    """One to three fields, (place, letter of `struct`), with other values; the rest as it was."""
    data = bytearray(content)
    for _ in range(few(rng)):
        at, kind = pick(rng, fields)
        if kind in "efd":
            largest = {"e": 6e4, "f": 3e38, "d": np.inf}[kind]
            value = pick(rng, REALS)
            packed = struct.pack("<" + kind, value if not np.isfinite(value) or abs(value) < largest else largest)
        else:
            bits = 8 * struct.calcsize(kind)
            packed = (pick(rng, (*INTEGERS, 2**63 - 1, 2**64 - 1, 10**12)) % (1 << bits)).to_bytes(bits // 8, "little")
        data[at : at + len(packed)] = packed
    return bytes(data)


def damage_words(rng: np.random.Generator, text: str) -> bytes:
    """Words replaced, lines dropped, doubled, swapped and joined, in a text of lines and words."""
    lines = text.split("\n")
    for _ in range(few(rng)):
        at = int(rng.integers(len(lines)))
        kind = int(rng.integers(8))
        if kind <= 3:
            words = lines[at].split(" ")
            words[int(rng.integers(len(words)))] = pick(rng, TOKENS)
            lines[at] = " ".join(words)
        elif kind == 4 and len(lines) > 1:
            del lines[at]
        elif kind == 5:
            lines[at:at] = [lines[at]] * int(rng.integers(1, 4))
        elif kind == 6:
            other = int(rng.integers(len(lines)))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] = lines[at] + " " + pick(rng, TOKENS)
    ending = "\r\n" if rng.random() < 0.1 else "\n"
    content = ending.join(lines).encode("utf-8", "surrogatepass")
    return damage_bytes(rng, content) if rng.random() < 0.1 else content


def damage_value(rng: np.random.Generator, value: Any) -> Any:
    """One to three places of a JSON value with other values, more, fewer, or exchanged ones."""
    value = json.loads(json.dumps(value))
    for _ in range(few(rng)):
        places = _places(value)
        if not places:
            return pick(rng, VALUES)
        # Lists of numbers would outvote everything else.
        depth = pick(rng, sorted({depth for depth, _, _ in places}))
        _, holder, key = pick(rng, [place for place in places if place[0] == depth])
        kind = int(rng.integers(10))
        if kind <= 5:
            like = type(holder[key]) in (int, float) and rng.random() < 0.6
            holder[key] = pick(rng, NUMBERS if like else VALUES)
        elif kind == 6:
            del holder[key]
        elif kind == 7 and isinstance(holder, list):
            holder[key:key] = [holder[key]] * int(rng.integers(1, 4))
        elif kind == 7:
            holder[pick(rng, ("", "x", "id", "0", "-1", "9" * 30, "\u0661", "a" * 3000))] = holder[key]
        elif kind == 8:
            holder[key] = [holder[key]]
        else:
            other = pick(rng, places)
            holder[key] = json.loads(json.dumps(other[1][other[2]]))
    return value


def write_json(rng: np.random.Generator, value: Any) -> bytes:
    """The text of a JSON value, now and then injured as text, or in another encoding."""
    text = json.dumps(value)
    for token, raw in _RAW.items():
        text = text.replace(token, raw)
    chance = rng.random()
    if chance < 0.05:
        return text.encode("utf-16")
    if chance < 0.1:
        return b"\xef\xbb\xbf" + text.encode()
    if chance < 0.2:
        return damage_bytes(rng, text.encode())
    return text.encode()


def damage_json(rng: np.random.Generator, value: Any) -> bytes:
    """Text of a damaged JSON value."""
    return write_json(rng, damage_value(rng, value))


def _places(value: Any, depth: int = 0) -> list[tuple[int, Any, Any]]:
    """(depth, list or dictionary, index or key) of everything in a JSON value."""
    if isinstance(value, dict):
        keys: Any = list(value)
    elif isinstance(value, list):
        keys = range(len(value))
    else:
        return []
    return [place for key in keys for place in ((depth, value, key), *_places(value[key], depth + 1))]
