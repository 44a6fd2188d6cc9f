"""Names that are imported when first used: one list, the same for type checkers and at run time."""

import importlib
import subprocess
import sys

import pytest

import gsseg
import gsseg.quantize


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules, of which one cannot be imported."""
    folder = tmp_path / "sleepy"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "from gsseg.lazy_names import lazy_names\n"
        "if TYPE_CHECKING:\n"
        "    from sleepy import good as good\n"
        "    from sleepy.bad import other as other\n"
        "    from sleepy.good import value as value\n"
        "__getattr__, __dir__ = lazy_names(__name__)\n"
    )
    (folder / "good.py").write_text("value = 7\nsecret = 8\n")
    (folder / "bad.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("sleepy")
    for name in ("sleepy", "sleepy.good", "sleepy.bad"):
        sys.modules.pop(name, None)


def test_a_module_is_imported_when_its_name_is_used(package):
    assert "sleepy.good" not in sys.modules
    assert package.value == 7
    assert package.good is sys.modules["sleepy.good"]
    with pytest.raises(RuntimeError, match="imported"):
        _ = package.other
    assert {"good", "other", "value"} <= set(dir(package))


def test_names_that_the_block_does_not_list_are_none(package):
    with pytest.raises(AttributeError, match="module 'sleepy' has no attribute 'secret'"):
        _ = package.secret
    assert not hasattr(package, "bad")


@pytest.mark.parametrize("module", [gsseg, gsseg.quantize], ids=lambda module: module.__name__)
def test_every_listed_name_is_there(module):
    assert [name for name in dir(module) if getattr(module, name, None) is None and not name.startswith("__")] == []


@pytest.mark.parametrize("line", ["import gsseg", "from gsseg.quantize import ResidualKMeans, BinaryCodes, Quantizer"])
def test_torch_is_not_imported_for(line):
    code = f"{line}\nimport sys\nassert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
