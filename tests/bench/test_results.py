"""Results go to JSON and back, ratios are of the least seconds, and the loop takes turns."""

import json

import pytest

from gsseg.bench import timing
from gsseg.bench.results import Figure, Machine, Part, Ratio, Result
from gsseg.bench.timing import interleaved, no_progress

MACHINE = Machine(cores=2, processor="x86_64", python="3.11", torch="2.4", gsseg="0.1")

FULL = Part(
    "1000 Gaussians",
    {"views": 4, "pixels a view": 307_200},
    (Figure("W of a view", 0.1, 0.3), Figure('a step, "quoted"', 1e-7, 123.456)),
    (Ratio("rasterizer / W", 1 / 3),),
    {"recall@10": 0.1 + 0.2},
)
EMPTY = Part("nothing was measured", {}, (), (), {})


@pytest.mark.parametrize("parts", [(), (EMPTY,), (FULL, EMPTY), (EMPTY, FULL)])
def test_json_gives_back_what_it_was_given(parts):
    result = Result(MACHINE, parts, 987.6)
    assert Result.from_json(json.loads(json.dumps(result.to_json()))) == result
    for part in parts:
        assert result.part(part.name) == part
    assert result.part("no such part") is None


def test_what_is_missing_in_a_file_is_named():
    found = Result(MACHINE, (Part("a", {}, (), (), {}),), 1.0).to_json()
    del found["parts"]["a"]["ratios"]
    with pytest.raises(KeyError, match="ratios"):
        Result.from_json(found)


def test_figures_are_least_and_median_and_ratios_of_the_least():
    slow, fast = Figure.of("slow", [3.0, 2.0, 9.0]), Figure.of("fast", [0.5, 1.0])
    assert (slow.minimum, slow.median) == (2.0, 3.0)
    assert (fast.minimum, fast.median) == (0.5, 0.75)
    assert Ratio.of("slow / fast", slow, fast) == Ratio("slow / fast", 4.0)


@pytest.mark.parametrize("once", [True, False])
def test_runs_take_turns(once, monkeypatch):
    monkeypatch.setattr(timing, "SPAN", 0.0)
    done, told = [], []
    runs = {name: lambda name=name: done.append(name) for name in "abc"}
    figures = interleaved(runs, 3, "stage", lambda *event: told.append(event), once)
    assert done == list("abc") * (3 if once else 4)
    assert told == [("stage", i, 3) for i in range(4)]
    assert list(figures) == list("abc")
    assert all(figure.name == name for name, figure in figures.items())


def test_short_runs_are_called_for_the_span_and_their_mean_taken(monkeypatch):
    clock = iter([0.0, 0.1, 0.25, 0.35])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    calls = []
    figures = interleaved({"a": lambda: calls.append(1)}, 1, "stage", no_progress)
    assert len(calls) == 1 + 3
    assert figures["a"].minimum == pytest.approx(0.35 / 3)


def test_nobody_needs_to_be_told():
    assert interleaved({"a": lambda: None}, 1, "stage", no_progress)["a"].minimum >= 0
