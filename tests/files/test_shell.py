"""What is to be copied into a shell names the very path, whatever its bytes."""

import os
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsseg.files.shell import command_line

BASH = shutil.which("bash")


@given(st.lists(st.binary(max_size=12).filter(lambda word: b"\0" not in word), min_size=1, max_size=3))
@pytest.mark.skipif(BASH is None, reason="no bash to read it")
def test_bash_reads_the_same_bytes(words: list[bytes]):
    line = command_line(["printf", "%s\\0", *map(os.fsdecode, words)])
    assert line.isprintable()
    assert subprocess.run([str(BASH), "-c", line], capture_output=True, check=True).stdout == b"\0".join(words) + b"\0"


def test_what_is_plain_stays_plain():
    assert command_line(["gsseg", "info", "/a b/Straße"]) == "gsseg info '/a b/Straße'"
    assert command_line([os.fsdecode(b"Stra\xdfe's")]) == r"$'Stra\xdfe\x27s'"
