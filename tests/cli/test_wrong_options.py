"""A wrong command line is one line on stderr that names the option, what is wrong with it and where help is."""

import json
from pathlib import Path

import pytest

import gsseg.cli.train
from gsseg.cli import main
from gsseg.cli.command import parse_command
from gsseg.cli.main import COMMANDS
from gsseg.cli.wrong_options import in_one_line
from gsseg.errors import InputError
from gsseg.run import Run

REQUIRED = {
    "demo": [],
    "train": ["-s", "S", "-m", "R"],
    "compress": ["-m", "R"],
    "export": ["-m", "R", "--out", "E"],
    "view": ["-m", "R"],
    "eval": ["--gt", "G"],
    "query": ["-m", "R"],
    "info": ["PATH"],
    "bench": [],
    "prepare": ["scannet", "RAW", "OUT"],
    "poses": ["PHOTOS", "SCENE"],
    "splats": ["-s", "S"],
    "masks": ["-s", "S"],
    "name": ["-m", "R", "--words", "W"],
    "batch": ["LIST"],
    "update": ["-m", "R", "F"],
}
"""What each command cannot do without."""

CALLED = {"prepare": "prepare scannet"}
"""How messages call a command that has several kinds."""


def test_every_command_is_tested():
    assert REQUIRED.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option(command, refusal):
    name = CALLED.get(command, command)
    line = refusal(command, *REQUIRED[command], "--nonsense", "7")
    assert line == f"gsseg: error: --nonsense: no option of gsseg {name}; see gsseg {name} --help\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_word_too_many(command, refusal):
    name = CALLED.get(command, command)
    line = refusal(command, *REQUIRED[command], "--quiet", "surplus")
    assert line == f"gsseg: error: surplus: no option of gsseg {name}; see gsseg {name} --help\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_flag_with_a_value(command, refusal):
    name = CALLED.get(command, command)
    line = refusal(command, *REQUIRED[command], "--quiet=yes")
    assert line == f"gsseg: error: --quiet: takes no value, is given 'yes'; see gsseg {name} --help\n"


@pytest.mark.parametrize("command", [name for name, words in REQUIRED.items() if words])
def test_what_is_required_is_missing(command, refusal):
    line = refusal(command)
    assert line.endswith(f": missing; see gsseg {command} --help\n")
    assert all(word in line for word in REQUIRED[command] if word.startswith("-"))


@pytest.mark.parametrize("command", [name for name, words in REQUIRED.items() if words])
def test_an_unknown_option_is_named_before_what_is_missing(command, refusal):
    assert refusal(command, "--nonsense").startswith(f"gsseg: error: --nonsense: no option of gsseg {command}; ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("train --config.features.stepss 3", "--config.features.stepss: no option of gsseg train; did you mean "
         "--config.features.steps? see gsseg train --help"),
        ("train --seed 1.5", "--seed: '1.5' is no whole number; give --seed INT, see gsseg train --help"),
        ("train --config.render.near-plane x", "--config.render.near-plane: 'x' is no number; "
         "give --config.render.near-plane FLOAT, see gsseg train --help"),
        ("train -r", "-r/--downscale: lacks a value, takes 1; see gsseg train --help"),
        ("train --preset room", "--preset: is 'room', must be one of default, lerf, scannet, opengaussian; "
         "see gsseg train --help"),
        ("train --preset", "--preset: lacks a value, takes 1; see gsseg train --help"),
        ("train --config.codebook.coarse 0", "--config.codebook.coarse: is 0, must be at least 1; "
         "see gsseg train --help"),
        ("train --config.codebook.fine 257", "--config.codebook: coarse * fine: is 256 * 257 codes, "
         "must be at most 65535; see gsseg train --help"),
        ("train --preset scannet --config.codebook.coarse 20000", "--config.codebook: coarse * fine: "
         "is 20000 * 5 codes, must be at most 65535; see gsseg train --help"),
        ("train --config.features.learning-rate nan", "--config.features.learning-rate: is nan, "
         "must be a finite number; see gsseg train --help"),
        ("train --config.objects.grouping.odds.same 1", "--config.objects.grouping.odds.same: is 1.0, "
         "must be below 1; see gsseg train --help"),
        ("train --memory-budget -1", "--memory-budget: is -1, must be at least 0; see gsseg train --help"),
        ("train --pixels-per-view -5", "--pixels-per-view: is -5, must be at least 0; see gsseg train --help"),
        ("train --seed -1", "--seed: is -1, must be at least 0; see gsseg train --help"),
        ("train --config.seed 1", "--config.seed: no option of gsseg train; see gsseg train --help"),
        ("query --point 1 2", "--point: cannot be made of '1', '2'; give --point X Y Z, see gsseg query --help"),
        ("query --point a b c", "--point: cannot be made of 'a', 'b', 'c'; give --point X Y Z, see gsseg query --help"),
        ("export --objects 1 x", "--objects: cannot be made of '1', 'x'; give --objects ID ..., "
         "see gsseg export --help"),
        ("compress --levels many", "--levels: 'many' is no whole number; give --levels INT, see gsseg compress --help"),
        ("view --port", "--port: lacks a value, takes 1; see gsseg view --help"),
        ("eval --protocol nerf", "--protocol: is 'nerf', must be one of click, scannet, scannet-instance, lerf, "
         "lerf-mask; see gsseg eval --help"),
        ("demo --device gpu", "--device: is 'gpu', must be one of auto, cpu, cuda; see gsseg demo --help"),
        ("bench --parts x", "--parts: "),
    ],
)  # fmt: skip
def test_wrong_values(words, says, refusal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command, *more = words.split()
    assert refusal(command, *REQUIRED[command], *more).startswith(f"gsseg: error: {says}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("width", ["1", "40", "80", "500"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_line_does_not_depend_on_the_terminal(width, encoding, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", width)
    option = "--" + "a-long-name-of-an-option-that-is-not-there-" * 5
    reconfigure = gsseg.cli.stdout.sys.stdout.reconfigure
    reconfigure(encoding=encoding)
    assert main(["train", *REQUIRED["train"], option]) == 2
    reconfigure(encoding="utf-8")
    assert capfd.readouterr().err.startswith(f"gsseg: error: {option}: no option of gsseg train; ")


def test_nothing_to_measure(refusal):
    assert refusal("bench", "--parts") == (
        "gsseg: error: --parts: names nothing to measure; give weights, quantizers or splats\n"
    )


def test_without_a_command(refusal):
    assert refusal() == "gsseg: error: gsseg: needs a command; see gsseg --help\n"
    assert refusal("--nonsense") == "gsseg: error: --nonsense: is no option of gsseg itself; see gsseg --help\n"
    assert refusal("paint") == "gsseg: error: paint: is no command of gsseg; see gsseg --help\n"


def test_a_box_of_an_unknown_kind_is_one_line_too(capfd):
    import sys

    def parse(args):
        box = ["╭─ News ────╮", "│ Something │", "│ is wrong  │", "│ ───────── │", "│ and more  │", "╰───────────╯"]
        print(*box, sep="\n", file=sys.stderr)
        raise SystemExit(2)

    with pytest.raises(InputError, match=r"^gsseg train: Something is wrong; see gsseg train --help$"):
        in_one_line("gsseg train", [], parse)

    def silent(args):
        raise SystemExit(2)

    with pytest.raises(InputError, match=r"^gsseg train: .*; see gsseg train --help$"):
        in_one_line("gsseg train", [], silent)
    assert capfd.readouterr().err == ""


def test_help_is_not_an_error(capfd):
    with pytest.raises(SystemExit) as caught:
        parse_command("train", gsseg.cli.train.Train, ["--help"])
    assert caught.value.code == 0
    out, err = capfd.readouterr()
    assert "--config.codebook.coarse" in out
    assert err == ""


def test_a_file_that_is_nested_too_deeply(finished_run, refusal):
    (finished_run.parent / "deep").mkdir(exist_ok=True)
    deep = finished_run.parent / "deep" / "transforms.json"
    deep.write_text("[" * 200_000)
    line = refusal("info", deep.parent)
    assert "deep" in line.split(": ")[2]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_more_memory_than_there_is(finished_run, monkeypatch, refusal, error):
    def too_much(*args):
        raise error

    monkeypatch.setattr(Run, "open", too_much)
    line = refusal("query", "-m", finished_run, "--point", "0", "0", "0")
    assert line.startswith(f"gsseg: error: {finished_run}: needs more memory than there is; ")


def test_a_recursion_that_no_file_is_to_blame_for_is_a_bug(finished_run, monkeypatch):
    def endless(*args):
        return endless(*args)

    monkeypatch.setattr(Run, "open", endless)
    with pytest.raises(RecursionError):
        main(["query", "-m", str(finished_run), "--point", "0", "0", "0"])


def test_a_reader_that_recurses_is_not(finished_run, monkeypatch, refusal):
    monkeypatch.setattr(Run, "open", lambda *args: json.loads("[" * 200_000))
    line = refusal("query", "-m", finished_run, "--point", "0", "0", "0")
    assert line.startswith(f"gsseg: error: {finished_run}: a file in it is nested too deeply to be read; ")
    assert Path(finished_run).is_dir()
