"""The model, its start from a file of codebooks, and its file."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from gsseg.errors import InputError
from gsseg.quantize.residual.quantizer import ResidualKMeans
from gsseg.quantize.rqvae.checkpoint import ENTRY, load_rqvae, read_checkpoint, save_rqvae
from gsseg.quantize.rqvae.evaluation import evaluate_rqvae
from gsseg.quantize.rqvae.model import RQVAE, RQVAEConfig
from gsseg.quantize.rqvae.warm_start import warm_started

SMALL = RQVAEConfig(input_dim=6, latent_dim=3, hidden=(16, 8), levels=2, codebook_size=5)
PLUS = RQVAEConfig.plus(6, hidden=(16,), levels=3, codebook_size=5)


def items_of(count: int = 40, dim: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


@pytest.fixture
def codebooks(tmp_path):
    """A file of three codebooks (5, 6), and the codebooks."""
    words = {f"codebook_{i}": items_of(5, 6, 10 + i) / (1 + i) for i in range(3)}
    np.savez(tmp_path / "codebooks.npz", **words)
    return tmp_path / "codebooks.npz", list(words.values())


def greedy(items: np.ndarray, codebooks: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Codes and sums of words of residual quantization, plainly."""
    left, codes = items.astype(np.float64), []
    for words in codebooks:
        codes.append(np.square(left[:, None] - words.astype(np.float64)).sum(-1).argmin(1))
        left = left - words[codes[-1]]
    return np.array(codes), items - left


@pytest.mark.parametrize("config", [SMALL, PLUS, replace(SMALL, gradient="per_level", hidden=())])
def test_shapes_and_agreement_of_the_three_ways_through(config):
    model, items = RQVAE(config).eval(), items_of()
    reconstruction, loss, codes = model(torch.from_numpy(items))
    assert reconstruction.shape == (40, 6)
    assert codes.shape == (config.levels, 40)
    assert loss.item() >= 0
    assert torch.equal(model.encode(items), codes)
    torch.testing.assert_close(model.decode(codes), reconstruction)
    torch.testing.assert_close(model.decode(codes.numpy().astype(np.uint8)), reconstruction)


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    first = RQVAE(SMALL, 3).state_dict()
    before = torch.get_rng_state()
    second, other = RQVAE(SMALL, 3).state_dict(), RQVAE(SMALL, 4).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["encoder.0.weight"], other["encoder.0.weight"])


def test_permuting_items_permutes_codes_and_sinkhorn_plays_no_part():
    model, items, order = RQVAE(SMALL), items_of(), np.random.default_rng(0).permutation(40)
    codes = model.encode(items)
    assert torch.equal(model.encode(items[order]), codes[:, order])
    balanced = RQVAE(replace(SMALL, sinkhorn_epsilons=(0.01, None)))
    assert torch.equal(balanced.encode(items), codes)
    assert balanced.training
    assert not torch.equal(balanced(torch.from_numpy(items))[2][0], codes[0])


def test_residual_networks_start_as_the_identity():
    model, items = RQVAE(PLUS), torch.from_numpy(items_of())
    assert torch.equal(model.latents(items), items)
    assert torch.equal(model.reconstruct(items), items)
    plain = RQVAE(replace(PLUS, encoder="mlp", decoder="mlp"))
    assert not torch.equal(plain.latents(items), items)


def test_a_warm_start_has_the_codes_and_the_error_of_its_codebooks(codebooks):
    path, words = codebooks
    items = items_of()
    codes, sums = greedy(items, words)
    model = warm_started(PLUS, path).eval()
    assert model.started
    np.testing.assert_array_equal(model.encode(items), codes)
    np.testing.assert_allclose(model.decode(codes).numpy(), sums, atol=1e-6)
    assert evaluate_rqvae(model, items).reconstruction == pytest.approx(np.square(items - sums).mean(), rel=1e-6)
    source = warm_started(replace(PLUS, decoder="mlp", gradient="per_level"), path)
    np.testing.assert_array_equal(source.encode(items), codes)
    assert evaluate_rqvae(source, items).reconstruction > 1.2 * np.square(items - sums).mean()


def test_a_warm_start_has_the_stored_figures_at_epoch_0(shared, tmp_path):
    with np.load(shared / "oracle/rq/residual_kmeans.npz", allow_pickle=False) as data:
        items, nearest = data["n2000_d64/X"], data["n2000_d64/constrained_nearest_codes"]
        np.savez(
            tmp_path / "c.npz", **{f"codebook_{i}": c for i, c in enumerate(data["n2000_d64/constrained_codebooks"])}
        )
    known = json.loads((shared / "oracle/rq/rqvae.json").read_text())["rqkmeans_plus_warm_seed7"]["epoch0"]
    model = warm_started(RQVAEConfig.plus(64), tmp_path / "c.npz")
    np.testing.assert_array_equal(model.encode(items).T, nearest)
    start = evaluate_rqvae(model, items)
    assert start.collision_rate == pytest.approx(known["collision_rate"], abs=1e-12)
    assert start.quantization == pytest.approx(known["quant_loss"], rel=1e-5)
    assert start.reconstruction == pytest.approx(known["latent_quant_mse"], rel=1e-5)


def test_the_file_gives_the_model_back(tmp_path):
    config = replace(SMALL, sinkhorn_epsilons=(None, 0.02))
    model = RQVAE(config, 5)
    model.start_codebooks_(items_of(), 0)
    save_rqvae(tmp_path / "sub" / "m.safetensors", model)
    again = load_rqvae(tmp_path / "sub" / "m.safetensors")
    assert again.config == config
    assert not again.training
    assert all(torch.equal(again.state_dict()[name], value) for name, value in model.state_dict().items())
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["m.safetensors"]


def test_files_that_are_no_model(tmp_path):
    path = tmp_path / "m.safetensors"
    save_rqvae(path, RQVAE(SMALL))
    whole = path.read_bytes()
    for content, problem in (
        (None, "does not exist"), (b"", "is empty"), (whole[:-4], "no whole safetensors"),
        (whole[:40], "no whole safetensors"), (b"\x80\x04" + whole, "no whole safetensors"),
        (whole.replace(b'\\"format\\": 1', b'\\"format\\": 9'), "has the format 9"),
        (whole.replace(b'\\"levels\\": 2', b'\\"levels\\": 3'), "does not fit together"),
        (whole.replace(b'\\"levels\\": 2', b'\\"levelz\\": 2'), "does not fit together"),
        (whole.replace(b'\\"levels\\": 2', b'\\"levels\\": 0'), "does not fit together"),
    ):  # fmt: skip
        assert content != whole
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=re.escape(f"{path}: ") + f".*{problem}") as error:
            read_checkpoint(path)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="is a folder"):
        read_checkpoint(tmp_path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="not of an RQ-VAE"):
        read_checkpoint(path)
    save_file({"a": torch.zeros(1)}, path, {ENTRY: "[1"})
    with pytest.raises(InputError, match="no whole safetensors"):
        read_checkpoint(path)


def test_a_refused_write_leaves_the_earlier_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written"):
        save_rqvae(tmp_path / "file" / "m.safetensors", RQVAE(SMALL))
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        save_rqvae(tmp_path / "folder", RQVAE(SMALL))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"codebook_2": None}, "codebook_2 is missing for a model of 3 levels"),
        ({"codebook_3": np.zeros((5, 6))}, "codebook_3 is too many for a model of 3 levels"),
        ({f"codebook_{i}": np.zeros((5, 7)) for i in range(3)}, r"codebook_0 is of shape \(5, 7\), not \(5, 6\)"),
        ({"codebook_0": None, "codebook_1": None, "codebook_2": None}, "codebook_0"),
        ({"codebook_1": None}, "codebook_1"),
        ({"codebook_0": np.full((5, 6), np.nan)}, "codebook_0"),
        ({"codebook_0": np.full((5, 6), None)}, "npz"),
    ],
)  # fmt: skip
def test_codebooks_at_fault(codebooks, change, problem):
    path, words = codebooks
    values = {f"codebook_{i}": word for i, word in enumerate(words)} | change
    np.savez(path, **{key: value for key, value in values.items() if value is not None})
    with pytest.raises(InputError, match=re.escape(f"{path}: ") + f".*{problem}.*; .") as error:
        warm_started(PLUS, path)
    assert "\n" not in str(error.value)


def test_a_file_of_residual_k_means_warms(tmp_path):
    items = items_of(200)
    fitted = ResidualKMeans(3, 5, balanced=True).fit(items)
    fitted.save(tmp_path / "codebooks.npz")
    model = warm_started(PLUS, tmp_path / "codebooks.npz")
    np.testing.assert_array_equal(model.encode(items), fitted.encode(items, beam=1))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"latent_dim": 3, "encoder": "residual"}, "latent_dim must equal input_dim: 3 is not 6"),
        ({"latent_dim": 3, "decoder": "residual"}, "latent_dim must equal input_dim: 3 is not 6"),
        ({"levels": 0}, "levels = 0"),
        ({"hidden": (8, 0)}, r"hidden\[1\] = 0"),
        ({"beta": -0.1}, "beta"),
        ({"beta": float("nan")}, "beta"),
        ({"beta": float("inf")}, "beta"),
        ({"sinkhorn_epsilons": (float("inf"),) * SMALL.levels}, "None, and finite"),
        ({"sinkhorn_iterations": -1}, "sinkhorn_iterations"),
        ({"sinkhorn_epsilons": (0.1,)}, "1 sinkhorn_epsilons for 2 levels"),
        ({"sinkhorn_epsilons": (0.1, 0.0)}, "positive or None"),
    ],
)  # fmt: skip
def test_configurations_that_do_not_fit(change, problem):
    with pytest.raises(ValueError, match=problem):
        replace(SMALL, **change)


def test_the_plus_variant_refuses_another_latent_width():
    with pytest.raises(ValueError, match="latent_dim must equal input_dim"):
        RQVAEConfig.plus(6, latent_dim=4)


def test_widths_in_a_list_are_those_of_the_checkpoint(tmp_path):
    config = RQVAEConfig(6, 4, hidden=[8], levels=2, codebook_size=3, sinkhorn_epsilons=[None, 0.1])
    save_rqvae(tmp_path / "m.safetensors", RQVAE(config))
    assert load_rqvae(tmp_path / "m.safetensors").config == config


def test_tensors_of_half_precision_are_items():
    model, items = RQVAE(SMALL), torch.from_numpy(items_of()).bfloat16()
    assert torch.equal(model.encode(items), model.encode(items.float()))


def test_items_and_codes_that_do_not_fit():
    model, items = RQVAE(SMALL), items_of()
    items[[3, 9], 0] = np.nan, np.inf
    with pytest.raises(ValueError, match=re.escape("2 of 40 rows (3, 9)")):
        model.encode(items)
    with pytest.raises(ValueError, match="beyond float32"):
        model.encode(np.full((2, 6), 1e200))
    with pytest.raises(ValueError, match="5 columns, expected 6"):
        model.encode(items_of(4, 5))
    with pytest.raises(ValueError, match="at least one row"):
        model.encode(items_of(0))
    with pytest.raises(ValueError, match="3 levels"):
        model.decode(np.zeros((3, 4), np.int64))
    with pytest.raises(ValueError, match="codes have 1 levels, the model 2"):
        model.decode(np.zeros((1, 4), np.int64))
    with pytest.raises(ValueError, match=r"codes of level 0 must be within 0 \.\. 4: item 1 has 5"):
        model.decode(np.array([[0, 5, 0], [0, 0, -1]]))
