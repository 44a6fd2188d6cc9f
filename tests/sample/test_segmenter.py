"""Masks cut out of photos: each fault comes where the photo gives cause for it, and only there."""

import numpy as np
import pytest

from gsseg.sample import ScanNoise
from gsseg.sample.cast import Seen
from gsseg.sample.photo_edges import otsu
from gsseg.sample.segmenter import Habits, segment
from gsseg.sample.shake import shaken
from gsseg.scene import Camera

HEIGHT, WIDTH = 90, 120
CAMERA = Camera(WIDTH, HEIGHT, 100.0, 100.0, 60.0, 45.0, np.eye(4))
NEVER = ScanNoise(
    parts=0.0, merged=0.0, edges=0.0, islands=0.0, unstable=0.0, missing=0.0, rim=0.0, wobble=0.0, persistence=0.0
)


def view(instances: np.ndarray, parts: np.ndarray | None = None) -> Seen:
    ids = instances.astype(np.int32)
    return Seen(CAMERA, ids, ids, ids if parts is None else parts.astype(np.int32), np.ones(ids.shape))


def masks(seen: Seen, picture: np.ndarray, seed: int = 0, blurred: bool = False, **rates) -> np.ndarray:
    rng = np.random.default_rng(seed)
    habits = Habits.draw(int(seen.instances.max()) + 1, int(seen.parts.max()) + 1, rng)
    noise = ScanNoise(**{**vars(NEVER), **rates})
    return segment(seen, picture, habits, noise, rng, blurred=blurred)


def halves() -> np.ndarray:
    """Instance 0 left, 1 right."""
    ids = np.zeros((HEIGHT, WIDTH), int)
    ids[:, 60:] = 1
    return ids


def painted(ids: np.ndarray, *tones: float) -> np.ndarray:
    """A photo in which instance k is grey of tone k."""
    return np.repeat((np.array(tones)[ids] * 255).astype(np.uint8)[..., None], 3, axis=2)


def same(labels: np.ndarray, truth: np.ndarray) -> bool:
    """Whether two label maps are one partition."""
    pairs = np.unique(np.stack([labels.reshape(-1), truth.reshape(-1)]), axis=1)
    return pairs.shape[1] == len(np.unique(labels)) == len(np.unique(truth))


def test_without_faults_the_masks_are_the_truth():
    ids = halves() + 2 * (np.arange(HEIGHT)[:, None] > 50)
    assert same(masks(view(ids), painted(ids, 0.2, 0.5, 0.7, 0.9)), ids)


def test_large_even_things_of_one_colour_share_a_mask_and_others_do_not():
    ids = halves()
    alike, other = painted(ids, 0.8, 0.81), painted(ids, 0.8, 0.5)
    for seed in range(5):
        assert len(np.unique(masks(view(ids), alike, seed, merged=1.0))) == 1
        assert same(masks(view(ids), other, seed, merged=1.0), ids)
    # Beside something patterned it happens a quarter as often.
    pattern = alike.copy()
    pattern[np.arange(HEIGHT) % 8 < 4, 70:] = 160
    joined = [len(np.unique(masks(view(ids), pattern, seed, merged=1.0))) == 1 for seed in range(60)]
    assert 5 <= sum(joined) <= 27


def test_a_shadow_cuts_a_mask_along_itself_and_a_slow_shade_does_not():
    ids = np.zeros((HEIGHT, WIDTH), int)
    shadow = np.arange(WIDTH)[None] + 0.5 * np.arange(HEIGHT)[:, None] < 80
    photo = painted(shadow.astype(int), 0.8, 0.6)
    cut = masks(view(ids), photo, edges=1.0)
    assert len(np.unique(cut)) == 2
    assert ((cut == cut[0, 0]) == shadow).mean() > 0.98
    slow = np.tile(np.linspace(150, 220, WIDTH), (HEIGHT, 1))[..., None].repeat(3, 2).astype(np.uint8)
    assert len(np.unique(masks(view(ids), slow, edges=1.0))) == 1
    faint = painted(shadow.astype(int), 0.8, 0.77)
    assert len(np.unique(masks(view(ids), faint, edges=1.0))) == 1


def test_parts_lie_on_top_of_their_whole():
    ids, parts = np.zeros((HEIGHT, WIDTH), int), np.zeros((HEIGHT, WIDTH), int)
    parts[20:70, 20:50], parts[20:70, 70:100] = 1, 2
    seen, photo = view(ids, parts), painted(ids, 0.7)
    assert same(masks(seen, photo, parts=1.0), parts)
    assert len(np.unique(masks(seen, photo, parts=0.0))) == 1
    kinds = {len(np.unique(masks(seen, photo, seed, parts=0.35))) for seed in range(20)}
    assert kinds >= {1, 2, 3}, "granularity differs between views"


def test_an_occluder_makes_two_masks_of_what_it_cuts():
    ids = np.zeros((HEIGHT, WIDTH), int)
    ids[:, 50:60] = 1
    photo = painted(ids, 0.7, 0.3)
    apart = ids.copy()
    apart[:, 60:] = 2
    assert same(masks(view(ids), photo, islands=1.0), apart)
    assert same(masks(view(ids), photo, islands=0.0), ids)


def test_what_does_not_stand_out_loses_its_mask():
    ids = np.zeros((HEIGHT, WIDTH), int)
    ids[40:46, 50:56] = 1
    clear, faint = painted(ids, 0.8, 0.2), painted(ids, 0.8, 0.8)

    def lost(photo: np.ndarray, covered: float) -> list[tuple[bool, bool]]:
        found = [masks(view(ids), photo, seed, unstable=1.0, covered=covered) for seed in range(40)]
        return [(each[43, 53] == 0, each[43, 53] == each[0, 0]) for each in found]

    assert sum(none for none, _ in lost(clear, 0.0)) <= 3
    assert sum(none for none, _ in lost(faint, 0.0)) >= 12
    assert sum(under for _, under in lost(faint, 1.0)) >= 12
    assert not any(none for none, _ in lost(faint, 1.0))


def test_rims_belong_to_nobody():
    ids = halves()
    found = masks(view(ids), painted(ids, 0.2, 0.8), seed=3, rim=6.0)
    assert (found == 0).any()
    rows, columns = np.nonzero(found == 0)
    assert len(np.unique(rows)) == HEIGHT
    assert np.abs(columns - 59.5).max() < 15


def test_a_blurred_view_has_coarse_masks_and_no_small_ones():
    ids = halves()
    ids[20:28, 20:28] = 2
    photo = painted(ids, 0.2, 0.8, 0.6)
    assert len(np.unique(masks(view(ids), photo))) == 3
    assert len(np.unique(masks(view(ids), photo, blurred=True))) <= 3
    assert masks(view(ids), photo, blurred=True)[24, 24] in (0, masks(view(ids), photo, blurred=True)[24, 5])


def test_motion_blurs_along_one_line_and_keeps_the_mean():
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, 60] = 240
    moved = shaken(picture, 12.0, np.random.default_rng(1)).astype(float)
    assert moved.sum() == pytest.approx(picture.sum(), rel=0.03)
    assert moved.max() < 200
    assert np.array_equal(shaken(picture, 0.0, np.random.default_rng(1)), picture)


def test_habits_repeat_as_asked():
    habits = Habits.draw(6, 40, np.random.default_rng(0))
    assert np.array_equal(habits.pair, habits.pair.T)
    always = habits.today(1.0, np.random.default_rng(1))
    assert np.array_equal(always.part, habits.part)
    never = habits.today(0.0, np.random.default_rng(1))
    assert not (never.part == habits.part).any()


def test_otsu_separates_two_heaps():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.3, 0.02, 700), rng.normal(0.7, 0.02, 300)])
    assert 0.36 < otsu(values) < 0.64
    assert otsu(np.full(5, 0.4)) >= 0.4


@pytest.mark.parametrize(("name", "value"), [("parts", 1.5), ("alike", 0.0), ("rim", -1.0), ("smallest", 0)])
def test_senseless_rates_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}: is"):
        ScanNoise(**{name: value})
