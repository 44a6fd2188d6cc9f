"""Nobody is told to type what does not exist: every ``gsseg COMMAND --option`` in messages and documents is real."""

import ast
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from gsseg.cli import main
from gsseg.cli.main import COMMANDS, USAGE

ROOT = Path(__file__).parents[1]
CODE = sorted([*(ROOT / "gsseg").rglob("*.py"), *(ROOT / "viewer").rglob("*.py"), *(ROOT / "scripts").glob("*.py")])
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "data").glob("*.md"), ROOT / "Makefile"]
)

PROSE = """and are at beside can computes does for from has holds in into is itself keeps needs of on or reads takes
that the to turns under where which with without writes"""
"""Words that follow gsseg, the project, in a sentence. A new one is added here; a command never is."""

SIGNATURES = {
    "gsseg scene",
    "gsseg confidence",
    "gsseg viewer",
    "gsseg viewer edits",
    "gsseg viewer judgements",
    "gsseg binary codes 1",
}
"""What files of gsseg begin with."""

NAMED = re.compile(r"(?<![.\w])gsseg ([a-z]+)\b(?![\[(/])")
"""gsseg and a word: a command, or a sentence; scene.gsseg is a file."""

REST = re.compile(r"[^\n`;\"'()#|]*?(?=\n|`|;|\"|'|\(|\)|#|\||, |\. |: |\bgsseg |$)")
"""What belongs to a command that a text names: up to the end of the line, the quotation or the part of the sentence."""

OPTION = re.compile(r"(?<![\w.-])(?:--[a-zA-Z][\w.-]*\w|-[a-zA-Z]\b)")


@cache
def help_of(command: str) -> str:
    said = StringIO()
    with redirect_stdout(said):
        assert main([command, "--help"]) == 0
    return said.getvalue()


@cache
def options_of(command: str) -> frozenset[str]:
    lines = [line.strip("│ ") for line in help_of(command).splitlines()]
    listed = [line.split("  ")[0] for line in lines if re.match(r"--?\w", line)]
    return frozenset(option for line in listed for option in OPTION.findall(line))


def strings_of(tree: ast.AST) -> Iterator[str]:
    """All texts in a program; what an f-string puts in is an X. Lists of words are joined where one is gsseg."""
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "X" for part in node.values]
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value
        elif isinstance(node, ast.List):
            words = [word.value if isinstance(word, ast.Constant) else "X" for word in node.elts]
            if "gsseg" in words:
                yield " ".join(map(str, words[words.index("gsseg") :]))


def wrong_in(text: str) -> list[str]:
    """The commands, and the options of commands, that a text names and that do not exist."""
    wrong = []
    if text in SIGNATURES:
        return wrong
    for found in NAMED.finditer(text):
        command = found[1]
        if command in COMMANDS:
            rest = REST.match(text, found.end())
            named = OPTION.findall(rest[0]) if rest else []
            wrong += [f"gsseg {command} {each}" for each in named if each not in options_of(command)]
        elif command not in PROSE.split():
            wrong.append(f"gsseg {command}")
    return wrong


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_messages_name_what_exists(path: Path) -> None:
    texts = strings_of(ast.parse(path.read_text(encoding="utf-8")))
    assert [wrong for text in texts for wrong in wrong_in(text)] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_what_exists(path: Path) -> None:
    assert wrong_in(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_what_exists(command: str) -> None:
    assert {"--help", "--quiet", "--json"} <= options_of(command)
    assert wrong_in(re.sub(r"[│\s]+", " ", help_of(command))) == []


def test_the_list_of_commands_names_what_exists() -> None:
    assert wrong_in(USAGE) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("make some with 'gsseg paint' or give --masks DIR", ["gsseg paint"]),
        ("`gsseg paint`", ["gsseg paint"]),
        ("gsseg train -s SCENE -m RUN --resume   # --nothing", []),
        ("gsseg train -s SCENE --resumee", ["gsseg train --resumee"]),
        ("run gsseg query -m RUN -x", ["gsseg query -x"]),
        ("`gsseg train --config.codebook.fine 5` and --nonsense", []),
        ("`--config.codebook.finer` of gsseg train --config.codebook.finer", ["gsseg train --config.codebook.finer"]),
        ("gsseg keeps it; gsseg view --port 0", []),
        ("make it: gsseg compress -m X --clip MODEL. gsseg eval --text", ["gsseg eval --text"]),
        ("pip install 'gsseg[viewer]' and gsseg.train", []),
    ],
)
def test_the_rule_would_notice(text: str, wrong: list[str]) -> None:
    assert wrong_in(text) == wrong


def test_texts_are_found_in_programs() -> None:
    program = 'x = f"gsseg train -m {run} --resume"\ny = [sys.executable, "-m", "gsseg", "export", str(a)]\nz = "a" "b"'
    assert {"gsseg train -m X --resume", "gsseg export X", "ab"} <= set(strings_of(ast.parse(program)))
