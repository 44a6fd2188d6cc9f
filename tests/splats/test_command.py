"""``gsseg splats``: what it leaves behind, how it goes on, and what it says of bad input."""

import json
from pathlib import Path

import numpy as np
import pytest

from gsseg.cli import main
from gsseg.io.splat_formats import read_splats
from gsseg.splats import SplatTrainer

FAST = ["--iterations", "40", "--max-gaussians", "80", "--test-every", "4"]


def splats(scene: Path, *more: str) -> int:
    return main(["splats", "-s", str(scene), *FAST, *more])


def test_splats_report_and_preview(ball: Path, capsys: pytest.CaptureFixture):
    before = {path.name for path in ball.iterdir()}
    assert splats(ball, "--json") == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {path.name for path in ball.iterdir()} - before == {"splats.ply", "splats.html", "splats.png"}
    gaussians = read_splats(ball / "splats.ply").gaussians
    assert len(gaussians) == said["gaussians"] <= 80
    assert gaussians.sh_degree == 1
    assert said["photos"] == {"train": 6, "test": 3}
    page = (ball / "splats.html").read_text()
    assert page.count("data:image/jpeg") == 9
    assert "http" not in page.replace("http-equiv", "")
    assert splats(ball) == 2  # what is there is not replaced unasked
    assert "--overwrite" in capsys.readouterr().err
    assert main(["info", str(ball)]) == 0


def test_an_interrupt_leaves_splats_and_going_on_gives_the_same(
    ball: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    assert splats(ball, "--out", str(tmp_path / "whole.ply")) == 0
    step = SplatTrainer.step

    def interrupted(self: SplatTrainer, budget: float | None = None) -> None:
        if self.steps == 25:
            raise KeyboardInterrupt
        step(self, budget)

    with monkeypatch.context() as patch:
        patch.setattr("gsseg.cli.splats.SAVE_SECONDS", 0.0)
        patch.setattr(SplatTrainer, "step", interrupted)
        assert splats(ball) == 130
    said = capsys.readouterr()
    assert "stopped after 25 steps" in said.out
    assert "--resume" in said.err
    assert len(read_splats(ball / "splats.ply").gaussians) >= 60
    assert splats(ball, "--resume") == 0
    assert (ball / "splats.ply").read_bytes() == (tmp_path / "whole.ply").read_bytes()
    assert not list(ball.glob("*.safetensors"))


def test_frozen_points_keep_their_order(ball: Path):
    assert splats(ball, "--freeze-points") == 0
    from gsseg.io.sparse_points import read_points

    points = read_points(ball, ball / "sparse_pc.ply", ball / "splats.ply")[0][0]
    assert np.allclose(read_splats(ball / "splats.ply").gaussians.means.numpy(), points)


def cut_photo(scene: Path) -> None:
    path = scene / "images" / "03.png"
    path.write_bytes(path.read_bytes()[:-900])


def other_size(scene: Path) -> None:
    from PIL import Image

    Image.new("RGB", (90, 20)).save(scene / "images" / "03.png")


def lost_poses(scene: Path) -> None:
    meta = json.loads((scene / "transforms.json").read_text())
    for frame in meta["frames"]:
        frame["transform_matrix"][0][3] = float("nan")
    (scene / "transforms.json").write_text(json.dumps(meta))


def no_points(scene: Path) -> None:
    (scene / "sparse_pc.ply").write_bytes(b"ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nend_header\n")


@pytest.mark.parametrize("spoil", [cut_photo, other_size, lost_poses, no_points])
def test_bad_scenes_end_in_one_line_and_leave_nothing(ball: Path, capsys: pytest.CaptureFixture, spoil):
    spoil(ball)
    before = sorted(ball.rglob("*"))
    assert splats(ball) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("gsseg: error: ")
    assert sorted(ball.rglob("*")) == before


def test_a_place_that_cannot_be_written_to(ball: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    (tmp_path / "file").write_text("no folder")
    assert splats(ball, "--out", str(tmp_path / "file" / "splats.ply")) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "wrong", [["--time-budget", "0"], ["--test-every", "-1"], ["--out", "x.splat"], ["--sh-degree", "9"]]
)
def test_wrong_options(ball: Path, capsys: pytest.CaptureFixture, wrong: list[str]):
    assert splats(ball, *wrong) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (ball / "splats.ply").exists()
