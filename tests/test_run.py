"""What `Run.open` opens, and a segmented.ply that is all there is."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import gsseg
from gsseg.codebook.levels import CodebookConfig
from gsseg.errors import InputError
from gsseg.features.fit import FeatureConfig
from gsseg.files.together import replace_together
from gsseg.io.ply import write_splats
from gsseg.io.splat_formats import read_splats
from gsseg.objects.build import ObjectConfig
from gsseg.objects.joining import JoiningConfig
from gsseg.run import Run, RunLayout
from gsseg.run.sources import RunFolder
from gsseg.segmentation import NO_CODE


@pytest.fixture(scope="module")
def trained(make_small_scene: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the small scene."""
    folder = tmp_path_factory.mktemp("run")
    config = gsseg.TrainConfig(
        features=FeatureConfig(steps=20), codebook=CodebookConfig(coarse=4, fine=3, steps=3), pixels_per_view=256,
        objects=ObjectConfig(joining=JoiningConfig(sure=0.999)),  # the masks are by chance: nothing in them is two
    )  # fmt: skip
    return gsseg.train(gsseg.load_scene(make_small_scene(folder / "scene")), config, folder / "run")


@pytest.fixture
def bare(trained: Run, tmp_path: Path) -> Path:
    """Its segmented.ply, by itself."""
    return Path(shutil.copy(trained.file.path, tmp_path / "segmented.ply"))


def rewritten(path: Path, rows: np.ndarray | slice = slice(None), **columns: np.ndarray) -> Path:
    """The file with some rows only, and other columns."""
    file = read_splats(path)
    kept = file.columns[rows].copy()
    path.unlink()
    write_splats(path, kept, columns)
    return path


def test_a_bare_file_tells_what_the_run_tells(trained: Run, bare: Path) -> None:
    run = Run.open(bare)
    assert (run.path, run.file.path, run.source.opened) == (bare.parent, bare, bare)
    assert np.array_equal(run.object_ids, trained.object_ids)
    assert np.array_equal(run.code_coarse, trained.code_coarse)
    assert np.array_equal(run.code_fine, trained.code_fine)
    assert np.array_equal(run.features.numpy(), trained.features.numpy())
    assert np.array_equal(run.learnt_features.numpy(), trained.features.numpy()), "it holds no others"
    assert run.compressed is None
    assert len(run.objects) == len(trained.objects) > 1
    for mine, theirs in zip(run.objects, trained.objects, strict=True):
        assert (mine.views, mine.agreement) == (0, 0.0), "not known"
        unknown = {"views": 0, "agreement": 0, "thumbnail": None}
        assert {**mine.__dict__, **unknown} == {**theirs.__dict__, **unknown}
    assert run.segmentation().objects == run.objects
    row = int(np.flatnonzero(trained.object_ids == 1)[0])
    target = trained.gaussians.means[row].numpy().astype(np.float64)
    mine, theirs = (each.select(target + np.array([0, 0, 2.0]), np.array([0, 0, -1.0])) for each in (run, trained))
    assert (mine is None) == (theirs is None)
    assert mine is None or mine.object_id == theirs.object_id


def test_the_file_of_a_run_opens_as_the_run(trained: Run) -> None:
    run = Run.open(trained.file.path)
    assert run.source.opened == trained.path
    assert run.path == trained.path
    assert run.objects == trained.objects


@pytest.mark.parametrize(("highest", "opened"), [(900, [5, 7, 900]), (2**31 - 1, [0, 1, 2])])
def test_objects_that_were_cut_out_change_no_id(bare: Path, highest: int, opened: list[int]) -> None:
    """Unless the table would be of ids that nobody has."""
    ids = np.resize(np.array([5, -1, highest, 7, 7], np.int32), 40)
    run = Run.open(rewritten(bare, object_id=ids))
    first, second, third = opened
    assert run.object_ids.tolist() == np.resize([first, -1, third, second, second], 40).tolist()
    there = [(row.id, row.name, row.gaussians) for row in run.objects if row.gaussians]
    assert there == [(each, f"object {each}", count) for each, count in zip(opened, (8, 16, 8), strict=True)]
    assert [row.id for row in run.objects] == list(range(third + 1))
    assert Run.open(rewritten(bare, ids != -1)).object_ids.min() == first, "where all belong to some object"
    nothing = Run.open(rewritten(bare, object_id=np.full(32, -1, np.int32)))
    assert nothing.objects == []
    assert (nothing.object_ids == -1).all()


def test_whole_numbers_may_be_stored_as_floats(trained: Run, bare: Path) -> None:
    """Some programs write every column as float."""
    names = ("object_id", "code_coarse", "code_fine")
    columns = read_splats(bare).columns
    run = Run.open(rewritten(bare, **{name: columns[name].astype(np.float32) for name in names}))
    assert np.array_equal(run.object_ids, trained.object_ids)
    assert np.array_equal(run.code_fine, trained.code_fine)
    assert NO_CODE <= run.code_fine.min() <= run.code_fine.max() < 65535


@pytest.mark.parametrize(
    ("name", "value"),
    [("object_id", -2), ("object_id", 0.5), ("object_id", np.nan), ("object_id", 1e12), ("code_fine", -1),
     ("code_fine", 65536), ("code_coarse", np.inf), ("ins_feat_g", np.nan)],
)  # fmt: skip
def test_columns_that_mean_nothing(bare: Path, name: str, value: float) -> None:
    column = np.zeros(40, np.float32)
    column[7] = value
    run = Run.open(rewritten(bare, **{name: column}))
    part = {"object_id": "object_ids", "ins_feat_g": "features"}.get(name, name)
    with pytest.raises(InputError, match=r"segmented\.ply: has .*(whole numbers|not finite)"):
        getattr(run, part)


def test_splats_without_a_segmentation(make_columns: Callable[..., np.ndarray], tmp_path: Path) -> None:
    write_splats(tmp_path / "splats.ply", make_columns())
    with pytest.raises(InputError, match=r"lacks the columns ins_feat_r.*gsseg train or export"):
        _ = Run.open(tmp_path / "splats.ply").objects


@pytest.mark.parametrize("content", [b"", b"ply", b"plY\n" * 9, b"PK\x03\x04" * 9])
def test_files_that_are_none_of_these(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ply"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.ply"):
        _ = Run.open(path).objects


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give the RUN folder"):
        Run.open(tmp_path / "none.ply")


def test_an_interrupted_saving_is_ended_by_whoever_opens(trained: Run, tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "run"
    shutil.copytree(trained.path, folder)
    renamed = (folder / "objects.json").read_text().replace("object 0", "chair")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gsseg.files.together._move", die)
    with pytest.raises(KeyboardInterrupt), replace_together(folder) as beside:
        (beside / "objects.json").write_text(renamed)
    monkeypatch.undo()
    assert Run(RunFolder(RunLayout(folder))).objects[0].name == "object 0"
    for path in (folder, folder / "segmented.ply"):
        assert Run.open(path).objects[0].name == "chair"
    assert (folder / "earlier" / "original" / "objects.json").read_text() == (trained.path / "objects.json").read_text()


def test_confidence_of_a_run_and_of_its_file(trained: Run) -> None:
    opened = Run.open(trained.path)
    sure = opened.confidence
    assert sure is not None
    assert len(sure.objects) == len(opened.objects)
    assert sure.gaussians.shape == opened.object_ids.shape
    assert (sure.gaussians[opened.object_ids < 0] == 0).all()
    assert all(0 <= value <= 1 for value in (*sure.objects, *sure.gaussians))


def test_confidence_of_an_earlier_run_and_of_edited_objects_is_not_known(trained: Run, tmp_path: Path) -> None:
    shutil.copytree(trained.path, tmp_path / "old", ignore=shutil.ignore_patterns("confidence.json"))
    assert Run.open(tmp_path / "old").confidence is None
    shutil.copytree(trained.path, tmp_path / "edited")
    ids = np.where(np.arange(len(trained.object_ids)) == trained.object_ids.argmax(), -1, trained.object_ids)
    write_splats(tmp_path / "edited" / "segmented.ply", trained.file.columns, {"object_id": ids.astype(np.int32)})
    assert Run.open(tmp_path / "edited").confidence is None
    assert Run.open(tmp_path / "edited").objects


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '{"format": "gsseg confidence", "version": 1}'])
def test_a_damaged_confidence_is_told_and_spoils_nothing_else(trained: Run, tmp_path: Path, text: str) -> None:
    shutil.copytree(trained.path, tmp_path / "run")
    (tmp_path / "run" / "confidence.json").write_text(text)
    run = Run.open(tmp_path / "run")
    with pytest.raises(InputError, match=r"confidence\.json: cannot be read .*; delete it"):
        _ = run.confidence
    assert run.objects


def test_a_confidence_without_its_column_is_told(trained: Run, tmp_path: Path) -> None:
    shutil.copytree(trained.path, tmp_path / "run")
    save_file({"features": trained.learnt_features.numpy()}, tmp_path / "run" / "features.safetensors")
    with pytest.raises(InputError, match="holds no confidence"):
        _ = Run.open(tmp_path / "run").confidence
