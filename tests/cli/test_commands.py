"""Every command end to end on a scene of two things: what it answers, what it writes, what it leaves alone."""

import json
import re
import subprocess
import sys
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from gsseg.cli import main
from gsseg.cli.main import COMMANDS
from gsseg.cli.train import parse as parse_train
from gsseg.config import TrainConfig, preset
from gsseg.render import RenderConfig
from gsseg.run import Run
from gsseg.splats import SplatTrainer


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def in_shell():
    """Runs the real command line in a process of its own."""

    def run(*args: object) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-m", "gsseg", *map(str, args)], capture_output=True, text=True)

    return run


def test_help_is_instant_and_lists_every_command(in_shell):
    done = in_shell("--help")
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    # What takes seconds to import must not be needed for it. (A time limit would test the machine.)
    code = "import sys, gsseg.cli; gsseg.cli.main(['--help'])"
    code += "; sys.exit(bool({'torch', 'numba', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_help_explains_every_option(name, capfd):
    assert main([name, "--help"]) == 0
    text = capfd.readouterr().out
    assert f"usage: gsseg {name}" in text
    assert "--json" in text
    assert "--quiet" in text


def test_wrong_arguments_are_status_2(capfd):
    for args in ([], ["nonsense"], ["train"], ["train", "--presett", "x"], ["train", "--preset", "x"], ["--nonsense"]):
        assert main(args) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert err
    assert main(["--version"]) == 0


def options_of(config, prefix):
    """Every field of a configuration and of its parts as an option, in the order of the fields."""
    for each in fields(config):
        value = getattr(config, each.name)
        option = f"{prefix}.{each.name}".replace("_", "-")
        yield from options_of(value, option) if is_dataclass(value) else [option]


def test_every_setting_of_training_has_an_option(capfd):
    assert main(["train", "--help"]) == 0
    text = capfd.readouterr().out
    short = {"--config." + name: f"--{name}" for name in ("pixels-per-view", "seed")}
    short["--config.memory-budget-mb"] = "--memory-budget"
    expected = [*options_of(TrainConfig(), "--config"), *options_of(RenderConfig(), "--config.render")]
    assert len(expected) > 20
    for option in expected:
        name = short.get(option, option)
        assert re.search(rf"^│ (-\w \w+, )?{re.escape(name)}\s", text, re.M), name
    assert not any(long in text for long in short)


def test_options_override_the_preset():
    given = ["-s", "S", "-m", "R"]
    assert asdict(parse_train(given).config) == asdict(preset("default"))
    scannet = parse_train([*given, "--preset", "scannet", "--config.features.steps", "7"])
    assert scannet.config.codebook == preset("scannet").codebook
    assert scannet.config.features.steps == 7
    # The default of another preset, given by hand, is not taken for "not given".
    fine = str(preset("default").codebook.fine)
    assert fine != preset("scannet").codebook.fine
    assert parse_train([*given, "--preset=scannet", "--config.codebook.fine", fine]).config.codebook.fine == int(fine)
    assert parse_train([*given, "--preset", "opengaussian"]).config.objective == "pixels"


def test_short_names_and_constants_of_the_rasterizer():
    words = "-s S -m R --seed 3 --pixels-per-view 64 --memory-budget 7 --config.render.antialiased"
    train = parse_train(words.split())
    assert (train.config.seed, train.config.pixels_per_view, train.config.memory_budget_mb) == (3, 64, 7)
    assert train.render == RenderConfig(antialiased=True)


def test_train_leaves_these_files(finished_run):
    assert sorted(path.name for path in finished_run.iterdir()) == sorted(
        ["cache", "codebook.safetensors", "confidence.json", "config.yaml", "features.safetensors", "log.txt",
         "metrics.json", "objects.json", "report.html", "segmented.ply", "thumbnails"]
    )  # fmt: skip


def test_train_says_what_came_out(two_things, tmp_path, capfd):
    run, before = tmp_path / "run", contents(two_things)
    assert main(["train", "-s", str(two_things), "-m", str(run), "--json"]) == 0
    out, err = capfd.readouterr()
    lines = out.splitlines()
    summary = json.loads(lines[-1])
    assert err == ""
    assert [line.split(":")[0] for line in lines[:6]] == ["read", "weights", "features", "codebook", "objects", "write"]
    assert summary["objects"] == len(Run.open(run).objects) >= 2
    assert summary["scores"]["object_iou"] > 0.8
    assert Path(summary["report"]).is_file()
    assert any("object IoU" in line for line in lines)
    assert any("gsseg export -m" in line for line in lines)
    assert contents(two_things) == before


def test_quiet_says_nothing_but_json(two_things, few_steps, tmp_path, capfd):
    run = tmp_path / "run"
    assert main(["train", "-s", str(two_things), "-m", str(run), "-r", "2", "--quiet", "--json", *few_steps]) == 0
    out, err = capfd.readouterr()
    assert (out.count("\n"), err) == (1, "")
    assert json.loads(out)["counts"]["views_with_masks"] == 5
    assert main(["info", str(run), "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")


def test_the_same_seed_gives_the_same_objects_on_any_memory_budget(finished_run, two_things, few_steps, tmp_path):
    again = ["train", "-s", str(two_things), "-m", str(tmp_path / "b"), "--seed", "0", "--quiet", *few_steps]
    assert main([*again, "--memory-budget", "1"]) == 0
    for column in ("object_ids", "code_fine", "features"):
        first, second = getattr(Run.open(finished_run), column), getattr(Run.open(tmp_path / "b"), column)
        np.testing.assert_array_equal(np.asarray(second), np.asarray(first))


def test_a_run_inside_the_scene_changes_nothing_else(small_scene, few_steps):
    before = contents(small_scene)
    assert main(["train", "-s", str(small_scene), "-m", str(small_scene / "run"), "--quiet", *few_steps]) == 0
    after = contents(small_scene)
    assert {path: blob for path, blob in after.items() if (small_scene / "run") not in path.parents} == before


def test_export_counts(finished_run, tmp_path, answer):
    run = Run.open(finished_run)
    manifest = answer("export", "-m", finished_run, "--out", tmp_path / "all")
    sizes = np.bincount(run.object_ids[run.object_ids >= 0])
    assert [entry["gaussians"] for entry in manifest["objects"]] == sizes.tolist()
    for entry in manifest["objects"]:
        assert b"element vertex %d\n" % entry["gaussians"] in (tmp_path / "all" / entry["file"]).read_bytes()
    one = answer("export", "-m", finished_run, "--out", tmp_path / "one", "--objects", 1, "--drop", 0)
    assert [entry["id"] for entry in one["objects"]] == [1]
    assert one["scene"]["gaussians"] == int((run.object_ids != 0).sum())


def test_export_of_an_object_that_is_not_there(finished_run, tmp_path, capfd):
    assert main(["export", "-m", str(finished_run), "--out", str(tmp_path / "e"), "--objects", "99"]) == 2
    assert "has no object 99" in capfd.readouterr().err
    assert not (tmp_path / "e").exists()


def test_query_a_point(finished_run, capfd, answer):
    run = Run.open(finished_run)
    for info in run.objects:
        found = answer("query", "-m", finished_run, "--point", *info.centroid)
        assert (found["id"], found["name"], found["gaussians"]) == (info.id, info.name, info.gaussians)
        assert found["codes"] == info.codes
        assert found["bbox_min"] == info.bbox_min
    assert answer("query", "-m", finished_run, "--point", -1e3, 2.5e2, 0) is None
    assert main(["query", "-m", str(finished_run), "--point", "-1e3", "0", "0"]) == 0
    assert capfd.readouterr().out == "nothing there\n"


def test_query_a_pixel(finished_run, two_things, answer):
    from gsseg.io.label_png import read_label_png

    run, ids = Run.open(finished_run), read_label_png(two_things / "gt" / "ids" / "view_2.png")
    truth = np.load(two_things / "gt" / "gaussian_instance.npy")
    for label in (1, 2):
        row, column = (int(np.median(axis)) for axis in np.nonzero(ids == label))
        assert ids[row, column] == label
        found = answer("query", "-m", finished_run, "--view", "view_2", "--pixel", column, row)
        assert found["id"] == np.bincount(run.object_ids[(truth == label - 1) & (run.object_ids >= 0)]).argmax()
        assert 0.3 <= found["weight"] <= 1
    assert answer("query", "-m", finished_run, "-s", two_things, "--view", "view_2", "--pixel", 0, 0) is None


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ([], "needs one place"),
        (["--view", "view_2"], "needs one place"),
        (["--point", "0", "0", "0", "--view", "view_2", "--pixel", "1", "1"], "needs one place"),
        (["--view", "view_9", "--pixel", "1", "1"], "has no view 'view_9'; its views are view_0"),
        (["--view", "view_2", "--pixel", "64", "1"], "is outside view view_2; it has 64 x 48 pixels"),
        (["--view", "view_2", "--pixel", "nan", "1"], "is outside view view_2"),
        (["--point", "nan", "0", "0"], "is no point"),
    ],
)
def test_query_of_no_place(finished_run, capfd, place, says):
    assert main(["query", "-m", str(finished_run), *place]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


def test_eval_agrees_with_the_scores_of_training(finished_run, two_things, capfd, answer):
    scores = answer("eval", "-m", finished_run, "--gt", two_things / "gt")
    trained = json.loads((finished_run / "metrics.json").read_text())["scores"]
    assert scores["object_iou"] == pytest.approx(trained["object_iou"], abs=1e-9)
    assert scores["view_iou"] == pytest.approx(trained["view_iou"], abs=1e-9)
    assert scores["protocol"] == "click"
    assert len(scores["by_instance"]) == 2
    assert main(["eval", "-m", str(finished_run), "--gt", str(two_things / "masks")]) == 2
    assert "holds no ground truth" in capfd.readouterr().err


def test_info(finished_run, two_things, answer):
    assert answer("info", two_things / "splats.ply")["gaussians"] == "120"
    scene = answer("info", two_things)
    assert scene["views"].startswith("6 ")
    run = answer("info", finished_run)
    assert run["objects"] == str(len(Run.open(finished_run).objects))
    assert run["object 0"].startswith("object 0: ")


def test_info_tells_what_it_can_and_what_is_wrong(small_scene, capfd):
    (small_scene / "transforms.json").write_text("{")
    assert main(["info", str(small_scene), "--json"]) == 2
    out, err = capfd.readouterr()
    assert err.startswith(f"gsseg: error: {small_scene / 'transforms.json'}: is not valid JSON")
    assert err.count("\n") == 1
    assert json.loads(out.splitlines()[-1])["gaussians"] == "40"


def test_a_real_process_trains_and_fails_alike(in_shell, small_scene, tmp_path):
    done = in_shell("train", "-s", small_scene, "-m", tmp_path / "run", "--json", "-r", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout.splitlines()[-1])["counts"]["gaussians"] == 40
    (small_scene / "splats.ply").write_bytes(b"")
    failed = in_shell("info", small_scene / "splats.ply")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith(f"gsseg: error: {small_scene / 'splats.ply'}: is empty")
    assert failed.stderr.count("\n") == 1


def test_cuda_where_there_is_none(two_things, tmp_path, capfd):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA GPU; the message for one without cannot be shown")
    assert main(["train", "-s", str(two_things), "-m", str(tmp_path / "run"), "--device", "cuda"]) == 2
    assert capfd.readouterr().err.startswith("gsseg: error: --device cuda: PyTorch finds no CUDA GPU; ")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def tiny_demo(monkeypatch):
    """The demo's room and its training are tiny from now on."""
    import gsseg.cli.demo
    from gsseg.sample import MaskNoise, RoomConfig

    def tiny(name, seed):
        assert name == "room"
        size = {"objects": 4, "gaussians": 3000, "views": 8, "test_views": 1, "width": 96, "height": 72}
        return RoomConfig(seed=seed, **size), MaskNoise()

    def short(seed):
        whole = gsseg.TrainConfig(seed=seed)
        return replace(whole, features=replace(whole.features, steps=20), codebook=replace(whole.codebook, steps=2))

    monkeypatch.setattr(gsseg.cli.demo, "preset", tiny)
    monkeypatch.setattr(gsseg.cli.demo, "TrainConfig", short)
    return gsseg.cli.demo


def refuse(*args, **more):
    raise AssertionError("it was there")


def test_demo_makes_a_room_segments_it_and_uses_it_again(tmp_path, capfd, monkeypatch, answer, tiny_demo):
    first = answer("demo", "--out", tmp_path / "demo")
    assert first["counts"]["gaussians"] == 3000
    assert 0 < first["scores"]["object_iou"] <= 1
    assert Path(first["report"]).is_file()
    ids = Run.open(first["run"]).object_ids
    monkeypatch.setattr(tiny_demo, "write_room", refuse)
    assert main(["demo", "--out", str(tmp_path / "demo")]) == 0
    out = capfd.readouterr().out
    assert f"gsseg export -m {tmp_path / 'demo' / 'run'} --out " in out
    assert "object IoU" in out
    np.testing.assert_array_equal(Run.open(first["run"]).object_ids, ids)


def test_demo_from_photos_learns_splats_and_knows_whose_they_are(tmp_path, capfd, monkeypatch, answer, tiny_demo):
    monkeypatch.setattr(tiny_demo, "STEPS", 40)
    monkeypatch.setattr(tiny_demo, "GAUSSIANS", 900)
    out = tmp_path / "demo"
    steps = SplatTrainer.step

    def interrupted(self, budget=None):
        steps(self, budget)
        if self.steps == 20:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SplatTrainer, "step", interrupted)
        assert main(["demo", "--from-photos", "--out", str(out), "--quiet"]) == 130
    assert "demo --from-photos" in capfd.readouterr().err
    assert not (out / "photos_run").exists()
    first = answer("demo", "--from-photos", "--out", out)  # goes on
    assert first["photos"]["psnr"] > 5
    truth = np.load(out / "photos" / "gt" / "gaussian_instance.npy")
    assert len(truth) == first["counts"]["gaussians"] <= 900
    assert first["scores"]["object_iou"] is not None
    assert {path.name for path in (out / "photos").glob("splats*")} == {"splats.ply", "splats.html", "splats.png"}
    for name in ("write_room", "write_shown_instances"):
        monkeypatch.setattr(tiny_demo, name, refuse)
    again = answer("demo", "--from-photos", "--out", out)
    assert again["scores"] == first["scores"]
    assert again["photos"] == first["photos"]


def test_bench_shows_the_baseline_beside_what_it_measured(capfd, monkeypatch):
    import gsseg.cli.bench
    from gsseg.bench.results import Figure, Machine, Part, Result

    def measured(seconds):
        figures = (Figure("pick", seconds, seconds),)
        machine = Machine(cores=2, processor="x86_64", python="3.11", torch="2.4", gsseg="0.1")
        parts = (Part("10 Gaussians", {"views": 4}, figures, (), {}), Part("binary", {"items": 3}, figures, (), {}))
        return Result(machine, parts, 5.0)

    monkeypatch.setattr(gsseg.cli.bench, "run_bench", lambda quick, *_: measured(0.25 if quick else 0.5))
    monkeypatch.setattr(gsseg.cli.bench, "load_baseline", lambda: measured(0.125))
    assert main(["bench", "--quick", "--json"]) == 0
    out = capfd.readouterr().out
    assert "250.00 ms" in out
    assert "125.00 ms" in out
    assert "binary: 3 items" in out
    summary = json.loads(out.splitlines()[-1])
    assert summary["parts"]["10 Gaussians"]["seconds"]["pick"]["min"] == 0.25
    assert summary["baseline"]["parts"]["10 Gaussians"]["seconds"]["pick"]["min"] == 0.125
