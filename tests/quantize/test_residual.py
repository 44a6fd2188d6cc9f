"""Residual k-means: laws of its codes and errors, other programs' numbers, and what it refuses."""

import json
import tracemalloc

import numpy as np
import pytest
import torch

from gsseg.quantize.residual.quantizer import ResidualKMeans
from gsseg.quantize.residual.statistics import cluster_sizes, collision_rate, residual_mse, tuple_keys


def blobs(items: int = 400, dim: int = 5, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(20, dim))
    share = rng.dirichlet(np.ones(20))
    return (centers[rng.choice(20, items, p=share)] + 0.3 * rng.normal(size=(items, dim))).astype(np.float32)


def squared_errors(model: ResidualKMeans, x: np.ndarray, codes: np.ndarray) -> np.ndarray:
    left = x.astype(np.float64) - sum(
        book.astype(np.float64)[c] for book, c in zip(model.codebooks, codes, strict=True)
    )
    return np.square(left).sum(axis=1)


@pytest.fixture
def few_swaps(monkeypatch) -> None:
    """Fits in a tenth of the time, for what does not depend on how good the codes are."""
    for kind in ("kmeans", "balanced"):
        monkeypatch.setattr(f"gsseg.clustering.{kind}.MOST_SWAPS", 3)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "balanced"])
def fitted(request) -> tuple[np.ndarray, ResidualKMeans]:
    x = blobs()
    return x, ResidualKMeans(3, 12, balanced=request.param, seed=1).fit(x)


def test_shapes_and_statistics(fitted):
    x, model = fitted
    assert model.labels.shape == (3, 400)
    assert [book.shape for book in model.codebooks] == [(12, 5)] * 3
    assert all(book.dtype == np.float32 for book in model.codebooks)
    assert model.cluster_sizes.sum(axis=1).tolist() == [400] * 3
    assert model.residual_mse == residual_mse(x, model.labels, model.codebooks)
    assert model.residual_mse[0] == pytest.approx(np.square(x.astype(np.float64)).mean())
    tuples = {tuple(column) for column in model.labels.T.tolist()}
    assert model.collision_rate == 1 - len(tuples) / 400


def test_error_never_grows_with_a_level(fitted):
    x, model = fitted
    assert (np.diff(model.residual_mse) <= 0).all()
    for codes in (model.labels, model.encode(x), model.encode(x, beam=1)):
        errors = [np.square(x - model.decode(codes[:level])).mean() for level in (1, 2, 3)]
        assert errors == sorted(errors, reverse=True)


def test_encoding_what_was_decoded_changes_nothing(fitted):
    x, model = fitted
    every = model.codebook_size**2  # no path is dropped: the search is exhaustive
    decoded = model.decode(model.encode(x, beam=every))
    again = model.encode(decoded, beam=every)
    np.testing.assert_allclose(model.decode(again), decoded, atol=1e-5)


def test_exhaustive_search_finds_the_least_error():
    x = blobs(60, 3)
    model = ResidualKMeans(2, 6).fit(x)
    pairs = model.codebooks[0][:, None].astype(np.float64) + model.codebooks[1]
    least = np.square(x[:, None, None] - pairs).sum(axis=-1).min(axis=(1, 2))
    np.testing.assert_allclose(squared_errors(model, x, model.encode(x, beam=6)), least, rtol=1e-5, atol=1e-9)


def test_one_path_is_the_nearest_code_level_by_level(fitted):
    x, model = fitted
    left = x.astype(np.float64)
    for codes, book in zip(model.encode(x, beam=1), model.codebooks, strict=True):
        distances = np.square(left[:, None] - book).sum(axis=-1)
        chosen = distances[np.arange(len(x)), codes]
        np.testing.assert_allclose(chosen, distances.min(axis=1), rtol=1e-4, atol=1e-7)
        left -= book[codes]


@pytest.mark.parametrize("beam", [2, 3, 5, 8, 32])
def test_more_paths_are_never_worse_than_one(fitted, beam):
    x, model = fitted
    greedy = squared_errors(model, x, model.encode(x, beam=1))
    wide = squared_errors(model, x, model.encode(x, beam=beam))
    assert (wide <= greedy * (1 + 1e-5)).all()
    assert wide.mean() < greedy.mean()


def test_wider_is_better_on_average(fitted):
    x, model = fitted
    means = [squared_errors(model, x, model.encode(x, beam=beam)).mean() for beam in (1, 4, 16, 144)]
    assert means == sorted(means, reverse=True)


def test_permuted_rows_permute_codes(fitted):
    x, model = fitted
    order = np.random.default_rng(0).permutation(len(x))
    np.testing.assert_array_equal(model.encode(x[order]), model.encode(x)[:, order])


def test_plain_labels_are_nearest_codes_and_balanced_ones_are_not(fitted):
    x, model = fitted
    same = (model.labels == model.encode(x, beam=1)).mean()
    assert (same < 1) if model.balanced else (same == 1)


@pytest.mark.parametrize("balanced", [False, True])
def test_fit_encode(balanced):
    x = blobs(100)
    model = ResidualKMeans(2, 8, balanced)
    codes = model.fit_encode(x)
    np.testing.assert_array_equal(codes, model.labels if balanced else model.encode(x))


@pytest.mark.usefixtures("few_swaps")
@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("power", [-40, -14, 20, 60])
def test_scaling_by_a_power_of_two_changes_no_code(balanced, power):
    x = blobs(150)
    model = ResidualKMeans(2, 8, balanced).fit(x)
    scaled = ResidualKMeans(2, 8, balanced).fit(x * np.float32(2.0**power))
    np.testing.assert_array_equal(scaled.labels, model.labels)
    np.testing.assert_array_equal(scaled.encode(x * np.float32(2.0**power)), model.encode(x))
    for book, other in zip(model.codebooks, scaled.codebooks, strict=True):
        np.testing.assert_array_equal(other, book * np.float32(2.0**power))


@pytest.mark.usefixtures("few_swaps")
@pytest.mark.parametrize("scale", [1e-6, 1e-4, 1e6])
def test_other_scales_lose_nothing(scale):
    x = blobs(150)
    balanced = ResidualKMeans(2, 8, balanced=True).fit(x * np.float32(scale))
    reference = ResidualKMeans(2, 8, balanced=True).fit(x)
    assert balanced.cluster_sizes.min() >= 150 // 8 - 1
    assert balanced.cluster_sizes.max() <= 150 // 8 + 1
    np.testing.assert_allclose(np.array(balanced.residual_mse) / scale**2, reference.residual_mse, rtol=0.05)


def test_far_from_the_origin_nothing_cancels():
    # Multiples of 1/64, so that the shifted rows are exact in float32 and the difference is the method's alone.
    x = np.round(blobs(300) * 64) / 64
    far = ResidualKMeans(2, 8).fit(x + np.float32(2.0**16))
    near = ResidualKMeans(2, 8).fit(x)
    assert far.residual_mse[-1] < 1.05 * near.residual_mse[-1]
    np.testing.assert_array_equal(far.encode(x + np.float32(2.0**16), beam=1), far.labels)


@pytest.mark.usefixtures("few_swaps")
@pytest.mark.parametrize("balanced", [False, True])
def test_a_seed_decides_and_threads_do_not(balanced, monkeypatch):
    monkeypatch.setattr("gsseg.clustering.nearest.WORTH_A_THREAD", 50)
    x = blobs(300, 3)
    first = ResidualKMeans(2, 4, balanced, seed=3).fit(x)
    again = ResidualKMeans(2, 4, balanced, seed=3).fit(x)
    monkeypatch.setattr("gsseg.clustering.nearest.thread_count", lambda: 1)  # what the short runs ask
    alone = ResidualKMeans(2, 4, balanced, seed=3).fit(x)
    for other in (again, alone):
        np.testing.assert_array_equal(other.labels, first.labels)
        np.testing.assert_array_equal(np.stack(other.codebooks), np.stack(first.codebooks))


def test_memory_stays_a_few_times_that_of_the_items():
    x = blobs(100_000, 32)  # more than the sample that codes are sought on
    ResidualKMeans(1, 2).fit(x[:50])  # compiles
    tracemalloc.start()
    try:
        ResidualKMeans(1, 2).fit(x)
        assert tracemalloc.get_traced_memory()[1] < 4 * x.nbytes
    finally:
        tracemalloc.stop()


def test_as_many_codes_as_items_leave_no_error():
    x = blobs(16)
    for balanced in (False, True):
        model = ResidualKMeans(2, 16, balanced).fit(x)
        np.testing.assert_allclose(model.residual_mse[1:], 0, atol=1e-12)


def test_equal_rows():
    model = ResidualKMeans(2, 4).fit(np.full((10, 3), 7.0))
    assert model.residual_mse[1:] == [0.0, 0.0]
    np.testing.assert_array_equal(model.decode(model.labels), np.full((10, 3), 7.0, np.float32))


def test_one_code_is_the_mean():
    x = blobs(50)
    model = ResidualKMeans(1, 1).fit(x)
    np.testing.assert_allclose(model.codebooks[0][0], x.mean(axis=0), rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("few_swaps")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_tensors_of_any_float_type(dtype):
    x = torch.from_numpy(blobs(60)).to(dtype).requires_grad_()
    array = x.detach().to(torch.float32 if dtype == torch.bfloat16 else dtype).numpy()
    from_tensor, from_array = ResidualKMeans(2, 4).fit(x), ResidualKMeans(2, 4).fit(array)
    np.testing.assert_array_equal(from_tensor.encode(x), from_array.encode(array))
    codes = torch.from_numpy(from_array.labels)
    np.testing.assert_array_equal(from_tensor.decode(codes), from_array.decode(from_array.labels))


@pytest.fixture(scope="module")
def stored(shared) -> list[tuple]:
    """(items, codebooks, codes by kind, figures by peer) of each stored set."""
    arrays = np.load(shared / "oracle/rq/residual_kmeans.npz")
    table = json.loads((shared / "oracle/rq/residual_kmeans.json").read_text())
    kinds = ("constrained_codes", "constrained_nearest_codes")
    return [
        (arrays[f"{name}/X"], list(arrays[f"{name}/constrained_codebooks"]),
         [arrays[f"{name}/{kind}"].T for kind in kinds], table[name])
        for name in ("n2000_d6", "n2000_d64")
    ]  # fmt: skip


def test_stored_statistics(stored):
    for x, books, kinds, table in stored:
        for codes, prefix in zip(kinds, ("", "nearest_"), strict=True):
            expected = table["constrained"][f"{prefix}mse_per_level"]
            np.testing.assert_allclose(residual_mse(x, codes, books), expected, rtol=1e-6)
            assert collision_rate(codes) == pytest.approx(table["constrained"][f"{prefix}collision_rate"], abs=1e-12)
            sizes = cluster_sizes(codes, 16)
            assert [[row.min(), row.max()] for row in sizes] == table["constrained"][f"{prefix}sizes_min_max"]


def test_stored_nearest_codes(stored):
    for x, books, (_, nearest), _ in stored:
        model = ResidualKMeans(3, 16)
        model.codebooks = books
        assert (model.encode(x, beam=1) == nearest).mean() > 0.999


def test_no_worse_than_the_stored_peers(stored):
    for x, _, _, table in stored:
        model = ResidualKMeans(3, 16).fit(x)
        faiss = table["faiss_rq_train1_encode5"]["mse_per_level"]
        assert residual_mse(x, model.encode(x), model.codebooks)[-1] <= faiss[-1]
        assert model.residual_mse[-1] <= table["sklearn_unconstrained"]["mse_per_level"][-1]


def test_file_round_trip(tmp_path, fitted):
    x, model = fitted
    model.save(tmp_path / "books.npz")
    loaded = ResidualKMeans.load(tmp_path / "books.npz")
    assert (loaded.levels, loaded.codebook_size, loaded.labels) == (3, 12, None)
    np.testing.assert_array_equal(loaded.encode(x), model.encode(x))
    np.testing.assert_array_equal(loaded.decode(model.labels), model.decode(model.labels))
    assert [path.name for path in tmp_path.iterdir()] == ["books.npz"]
    assert sorted(np.load(tmp_path / "books.npz").files) == ["codebook_0", "codebook_1", "codebook_2"]


def test_bad_values_are_named():
    x = blobs(20)
    x[3, 1], x[7, 0] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"2 of 20 rows \(3, 7\)"):
        ResidualKMeans(1, 4).fit(x)
    with pytest.raises(ValueError, match="too few"):
        ResidualKMeans(1, 30).fit(blobs(20))
    with pytest.raises(ValueError, match="items, dim"):
        ResidualKMeans(1, 2).fit(np.zeros(5))
    with pytest.raises(ValueError, match="beyond float32"):
        ResidualKMeans(1, 2).fit(np.array([[1e300], [0.0], [2e300]]))
    with pytest.raises(ValueError, match="less than float32 can hold"):
        ResidualKMeans(1, 2).fit(blobs(20).astype(np.float64) * 1e-60)
    with pytest.raises(ValueError, match=r"at least one row and one column, has the shape \(0, 5\)"):
        ResidualKMeans(1, 2).fit(blobs(20)[:0])
    for levels, size in ((0, 4), (2, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            ResidualKMeans(levels, size)


def test_bad_codes_and_widths_are_named(fitted):
    x, model = fitted
    with pytest.raises(ValueError, match="4 columns, expected 5"):
        model.encode(x[:, :4])
    with pytest.raises(ValueError, match="beam"):
        model.encode(x, beam=0)
    codes = model.labels.copy()
    codes[1, 9] = 12
    with pytest.raises(ValueError, match=r"level 1 must be within 0 .. 11: item 9 has 12"):
        model.decode(codes)
    codes[1, 9] = -1
    with pytest.raises(ValueError, match="item 9 has -1"):
        model.decode(codes)
    with pytest.raises(ValueError, match="4 levels"):
        model.decode(np.zeros((4, 2), np.int64))
    with pytest.raises(ValueError, match="400"):
        residual_mse(x, model.labels[:, :10], model.codebooks)
    with pytest.raises(ValueError, match="0 codebooks"):
        residual_mse(x, model.labels, [])
    with pytest.raises(ValueError, match="codebook 1 has 1 columns, expected 5"):
        residual_mse(x, model.labels, [model.codebooks[0], model.codebooks[1][:, :1], model.codebooks[2]])
    for unfitted in (lambda: ResidualKMeans(1, 2).encode(x), lambda: ResidualKMeans(1, 2).decode(codes)):
        with pytest.raises(ValueError, match="fit"):
            unfitted()


@pytest.mark.parametrize("kind", [np.int64, np.uint32, np.uint64])
def test_tuple_keys_are_equal_exactly_where_tuples_are(kind):
    rng = np.random.default_rng(0)
    # Eight levels of 2^31 codes do not fit one number: groups are renumbered on the way.
    codes = (2**31 - 1 - rng.integers(0, 2, (8, 300)) * rng.choice([1, 2**31 - 1], (8, 1))).astype(kind)
    codes[:, 150:] = codes[:, :150]
    keys = tuple_keys(codes)
    same = (codes[:, :, None] == codes[:, None, :]).all(axis=0)
    np.testing.assert_array_equal(keys[:, None] == keys[None, :], same)
