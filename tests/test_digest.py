"""The one hash: what it is taken over, and that it is what was always written."""

import hashlib

import numpy as np

from gsseg.files.digest import sha256, sha256_of


def test_of_bytes_and_text_is_sha256():
    assert sha256(b"abc") == sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256("\N{GREEK SMALL LETTER MU}") == hashlib.sha256(b"\xce\xbc").hexdigest()
    assert sha256("\udcff") == hashlib.sha256(b"\xed\xb3\xbf").hexdigest()  # as Python gives a name that is no UTF-8
    assert sha256("a", b"b", "c") == sha256("abc")


def test_of_an_array_does_not_depend_on_how_memory_holds_it():
    values = np.arange(24, dtype="<f4").reshape(4, 6)
    told = sha256(values)
    assert told == hashlib.sha256(values.tobytes()).hexdigest()
    assert sha256(values.astype(">f4")) == told
    assert sha256(np.asfortranarray(values)) == told
    assert sha256(np.repeat(values, 2, axis=0)[::2]) == told
    assert sha256(values.astype(np.float64)) != told


def test_of_nothing_and_of_a_number_by_itself():
    assert sha256(np.zeros((0, 6))) == sha256() == hashlib.sha256().hexdigest()
    assert sha256(np.array(True)) == sha256(b"\x01")


def test_parts_may_come_one_by_one():
    assert sha256_of(iter(["ab", np.array([99], np.uint8)])).hex() == sha256(b"abc")
