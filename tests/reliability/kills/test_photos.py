"""``gsseg splats`` and ``gsseg poses``, whose results come of photos: signals at a chosen moment, disks that refuse.

Each file of splats is the earlier one or the new one, whole, and while training is not done a checkpoint says so, from
which ``--resume`` ends in the same bytes. A SCENE of poses is there whole or not at all.
"""

import errno
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from gsseg_kills_jobs import hidden
from gsseg_kills_processes import Server
from gsseg_kills_saboteur import Died, Failure, Saboteur

from gsseg.cli import main
from gsseg.io.splat_formats import read_splats
from tests.poses.conftest import photograph_corner
from tests.splats.conftest import write_ball

STEPS = ["--iterations", "30", "--max-gaussians", "70", "--test-every", "4", "--quiet"]
WRITTEN = {"splats.ply", "splats.html", "splats.png"}
CHECKPOINT = "splats.checkpoint.safetensors"
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos, cameras and points."""
    return write_ball(tmp_path_factory.mktemp("photos") / "ball")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of one place, without cameras."""
    folder = tmp_path_factory.mktemp("photos") / "corner"
    photograph_corner(folder, views=4, seed=0)
    return folder


@pytest.fixture(scope="module")
def whole(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an undisturbed training writes, by name."""
    place = tmp_path_factory.mktemp("whole")
    assert learn(scene, place) == 0
    return made(place)


def command(scene: Path, place: Path) -> list[str]:
    return ["splats", "-s", str(scene), "--out", str(place / "splats.ply"), *STEPS]


def learn(scene: Path, place: Path, *more: str) -> int:
    return main([*command(scene, place), *more])


def made(place: Path) -> dict[str, bytes]:
    """Every file by name, but for what the page says of the time that training took."""
    found = {path.name: path.read_bytes() for path in sorted(place.iterdir())}
    return {name: b"" if name.endswith(".html") else content for name, content in found.items()}


@pytest.mark.parametrize(("number", "status"), SIGNALS)
@pytest.mark.parametrize("at", ["gsseg.cli.splats.load_splat_scene", "gsseg.cli.splats.score_views"])
def test_a_signal_leaves_splats_that_go_on_to_the_same(
    scene: Path, whole: dict[str, bytes], server: Server, tmp_path: Path, number: int, status: int, at: str
) -> None:
    place, signs = tmp_path / "place", tmp_path / "signs"
    place.mkdir()
    signs.mkdir()
    with server.holding(at, signs, *command(scene, place)) as held:
        os.kill(held.process, number)
        ended = held.end(go_on=False)
    assert ended.status == status, ended.err
    assert ended.err.count("\n") == (number == signal.SIGINT)
    learnt = {"splats.ply", CHECKPOINT} if at.endswith("score_views") else set()
    assert set(made(place)) == learnt
    assert learn(scene, place, "--resume") == 0
    assert made(place) == whole


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_in_the_middle_of_training(
    scene: Path, whole: dict[str, bytes], server: Server, tmp_path: Path, number: int, status: int
) -> None:
    place, signs = tmp_path / "place", tmp_path / "signs"
    place.mkdir()
    signs.mkdir()
    with server.holding("gsseg.splats.loop.SplatTrainer.step", signs, *command(scene, place)) as held:
        os.kill(held.process, number)
        ended = held.end(go_on=False)
    assert ended.status == status, ended.err
    assert len(read_splats(place / "splats.ply").gaussians) == 70  # given and found points: no step was taken
    assert set(made(place)) == {"splats.ply", CHECKPOINT}
    assert learn(scene, place, "--resume") == 0
    assert made(place) == whole


@pytest.mark.parametrize("earlier", [False, True])
def test_splats_on_a_disk_that_fails(
    scene: Path,
    whole: dict[str, bytes],
    saboteur: Saboteur,
    points: int,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    earlier: bool,
) -> None:
    """At every operation: refused once, refused from there on, or the end of the process."""
    before = {name: b"earlier" for name in WRITTEN} if earlier else {}
    first, more = tmp_path / "first", ["--overwrite"] if earlier else []
    put(first, before)
    with saboteur.at_work(first):
        assert learn(scene, first, *more) == 0
    operations = saboteur.step
    assert operations > 8
    assert made(first) == whole
    chosen = range(1, operations + 1) if points == sys.maxsize else (2, operations // 2, operations)
    capfd.readouterr()
    refused = 0
    for row, at in enumerate(chosen):
        kind = ("refused once", "dies", "refused from there on")[row % 3]
        place = tmp_path / f"place {at}"
        put(place, before)
        status = None
        with saboteur.at_work(place, Failure(at, kind, (errno.ENOSPC, errno.EIO)[row % 2])):
            try:
                status = learn(scene, place, *more)
            except Died:
                assert kind == "dies"
        said, found = capfd.readouterr().err, made(place)
        assert status in (None, 0, 2)
        if status == 0:  # what was refused is not needed, or was tried again
            assert found == whole, (at, kind)
        if status == 2:
            assert said.startswith("gsseg: error: ")
            assert said.count("\n") == 1
            refused += 1
        if kind == "refused once":
            assert hidden(place) == []
        for name in WRITTEN & set(found):
            assert found[name] in (whole[name], b"" if name.endswith("html") else before.get(name)), (at, kind, name)
        assert learn(scene, place, "--resume", *more) == 0, capfd.readouterr().err
        assert made(place) == whole, (at, kind)
        shutil.rmtree(place)
    assert refused


@pytest.mark.parametrize(("number", "status"), SIGNALS)
@pytest.mark.parametrize("at", ["extract_features", "map_photos", "summarize"])
def test_a_signal_leaves_no_scene(
    photos: Path, server: Server, tmp_path: Path, number: int, status: int, at: str
) -> None:
    place, signs = tmp_path / "place", tmp_path / "signs"
    place.mkdir()
    signs.mkdir()
    with server.holding(f"gsseg.poses.estimate.{at}", signs, "poses", photos, place / "scene", "--quiet") as held:
        os.kill(held.process, number)
        ended = held.end(go_on=False)
    assert ended.status == status, ended.err
    assert ended.err.count("\n") == (number == signal.SIGINT)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("largest", [0, 20_000])
def test_poses_on_a_disk_that_takes_no_more(photos: Path, server: Server, tmp_path: Path, largest: int) -> None:
    """RLIMIT_FSIZE stops COLMAP's own writes, too, which no Python sees."""
    ended = server.command("poses", photos, tmp_path / "scene", "--quiet", largest=largest)
    assert ended.status == 2, ended.err
    assert ended.err.startswith("gsseg: error: ")
    assert ended.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def put(place: Path, files: dict[str, bytes]) -> None:
    place.mkdir()
    for name, content in files.items():
        (place / name).write_bytes(content)
