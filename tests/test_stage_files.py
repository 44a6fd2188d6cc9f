"""Finished stages on disk: what a file with the right key and checksum holds is still not believed unless it fits."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from gsseg.codebook import Codes
from gsseg.features import FeatureField, MaskEvidence
from gsseg.run.stage_tensors import LAYOUT
from gsseg.run.stages import StageStore, content_key

Forge = Callable[[dict[str, Tensor]], object]

EVIDENCE = MaskEvidence(
    sp.csr_array(np.array([[0.5, 0, 1], [0, 0.25, 0], [0.1, 0, 0]], np.float32)),
    np.array([0, 0, 1], np.int32), np.array([0, 1, 0], np.int32), np.array([True, False, True]),
    np.ones(3, np.float32), np.zeros((2, 3), np.float32),
)  # fmt: skip
FIELD = FeatureField(torch.eye(3, 6), torch.tensor([True, True, False]), {"loss": [1.0, 0.5]})
CODES = Codes(torch.tensor([0, 1, -1]), torch.tensor([1, 2, -1]), torch.zeros(2, 6), torch.ones(4, 6), {"fine": [2.0]})
RESULTS = {"evidence": EVIDENCE, "features": FIELD, "codes": CODES}


class Anew(Exception):
    """The stage is computed again."""


def compute() -> None:
    raise Anew


def forge(path: Path, how: Forge, losses: object = None) -> None:
    """Changes the tensors of a stage's file and makes its checksum right again."""
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    how(tensors)
    header["losses"] = header["losses"] if losses is None else json.dumps(losses)
    save_file(tensors, path, {**header, "content": content_key(tensors, header["losses"])})


@pytest.fixture(params=LAYOUT)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A stage whose file is there."""
    getattr(StageStore(tmp_path, "key", resume=False), request.param)(lambda: RESULTS[request.param])
    return request.param


@pytest.fixture
def read(stage: str, tmp_path: Path) -> Callable[[], object]:
    """Takes the stage from its file; `Anew` where that is not believed."""
    return lambda: getattr(StageStore(tmp_path, "key", resume=True), stage)(compute)


def test_what_was_written_is_taken(stage, read, tmp_path):
    found, kept = read(), RESULTS[stage]
    if isinstance(found, MaskEvidence):
        assert (found.matrix != kept.matrix).nnz == 0
        assert found.central.tolist() == kept.central.tolist()
    else:
        assert found.losses == kept.losses
    forge(tmp_path / f"{stage}.safetensors", lambda tensors: None)
    read()  # forging by itself is believed


@pytest.mark.parametrize("which", range(7))
@pytest.mark.parametrize(
    "how",
    [
        lambda tensors, name: tensors.pop(name),
        lambda tensors, name: tensors.update({name: tensors[name].half()}),
        lambda tensors, name: tensors.update({name: tensors[name][None]}),
        lambda tensors, name: tensors.update({name: tensors[name][:0]}),
        lambda tensors, name: tensors.update({name: torch.cat([tensors[name], tensors[name]])}),
        lambda tensors, name: tensors.update(more=tensors[name].clone()),
    ],
    ids=["missing", "of another type", "of more axes", "empty", "longer", "one more"],
)
def test_tensors_that_cannot_be_the_stages(stage, read, tmp_path, how, which):
    names = sorted(LAYOUT[stage])
    forge(tmp_path / f"{stage}.safetensors", lambda tensors: how(tensors, names[which % len(names)]))
    with pytest.raises(Anew):
        read()


FORGED: dict[str, list[Forge]] = {
    "evidence": [
        lambda tensors: tensors["indices"].fill_(3),
        lambda tensors: tensors["indices"].fill_(-1),
        lambda tensors: tensors["indptr"].fill_(9),
        lambda tensors: tensors["row_view"].fill_(5),
        lambda tensors: tensors["row_view"].copy_(torch.tensor([0, 1, 0])),
        lambda tensors: tensors["row_label"].fill_(-1),
        lambda tensors: tensors["values"].fill_(float("nan")),
    ],
    "features": [lambda tensors: tensors["features"].fill_(float("inf"))],
    "codes": [
        lambda tensors: tensors["fine"].fill_(4),
        lambda tensors: tensors["coarse"].fill_(1),
        lambda tensors: tensors["fine_codebook"].fill_(float("nan")),
    ],
}


def test_numbers_that_lead_nowhere(stage, read, tmp_path):
    path = tmp_path / f"{stage}.safetensors"
    content = path.read_bytes()
    for how in FORGED[stage]:
        forge(path, how)
        with pytest.raises(Anew):
            read()
        path.write_bytes(content)
    for losses in ([], {"a": 1}, {"a": ["x"]}):
        forge(path, lambda tensors: None, losses)
        with pytest.raises(Anew):
            read()
