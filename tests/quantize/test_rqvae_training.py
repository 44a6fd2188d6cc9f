"""Training: it learns, it is a function of its seed, and an interruption leaves no trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsseg.errors import InputError
from gsseg.quantize.rqvae.checkpoint import load_rqvae, save_rqvae
from gsseg.quantize.rqvae.evaluation import evaluate_rqvae
from gsseg.quantize.rqvae.model import RQVAE, RQVAEConfig
from gsseg.quantize.rqvae.training import RQVAETraining, train_rqvae

CONFIG = RQVAEConfig.plus(6, hidden=(16,), levels=2, codebook_size=6)
SHORT = RQVAETraining(epochs=6, batch_size=64, warmup_epochs=1, evaluate_every=2)


class Stopped(Exception):
    pass


@pytest.fixture(scope="module")
def items() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(12, 6))
    return (centres[rng.integers(0, 12, 300)] + 0.3 * rng.normal(size=(300, 6))).astype(np.float32)


@pytest.fixture(scope="module")
def model(items) -> RQVAE:
    """A model of CONFIG with started codebooks."""
    started = RQVAE(CONFIG)
    started.start_codebooks_(items, 0)
    return started


def as_config(model: RQVAE, config: RQVAEConfig) -> RQVAE:
    """The same tensors under a configuration of the same shapes."""
    other = RQVAE(config)
    other.load_state_dict(model.state_dict())
    return other


def stop_at(epoch: int):
    def progress(done, total, evaluation):
        if done == epoch:
            raise Stopped

    return progress


def same(a: RQVAE, b: RQVAE) -> bool:
    return all(torch.equal(value, b.state_dict()[name]) for name, value in a.state_dict().items())


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, gradient="per_level"),
        replace(CONFIG, sinkhorn_epsilons=(None, 0.05)),
        RQVAEConfig(6, 4, hidden=(32,), levels=2, codebook_size=6),
    ],
    ids=["plus", "per level", "sinkhorn", "mlp"],
)
def test_training_lowers_the_reconstruction_loss(items, config):
    trained = train_rqvae(RQVAE(config), items, replace(SHORT, epochs=30, learning_rate=3e-3))
    start, end = trained.evaluations[0], trained.evaluations[-1]
    assert end.reconstruction < 0.9 * start.reconstruction
    assert evaluate_rqvae(trained.last, items, 30) == end


def test_the_given_model_stays_and_the_seed_decides(items, model):
    before = as_config(model, CONFIG)
    state = torch.get_rng_state()
    first = train_rqvae(model, items, SHORT, seed=1)
    second = train_rqvae(model, torch.from_numpy(items).double(), SHORT, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert same(model, before)
    assert same(first.last, second.last)
    assert first.evaluations == second.evaluations
    assert not same(first.last, train_rqvae(model, items, SHORT, seed=2).last)


def test_the_number_of_threads_does_not_matter(items, model):
    threads = torch.get_num_threads()
    try:
        results = []
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(train_rqvae(model, items, SHORT).last)
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert same(*results)


def test_progress_and_evaluations(items, model):
    seen = []
    trained = train_rqvae(model, items, replace(SHORT, epochs=5), progress=lambda *told: seen.append(told))
    assert [(done, total) for done, total, _ in seen] == [(i, 5) for i in range(1, 6)]
    assert [evaluation.epoch for *_, evaluation in seen] == [0, 2, 2, 4, 5]
    assert [evaluation.epoch for evaluation in trained.evaluations] == [0, 2, 4, 5]


def test_codebooks_start_from_data_once(items):
    model = RQVAE(CONFIG)
    trained = train_rqvae(model, items, SHORT)
    assert trained.last.started
    assert trained.evaluations[0].reconstruction < 0.5 * evaluate_rqvae(model, items).reconstruction
    again = train_rqvae(trained.last, items, SHORT)
    assert again.evaluations[0].reconstruction == trained.evaluations[-1].reconstruction


def test_best_models_are_the_best_evaluations(items, model, tmp_path):
    training = replace(SHORT, epochs=12, evaluate_every=1, learning_rate=0.05, warmup_epochs=0)
    trained = train_rqvae(model, items, training, folder=tmp_path)
    after = trained.evaluations[1:]
    for name in ("reconstruction", "collision_rate"):
        best = min(after, key=lambda evaluation: getattr(evaluation, name))
        model = getattr(trained, f"best_{name}")
        assert evaluate_rqvae(model, items, best.epoch) == best
        assert same(load_rqvae(tmp_path / f"best_{name}.safetensors"), model)
    assert same(load_rqvae(tmp_path / "last.safetensors"), trained.last)
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors"}


@pytest.mark.parametrize("stop", [2, 3, 5])
def test_a_resumed_run_equals_an_uninterrupted_one(items, model, tmp_path, stop):
    model = as_config(model, replace(CONFIG, sinkhorn_epsilons=(None, 0.05)))
    whole = train_rqvae(model, items, SHORT, 7, tmp_path / "whole")
    with pytest.raises(Stopped):
        train_rqvae(model, items, SHORT, 7, tmp_path / "cut", progress=stop_at(stop))
    resumed = train_rqvae(model, items, SHORT, 7, tmp_path / "cut", resume=True)
    assert resumed.evaluations == whole.evaluations
    for name in ("last", "best_reconstruction", "best_collision_rate"):
        assert same(getattr(resumed, name), getattr(whole, name))
        ours, theirs = (tmp_path / folder / f"{name}.safetensors" for folder in ("cut", "whole"))
        assert ours.read_bytes() == theirs.read_bytes()


def test_more_epochs_later(items, model, tmp_path):
    training = replace(SHORT, evaluate_every=1)
    whole = train_rqvae(model, items, training)
    train_rqvae(model, items, replace(training, epochs=3), folder=tmp_path)
    longer = train_rqvae(model, items, training, folder=tmp_path, resume=True)
    assert same(longer.last, whole.last)
    assert longer.evaluations == whole.evaluations
    again = train_rqvae(model, items, training, folder=tmp_path, resume=True)
    assert same(again.best_reconstruction, whole.best_reconstruction)


def test_what_cannot_be_resumed(items, model, tmp_path):
    with pytest.raises(ValueError, match="needs the folder"):
        train_rqvae(model, items, SHORT, resume=True)
    with pytest.raises(InputError, match=r"last\.safetensors: does not exist"):
        train_rqvae(model, items, SHORT, folder=tmp_path, resume=True)
    save_rqvae(tmp_path / "last.safetensors", model)
    with pytest.raises(InputError, match="a model alone"):
        train_rqvae(model, items, SHORT, folder=tmp_path, resume=True)

    train_rqvae(model, items, SHORT, folder=tmp_path)

    def resume(model=model, items=items, training=SHORT, seed=0):
        train_rqvae(model, items, training, seed, tmp_path, resume=True)

    with pytest.raises(InputError, match="another configuration"):
        resume(model=as_config(model, replace(CONFIG, beta=0.5)))
    with pytest.raises(InputError, match="other seed"):
        resume(seed=1)
    with pytest.raises(InputError, match="other items"):
        resume(items=items[::-1].copy())
    with pytest.raises(InputError, match="other learning_rate"):
        resume(training=replace(SHORT, learning_rate=1.0))
    with pytest.raises(InputError, match="after 6 epochs, more than the 3"):
        resume(training=replace(SHORT, epochs=3))
    path = tmp_path / "last.safetensors"
    path.write_bytes(path.read_bytes().replace(b"optimizer.0.exp_avg_sq", b"optimizer.0.exp_avg_sx"))
    with pytest.raises(InputError, match="does not fit together"):
        resume()


def test_bad_input(items, model):
    broken = items.copy()
    broken[4, 1] = np.nan
    with pytest.raises(ValueError, match=r"1 of 300 rows \(4\)"):
        train_rqvae(model, broken, SHORT)
    with pytest.raises(ValueError, match="5 columns, expected 6"):
        train_rqvae(model, items[:, :5], SHORT)
    with pytest.raises(ValueError, match="not finite after 0 epochs"):
        train_rqvae(model, items, replace(SHORT, learning_rate=1e30))


@pytest.mark.parametrize(
    "change",
    [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0.0}, {"clip_norm": float("nan")}, {"warmup_epochs": -1}],
    ids=str,
)  # fmt: skip
def test_training_values_out_of_range(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(SHORT, **change)
