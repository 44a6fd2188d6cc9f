"""The built package holds what the checkout holds: modules are found, not listed by hand."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_every_module_and_the_baseline(tmp_path: Path) -> None:
    """Built from a copy, because setuptools leaves folders beside its sources; without a network."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    hidden = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("gsseg", "viewer"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=hidden)
    words = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "out", "."]
    subprocess.run([sys.executable, *words], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "out").glob("gsseg-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "gsseg").rglob("*.py")}
    modules |= {path.relative_to(ROOT / "viewer").as_posix() for path in (ROOT / "viewer").rglob("*.py")}
    web = ROOT / "viewer" / "gsseg_viewer" / "web"
    data = {"gsseg/bench/baseline.json", *(f"gsseg_viewer/web/{path.name}" for path in web.iterdir())}
    assert inside == modules | data
