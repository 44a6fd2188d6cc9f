"""Objects followed through photos: as transformers' own loop does it, resumed to the same bytes, ids that hold."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from gsseg.cli import main
from gsseg.errors import InputError
from gsseg.io.label_png import read_label_png
from gsseg.masks import follow
from gsseg.masks.config import MasksConfig
from gsseg.masks.follow import follow_photos, with_new
from gsseg.masks.scene import _in_order
from gsseg.masks.segmenter import Segmenter, pixels_of
from gsseg.masks.track import TRACKERS, Tracker
from tests.masks.conftest import SIDE

FAMILY = "sam2_video"
FOLLOW = [
    "--config.score", "0", "--config.stability", "0", "--config.grid", "3", "--config.precision", "float32",
    "--config.least_share", "0", "--config.follow", "2",
]  # fmt: skip


@pytest.fixture(params=TRACKERS)
def tracker(request, model_folders):
    """Each model, in float32."""
    return Tracker.open(model_folders[request.param], precision="float32")


@pytest.fixture
def photos():
    """Twelve pictures that change a little from one to the next."""
    rng = np.random.default_rng(1)
    first, last = rng.integers(0, 255, (2, 9, 12, 3)).astype(float)
    mixed = [(first * (11 - k) + last * k) / 11 for k in range(12)]
    return [Image.fromarray(each.astype(np.uint8)).resize((48, 36), Image.Resampling.BICUBIC) for each in mixed]


@pytest.fixture
def labels():
    """Two objects in the first of them, not in order, and pixels of none."""
    out = np.zeros((36, 48), np.uint16)
    out[5:20, 4:30], out[12:33, 26:45] = 9, 4
    return out


def test_a_track_is_what_transformers_own_loop_gives(tracker, photos, labels):
    """A session that holds the whole video and forgets nothing, against one that sees photo after photo."""
    import transformers

    session = getattr(transformers, TRACKERS[tracker.family][1])(
        video=torch.cat([pixels_of(each, SIDE, (SIDE, SIDE)) for each in photos]), dtype=torch.float32
    )
    for each in (4, 9):
        prompt = Image.fromarray((labels == each).astype(np.uint8) * 255).resize(
            (SIDE, SIDE), Image.Resampling.BILINEAR
        )
        mask = torch.from_numpy(np.asarray(prompt) >= 128)[None, None]
        session.add_mask_inputs(session.obj_id_to_idx(each), 0, mask)
    session.obj_with_new_inputs = [4, 9]
    expected = []
    for said in tracker.network.propagate_in_video_iterator(session, start_frame_idx=0):
        logits = torch.nn.functional.interpolate(said.pred_masks.float(), (36, 48), mode="bilinear")[:, 0].numpy()
        expected.append(np.where(logits.max(0) > 0, np.array([4, 9])[logits.argmax(0)], 0))
    track = tracker.start(photos[0], labels)
    found = [track.follow(photo, 36, 48) for photo in photos[1:]]
    assert [np.mean(mine != other) for mine, other in zip(found, expected[1:], strict=True)] == [0.0] * 11
    assert {*np.unique(found)} <= {0, 4, 9}
    assert len({each.tobytes() for each in found}) > 1, "something happens at all"


def test_what_is_remembered_does_not_grow(tracker, photos, labels):
    track, sizes = tracker.start(photos[0], labels), []
    for photo in [*photos[1:], *photos]:
        track.follow(photo, 36, 48)
        known = track._session.output_dict_per_obj.values()
        outputs = [each for of in known for kind in of.values() for each in kind.values()]
        tensors = [value for each in outputs for value in each.values() if isinstance(value, torch.Tensor)]
        sizes.append(sum(value.numel() for value in tensors) + len(track._session.processed_frames))
    assert len(set(sizes[5:])) == 1


def test_without_objects_nothing_is_followed(tracker, photos):
    track = tracker.start(photos[0], np.zeros((36, 48), np.uint16))
    assert not track.follow(photos[1], 20, 30).any()


def test_bfloat16_follows_too(model_folders, photos, labels):
    for family in TRACKERS:
        track = Tracker.open(model_folders[family], precision="bfloat16").start(photos[0], labels)
        assert {*np.unique(track.follow(photos[1], 36, 48))} <= {0, 4, 9}


def test_new_objects_take_free_pixels_and_ids_that_nobody_had():
    rng = np.random.default_rng(0)
    for _ in range(30):
        followed = rng.choice([0, 0, 5, 7], (6, 8)).astype(np.uint16)
        found = rng.integers(0, 4, (6, 8)).astype(np.uint16)
        least = int(rng.integers(1, 5))
        expected, largest = followed.astype(int), 11
        for each in range(1, 4):
            mine = [(i, j) for i in range(6) for j in range(8) if found[i, j] == each]
            free = [at for at in mine if followed[at] == 0]
            if free and len(free) >= least and len(free) >= len(mine) / 2:
                largest += 1
                for at in free:
                    expected[at] = largest
        np.testing.assert_array_equal(with_new(followed, found, 11, least), expected)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_capture_is_followed_and_goes_on_where_it_was_interrupted(photos_scene, model_folders, capsys):
    """Whatever is missing is made again to the same bytes, because key photos alone decide."""
    make = ["masks", "-s", str(photos_scene), "--model", str(model_folders[FAMILY]), *FOLLOW]
    assert main(make) == 0
    told = capsys.readouterr()
    assert "masks of 4 photos made" in told.out
    assert told.err == ""
    folder = photos_scene / "masks"
    whole = contents(folder)
    assert json.loads(whole["masks.json"])["config"]["follow"] == 2
    first, second = ({*np.unique(read_label_png(folder / f"view_{k}.png"))} - {0} for k in (0, 1))
    assert first
    assert second <= first, "nothing is new in between"
    for lost in (["view_3.png"], ["view_1.png", "view_2.png"], [f"view_{k}.png" for k in range(4)]):
        for name in lost:
            (folder / name).unlink()
        assert main([*make, "--json"]) == 0
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["made"] == len(lost)
        assert contents(folder) == whole
    assert main([*make[:-1], "3"]) == 2
    assert "masks of another model or other options" in capsys.readouterr().err


def test_what_cannot_follow_is_one_line(photos_scene, model_folders, capsys):
    make = ["masks", "-s", str(photos_scene), "--model", str(model_folders["sam2"]), *FOLLOW]
    assert main(make) == 2
    assert (
        "'sam2', which follows no objects from photo to photo; take one of type sam2_video" in capsys.readouterr().err
    )
    assert main([*make, "--config.levels"]) == 2
    err = capsys.readouterr().err
    assert "leave levels out" in err
    assert err.count("\n") == 1
    assert not (photos_scene / "masks").exists()


def test_more_objects_than_ids_are_refused(photos, model_folders, tmp_path, monkeypatch):
    monkeypatch.setattr(follow, "MOST_IDS", 1)
    monkeypatch.setattr(follow, "segment_photo", lambda *_: {"all": np.arange(12, dtype=np.uint16).reshape(3, 4)})
    folder = model_folders[FAMILY]
    config = MasksConfig(follow=1, least_share=0.0, precision="float32", max_side=64)
    monkeypatch.setattr(follow, "_followed", lambda *_: np.zeros((3, 4), np.uint16))
    with pytest.raises(InputError, match="more than 1 objects"):
        follow_photos(
            [tmp_path / "a.png", tmp_path / "b.png"], lambda k: photos[k],
            lambda path, labels: Image.fromarray(labels).save(path), Segmenter.open(folder, precision="float32"),
            Tracker.open(folder, precision="float32"), config, lambda done, total: None,
        )  # fmt: skip
    assert not (tmp_path / "b.png").exists()


def test_photos_come_in_the_order_of_their_numbers():
    names = ["frame_10", "frame_9", "b/2", "b/11", "b/1", "frame"]
    assert sorted(names, key=_in_order) == ["b/1", "b/2", "b/11", "frame", "frame_9", "frame_10"]
