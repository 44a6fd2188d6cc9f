"""Lists of scenes: what stands in them, in which order it is done, and what is refused."""

import json

import pytest

from gsseg.batch.plan import STAGES, BatchPlan
from gsseg.batch.records import keys_of
from gsseg.errors import InputError


def plan(tmp_path, text):
    (tmp_path / "list.yaml").write_text(text)
    return BatchPlan.read(tmp_path / "list.yaml", tmp_path / "out dir")


def test_a_list_becomes_command_lines(tmp_path):
    found = plan(
        tmp_path,
        """
        scenes: {one: {raw: "/data/with space"}, two: {raw: b}}
        values: {more: 3}
        eval: {lerf: "-m {run} --gt {scene}/gt", click: "-m {run} --json '{\\"a\\": 1}'"}
        train: -s {scene} -m {run} --steps {more}
        prepare: lerf {raw} {scene}
        gpus: {train: 1}
        cpus: {eval: 2}
        """,
    )
    out = tmp_path / "out dir"
    steps = found.scenes["one"]
    assert found.folder == tmp_path
    assert [step.label for step in steps] == ["prepare", "train", "eval-lerf", "eval-click"]
    assert steps[0].words == ("prepare", "lerf", "/data/with space", f"{out}/one/scene")
    assert steps[1].words == ("train", "-s", f"{out}/one/scene", "-m", f"{out}/one/run", "--steps", "3")
    assert steps[3].words == ("eval", "-m", f"{out}/one/run", "--json", '{"a": 1}')
    assert [(step.cpus, step.gpus) for step in steps] == [(1, 0), (1, 1), (2, None), (2, None)]
    assert found.scenes["two"][0].words[2] == "b"
    assert list(found.scenes) == ["one", "two"]


def test_stages_that_a_gpu_makes_faster_take_one_unless_they_say_otherwise(tmp_path):
    text = """
        scenes: [a]
        prepare: x
        splats: -s {scene} --device cpu
        masks: --device=cpu
        train: --device cuda
        eval: {one: x, two: --device cpu}
        compress: x
        gpus: {compress: 0, train: 2}
        """
    steps = plan(tmp_path, text).scenes["a"]
    assert {step.label: step.gpus for step in steps} == {
        "prepare": 0, "splats": 0, "masks": 0, "train": 2, "compress": 0, "eval-one": None, "eval-two": 0
    }  # fmt: skip


def test_stages_come_in_the_order_of_the_work_and_json_is_a_list_too(tmp_path):
    value = {"scenes": ["a"], **dict.fromkeys(reversed(STAGES), "{name}")}
    found = plan(tmp_path, json.dumps(value))
    assert [step.stage for step in found.scenes["a"]] == list(STAGES)


def test_keys_tell_a_step_and_all_before_it(tmp_path):
    text = "scenes: [a]\nprepare: x\ntrain: y\neval: z\n"
    before = keys_of(plan(tmp_path, text).scenes["a"])
    after = keys_of(plan(tmp_path, text.replace("y", "w")).scenes["a"])
    assert len(set(before)) == 3
    assert [one == two for one, two in zip(before, after, strict=True)] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a]", "no table of names and values"),
        ("scenes: [a]", "has 0 stages"),
        ("train: x", "no list of 1 to"),
        ("scenes: []\ntrain: x", "no list of 1 to"),
        ("scenes: [a, a]\ntrain: x", "names a scene twice"),
        ("scenes: {a: , A: }\ntrain: x", "differ in case alone"),
        ("scenes: [../a]\ntrain: x", "no list of 1 to"),
        ("scenes: {../a: {}}\ntrain: x", "has the scene '../a'"),
        ("scenes: {.a: {}}\ntrain: x", "has the scene '.a'"),
        ("scenes: [a]\ntrain: [x]", "has no text of options as train"),
        ("scenes: [a]\neval: {}", "under eval"),
        ("scenes: [a]\neval: {a/b: x}", "under eval"),
        ("scenes: [a]\ntrain: '{raw}'", r"uses \{raw\} in train, which has no value"),
        ("scenes: [a]\nvalues: {run: x}\ntrain: x", r"sets \{run\}"),
        ("scenes: [a]\nvalues: {raw: [x]}\ntrain: x", "no texts or numbers"),
        ('scenes: [a]\ntrain: "\'x"', "cannot be read"),
        ("scenes: [a]\ntrain: x\ngpus: {train: -1}", "gpus that are no numbers"),
        ("scenes: [a]\ntrain: x\ngpus: {train: 1.5}", "gpus of train: 1.5"),
        ("scenes: [a]\ntrain: x\ncpus: {paint: 1}", "cpus that are no numbers"),
        ("scenes: [a]\ntrain: x\nrm: y", "has 'rm', which is none of"),
        ('scenes: [a]\nvalues: {raw: "\\0"}\ntrain: x', "zero byte"),
    ],
)
def test_lists_that_are_none(tmp_path, text, problem):
    with pytest.raises(InputError, match=problem):
        plan(tmp_path, text)
