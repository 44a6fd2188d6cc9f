"""``gsseg view`` as a user starts it: a page on this machine, one line and status 2 for what is wrong."""

import http.client
import importlib.util
import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from gsseg.cli import main
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.run.layout import SEGMENTED

INSTALLED = importlib.util.find_spec("gsseg_viewer") is not None and importlib.util.find_spec("viser") is not None
needs_viewer = pytest.mark.skipif(not INSTALLED, reason="gsseg_viewer or viser is not installed: pip install .")


@pytest.fixture
def start() -> Iterator[Callable[..., tuple[subprocess.Popen, list[str], dict]]]:
    """A function (arguments) -> process, what it said, and its summary; all are ended afterwards."""
    running = []

    def run(*args: object) -> tuple[subprocess.Popen, list[str], dict]:
        command = [sys.executable, "-m", "gsseg", "view", *map(str, args), "--port", "0", "--json"]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        said: list[str] = []
        for line in running[-1].stdout:
            if line.startswith("{"):
                return running[-1], said, json.loads(line)
            said.append(line.strip())
        raise AssertionError(f"it ended: {said} {running[-1].stderr.read()}")

    yield run
    for process in running:
        process.kill()
        process.communicate()


def asked(port: int, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


@needs_viewer
@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_it_serves_this_machine_until_it_is_ended(finished_run, start, how, status):
    process, said, summary = start("-m", finished_run)
    assert said[0] == "2 objects, 120 Gaussians, 6 training views"
    assert f"open {summary['url']} in a browser; Ctrl-C ends it" in said
    assert summary["url"] == f"http://127.0.0.1:{summary['port']}"
    assert asked(summary["port"]) == 200
    assert asked(summary["port"], Host="evil.example") == 403
    assert asked(summary["port"], Origin="https://evil.example") == 403
    process.send_signal(how)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out.strip(), err) == (status, "", "")


@needs_viewer
def test_it_opens_files_too(finished_run, tmp_path, start):
    shutil.copy(finished_run / SEGMENTED, tmp_path / "mine.ply")
    _, said, summary = start("-m", tmp_path / "mine.ply")
    assert summary["objects"] == 2
    assert said[0].endswith("120 Gaussians, 0 training views")


@needs_viewer
def test_a_scene_that_has_moved_is_told(finished_run, tmp_path, start):
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    settings = (run / "config.yaml").read_text().splitlines()
    settings[1] = f"scene: {tmp_path / 'gone'}"
    (run / "config.yaml").write_text("\n".join(settings))
    _, said, _ = start("-m", run)
    assert said[0] == f"{tmp_path / 'gone'} is no longer there: no training views (name it with -s SCENE)"
    assert said[1].endswith("0 training views")


@needs_viewer
def test_a_scene_that_is_damaged_does_not_keep_the_run_closed(finished_run, tmp_path, start):
    """Nobody has asked for it by name; with -s SCENE it would be an error."""
    run, scene = tmp_path / "run", tmp_path / "scene"
    shutil.copytree(finished_run, run)
    scene.mkdir()
    settings = (run / "config.yaml").read_text().splitlines()
    settings[1] = f"scene: {scene}"
    (run / "config.yaml").write_text("\n".join(settings))
    _, said, _ = start("-m", run)
    assert said[0].startswith(f"no training views: {scene}: is an empty folder")
    assert said[1].endswith("0 training views")


@needs_viewer
def test_a_scene_of_another_run_is_refused(finished_run, two_things, tmp_path, capsys):
    """Its photos would be shown beside splats that they are not of."""
    other = tmp_path / "other"
    shutil.copytree(two_things, other)
    splats = read_splats(other / "splats.ply")
    write_splats(other / "splats.ply", splats.columns[:100])
    assert main(["view", "-m", str(finished_run), "-s", str(other), "--port", "0"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"gsseg: error: {other}: is not the scene of {finished_run}: splats.ply holds 100 Gaussians")
    assert err.count("\n") == 1
    columns = splats.columns.copy()
    columns["x"] += 1
    write_splats(other / "splats.ply", columns)
    assert main(["view", "-m", str(finished_run), "-s", str(other), "--port", "0"]) == 2
    assert "holds other Gaussians, not the 120 of the run" in capsys.readouterr().err


@needs_viewer
def test_edits_that_were_not_saved_come_back_after_a_kill(finished_run, tmp_path, start):
    from gsseg_viewer.document import Document
    from gsseg_viewer.edits import rename
    from gsseg_viewer.unsaved import Keeper

    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    document = Document.open(run)
    keeper = Keeper(document.to_keep)
    document.apply("renamed it", lambda state: rename(state, 0, "mine"))
    keeper.keep()
    keeper.wait()
    process, said, _ = start("-m", run)
    assert any("1 edits of" in line and "renamed it" in line for line in said), said
    process.send_signal(signal.SIGTERM)
    assert "edits were not saved; they are kept" in process.communicate(timeout=20)[0]


@needs_viewer
def test_a_taken_port_is_named(finished_run, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["view", "-m", str(finished_run), "--port", str(port)]) == 2
    err = capsys.readouterr().err
    assert str(port) in err
    assert err.startswith("gsseg: error: ")
    assert err.count("\n") == 1


@needs_viewer
@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_a_wrong_run_is_one_line(finished_run, tmp_path, capsys, damage):
    run = tmp_path / "run"
    if damage != "missing":
        shutil.copytree(finished_run, run)
        whole = (run / SEGMENTED).read_bytes()
        (run / SEGMENTED).write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"")
    assert main(["view", "-m", str(run), "--port", "0"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("gsseg: error: ")
    assert err.count("\n") == 1


@needs_viewer
def test_a_model_finds_by_meaning_where_there_are_vectors(finished_run, clip_folder, tmp_path, capsys, start):
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    for model, said in ((clip_folder, "language vectors"), (tmp_path, "has no config.json")):
        assert main(["view", "-m", str(run), "--port", "0", "--clip", str(model)]) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    np.save(tmp_path / "words.npy", np.eye(2, 24, dtype=np.float32))
    assert main(["compress", "-m", str(run), "--language", str(tmp_path / "words.npy"), "--quiet"]) == 0
    texts = tmp_path / "texts.json"
    texts.write_text(json.dumps({text: [1.0] * 24 for text in ("lamp", "object", "things", "stuff", "texture")}))
    assert main(["view", "-m", str(run), "--clip", str(clip_folder), "--text-vectors", str(texts)]) == 2
    assert "both say what texts look like" in capsys.readouterr().err
    for model in (["--clip", clip_folder], ["--text-vectors", texts]):
        process, _, summary = start("-m", run, *model)
        assert asked(summary["port"]) == 200
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[1] == ""


def test_without_the_viewer_it_says_how_to_install_it(finished_run, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "gsseg_viewer", None)
    monkeypatch.setitem(sys.modules, "gsseg_viewer.document", None)
    assert main(["view", "-m", str(finished_run)]) == 2
    assert "install it again with pip" in capsys.readouterr().err


def test_no_such_port(finished_run, capsys):
    assert main(["view", "-m", str(finished_run), "--port", "70000"]) == 2
    assert capsys.readouterr().err.startswith("gsseg: error: --port 70000: is no port")


def test_no_such_number_of_gaussians(finished_run, capsys):
    assert main(["view", "-m", str(finished_run), "--draw-at-most", "-1"]) == 2
    assert capsys.readouterr().err.startswith("gsseg: error: --draw-at-most -1: is no number of Gaussians")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0", "--password-file", "p"], "would be sent to 0.0.0.0 unencrypted"),
        (["--plain-http"], "there is none"),
        (["--password-file", "p"], "p: does not exist"),
    ],
)
def test_what_is_refused_of_passwords(finished_run, capsys, options, said):
    assert main(["view", "-m", str(finished_run), *options]) == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1
