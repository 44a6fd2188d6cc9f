"""Gaussians that belong to no object are reached, mended and taken along like any other."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gsseg_viewer import splats
from gsseg_viewer.document import Document
from gsseg_viewer.mouse import click, select_rectangle
from gsseg_viewer.panels.edit import EditPanel
from gsseg_viewer.panels.export import ExportPanel
from gsseg_viewer.panels.selection import SelectionPanel
from gsseg_viewer.pieces import PATCH, patches
from gsseg_viewer.saving import save
from gsseg_viewer_test_stage import FRONT

from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.run import Run
from gsseg.segmentation.codes_on_disk import NO_CODE_ON_DISK


@pytest.fixture
def blank(balls: Any, tmp_path: Path) -> Path:
    """The four balls, of which no mask has shown any: no objects, no codes, no features."""
    columns = read_splats(balls.path / "segmented.ply").columns
    count = len(columns)
    none = {name: np.zeros(count, np.float32) for name in columns.dtype.names if name.startswith("ins_feat")}
    none |= {name: np.full(count, NO_CODE_ON_DISK, np.uint16) for name in ("code_coarse", "code_fine")}
    write_splats(tmp_path / "blank.ply", columns, {**none, "object_id": np.full(count, -1, np.int32)})
    return tmp_path / "blank.ply"


def chosen(desk: Any) -> np.ndarray:
    """Which rows are selected."""
    document = desk.session.document
    return desk.session.selection.mask(len(document.state.owner))[document.pieces]


def test_a_run_without_objects_is_no_dead_end(blank: Path, balls: Any, open_desk: Callable[..., Any]) -> None:
    """Coloured as photographed; a click takes a patch, a thing of one colour, or all of that colour; it becomes an
    object, is deleted, exported and saved."""
    desk = open_desk(Document.open(blank))
    session, document = desk.session, desk.session.document
    assert session.coloring == "photo"
    ball = read_splats(balls.path / "segmented.ply").columns["object_id"]
    click(session, FRONT, balls.centres[1] - FRONT)
    desk.settle()
    thing = chosen(desk)
    assert set(ball[thing]) == {1}, "what hangs together and looks alike"
    assert thing.sum() > 0.9 * (ball == 1).sum()
    assert "belong to none" in desk.panel(SelectionPanel).text.content
    desk.send(desk.panel(SelectionPanel).level, "fine code")
    assert 0 < chosen(desk).sum() <= PATCH
    desk.send(desk.panel(SelectionPanel).level, "similar features")
    assert thing.sum() <= chosen(desk).sum() < len(ball)
    desk.send(desk.panel(SelectionPanel).distance, 0.0)
    assert chosen(desk).sum() > (ball == 1).sum(), "less alike is more"
    desk.send(desk.panel(SelectionPanel).level, "object")
    assert np.array_equal(chosen(desk), thing), "and back again"

    desk.send(desk.panel(EditPanel).move)
    assert np.array_equal(document.object_ids(document.state), np.where(thing, 0, -1))
    desk.send(desk.panel(ExportPanel).splats)
    ((name, content),) = desk.downloads
    assert name == "object_0.ply"
    blank.with_name("taken.ply").write_bytes(content)
    taken = read_splats(blank.with_name("taken.ply")).columns
    for column in taken.dtype.names or ():
        assert np.array_equal(taken[column], read_splats(blank).columns[column][thing])
    select_rectangle(session, (0.5, 0.0), (1.0, 1.0))
    desk.settle()
    right = chosen(desk)
    assert set(ball[right]) >= {2, 3}
    desk.send(desk.panel(EditPanel).changes, "delete")
    again = Run.open(save(document))
    assert np.array_equal(again.object_ids, np.where(thing, 0, -1))
    assert np.array_equal(again.marks.deleted, right)


def test_a_hole_is_given_to_the_object_around_it(desk: Any) -> None:
    """The fifty Gaussians below the balls become part of ball 2."""
    session, document = desk.session, desk.session.document
    below = document.run.object_ids == -1
    front = document.gaussians.means.numpy()[below].astype(float)[0] - [0, 5, 0]
    click(session, front, np.array([0.0, 1.0, 0.0]))
    desk.settle()
    assert np.array_equal(chosen(desk), below)
    desk.send(desk.panel(EditPanel).target, "green ball (2)")
    desk.send(desk.panel(EditPanel).move)
    ids = document.object_ids(document.state)
    assert np.array_equal(ids, np.where(below, 2, document.run.object_ids))


def test_a_rectangle_takes_everything_or_what_is_seen(desk: Any) -> None:
    """From the left all balls stand in a line: the first hides the others."""
    session, document = desk.session, desk.session.document
    camera = session.client.camera
    object.__setattr__(camera._state, "position", np.array([-6.0, 0.0, 0.0]))
    object.__setattr__(camera._state, "wxyz", np.array([0.5, -0.5, 0.5, -0.5]))
    select_rectangle(session, (0.3, 0.3), (0.7, 0.7))
    desk.settle()
    assert session.selection.objects(document.state) == [0, 1, 2, 3]
    desk.send(desk.panel(SelectionPanel).only_seen, True)
    select_rectangle(session, (0.3, 0.3), (0.7, 0.7))
    desk.settle()
    assert session.selection.objects(document.state)[0] == 0
    assert len(session.selection.objects(document.state)) < 4


@pytest.mark.parametrize("count", [1, PATCH, PATCH + 1, 3000])
def test_patches_are_small_near_and_alike(count: int) -> None:
    rng = np.random.default_rng(count)
    means = rng.normal(size=(count, 3)).astype(np.float32)
    rgb = (rng.random((count, 1)) > 0.5) * np.ones((1, 3), np.float32)
    patch = patches(means, rgb.astype(np.float32))
    sizes = np.bincount(patch)
    assert sizes.min() > 0
    assert sizes.max() <= PATCH
    assert sizes.max() <= 2 * sizes.min() + 1
    assert np.array_equal(patch, patches(means, rgb.astype(np.float32))), "the same every time"
    if count > 1000:
        within = np.mean([means[patch == k].std(axis=0).mean() for k in range(len(sizes))])
        assert within < 0.5 * means.std()


def test_equal_gaussians_are_patches_too() -> None:
    same = np.zeros((1000, 3), np.float32)
    assert np.bincount(patches(same, same)).max() <= PATCH


def test_a_click_does_not_send_half_a_scene(blank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What belongs to no object is several nodes, each of which lies together."""
    monkeypatch.setattr(splats, "_REST_PART", 100)
    nodes = splats.SplatNodes.of(Document.open(blank))
    assert len(nodes) == 29
    assert np.array_equal(np.sort(nodes.rows), np.arange(2850)), "every Gaussian once"
    means = read_splats(blank).gaussians.means.numpy()
    spread = [means[nodes.rows[a:b]].std(axis=0).sum() for a, b in itertools.pairwise(nodes.edges)]
    assert np.mean(spread) < 0.6 * means.std(axis=0).sum()
