"""Imports go one way, files stay small, every public name is documented, and nothing unsafe creeps in."""

import ast
import inspect
import re
import shlex
from pathlib import Path

import pytest

import gsseg

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gsseg"
FILES = sorted(PACKAGE.rglob("*.py"))
VIEWER = sorted((ROOT / "viewer").rglob("*.py"))

LAYERS = (
    {
        "errors",
        "exact_sums",
        "ids",
        "lazy_names",
        "lazy_property",
        "threads",
        "version",
        "compiled",
        "memory",
        "validation",
    },
    {"clustering", "files", "pretrained", "render_config"},
    {"scene"},
    {"io", "render", "codebook", "quantize"},
    {"features", "segmentation"},
    {"objects", "meshes"},
    {"compressed"},
    {"config", "evaluate", "language", "masks", "meshes", "poses", "sample"},
    {"export", "prepare"},
    {"run", "splats"},
    {"pipeline"},
    {"batch", "bench"},
    {"cli"},
)
"""Every part of gsseg, from the bottom up. A part imports itself and lower layers, never its neighbours."""

LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}

MATHEMATICS = {"clustering", "codebook", "quantize"}
"""These know (items, dim) arrays and no camera, no scene, no renderer."""

NO_FILES = {"features", "objects", "render"}
"""These are given values and never read or write the user's files."""


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    """Parts of gsseg that a file imports when it runs, anywhere in it; for type checkers alone does not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_checkers = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    names = set()
    for node in ast.walk(tree):
        if id(node) in for_checkers:
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it goes"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    parts = {name.split(".")[1] for name in names if name.startswith("gsseg.")}
    return parts if "gsseg" not in names else parts | {"__init__"}


def test_every_part_has_a_layer():
    parts = {part_of(path) for path in FILES} - {"__init__", "__main__"}
    assert parts - set(LEVEL) == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    part, imported = part_of(path), imported_parts(path)
    if part == "__main__":
        assert imported == {"cli"}
        return
    if part == "__init__":
        assert "cli" not in imported
        return
    upward = {other for other in imported if other != part and LEVEL.get(other, len(LAYERS)) >= LEVEL[part]}
    assert upward == set(), f"{part} may not import {upward}"
    if part in MATHEMATICS:
        assert imported - {part} <= LAYERS[0] | LAYERS[1]
    if part in NO_FILES:
        assert "io" not in imported


def test_the_rule_would_notice(tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text("def f():\n    from gsseg import cli\n    import gsseg.io.ply\nimport gsseg\n")
    assert imported_parts(file) == {"cli", "io", "__init__"}
    assert LEVEL["io"] == LEVEL["render"] < LEVEL["features"] < LEVEL["cli"]


def public_names() -> list[str]:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    return [a.asname or a.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
            if (node.module or "").startswith("gsseg.") for a in node.names]  # fmt: skip


def test_the_front_door_is_open():
    wanted = {"load_scene", "blend_weights", "train", "TrainConfig", "Run", "Selection", "BlendWeights", "InputError"}
    assert wanted <= set(public_names())


@pytest.mark.parametrize("name", public_names())
def test_every_public_name_is_documented(name):
    value = getattr(gsseg, name)
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        assert name == "__version__" or name.isupper() or name[0].isupper()
        return
    # A dataclass without a docstring is given its signature as one.
    text = inspect.getdoc(value) or ""
    assert len(text.split()) >= 4
    assert not text.startswith(f"{name}(")
    if inspect.isclass(value):
        methods = [m for key, m in vars(value).items() if not key.startswith("_") and inspect.isfunction(m)]
        assert [method.__name__ for method in methods if not inspect.getdoc(method)] == []


def test_only_one_command_starts_the_viewer():
    importing = {path.name for path in FILES if "gsseg_viewer" in path.read_text(encoding="utf-8")}
    assert importing == {"view.py"}


def test_one_module_loads_open3d():
    importing = set()
    for path in [*FILES, *VIEWER, *(ROOT / "scripts").glob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            importing |= {path.name for module in modules if module.split(".")[0] == "open3d"}
    assert importing == {"open3d_loader.py"}


@pytest.mark.parametrize("path", [*FILES, *VIEWER], ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short_documented_and_safe(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    tree = ast.parse(text)
    assert ast.get_docstring(tree) or not text.strip()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec"), f"line {node.lineno}"
            assert node.func.id != "print" or path.parent.name == "cli", f"line {node.lineno}: the library never prints"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load":
            given = {word.arg: word.value for word in node.keywords}
            for flag, safe in (("weights_only", True), ("allow_pickle", False)):
                if flag in given:
                    assert isinstance(given[flag], ast.Constant)
                    assert given[flag].value is safe, f"line {node.lineno}"
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "torch":
                assert "weights_only" in given, f"line {node.lineno}: torch.load runs code from the file"
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"line {node.lineno}: bare except"
        if isinstance(node, ast.ImportFrom):
            assert node.module != "__future__", "jaxtyping needs real annotations"
            if (node.module or "").startswith("safetensors"):
                assert "save_file" not in {alias.name for alias in node.names}, "its errors do not tell a full disk"
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = {getattr(node, "module", None), *(alias.name for alias in node.names)}
            assert not modules & {"dill", "joblib", "cloudpickle", "marshal", "shelve"}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pickle":
            assert node.attr == "UnpicklingError", f"line {node.lineno}"


def readme_commands() -> list[list[str]]:
    """Words of every ``gsseg ...`` and ``make ...`` line in the README's code blocks."""
    readme = ROOT / "README.md"
    if not readme.is_file():
        return []
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", readme.read_text(encoding="utf-8"), re.S | re.M)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if re.match(r"(gsseg|make) [a-z]", line)]


def test_the_commands_of_the_readme_exist():
    commands = readme_commands()
    if not commands:
        pytest.skip("README.md shows no commands yet")
    from gsseg.cli.main import COMMANDS

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8") if (ROOT / "Makefile").is_file() else ""
    for words in commands:
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", makefile, re.M), words
        else:
            assert words[1] in COMMANDS, words
