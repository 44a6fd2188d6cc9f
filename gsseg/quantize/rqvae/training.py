"""Trains an `RQVAE`: reconstruction loss + weight x quantization loss, AdamW with a linear warm-up, clipped gradients.

"Best" is judged in evaluation mode (nearest codes) over all items, from epoch 1 on: by the reconstruction loss and by
the collision rate. The quantization loss takes no part, for it grows with the latents' own scale while everything gets
better. A run is a function of model, items, configuration and seed: not of the number of threads, and not of
interruptions.
"""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Float32
from numpy import ndarray
from torch import Tensor
from torch.nn import functional

from gsseg.errors import InputError
from gsseg.files.digest import sha256
from gsseg.quantize.rqvae.checkpoint import prefixed, read_checkpoint, save_rqvae, unprefixed
from gsseg.quantize.rqvae.evaluation import Evaluation, evaluate_rqvae
from gsseg.quantize.rqvae.model import RQVAE
from gsseg.threads import one_torch_thread

BESTS = ("reconstruction", "collision_rate")
"""The fields of `Evaluation` of which the best model is kept."""


@dataclass(frozen=True)
class RQVAETraining:
    """How to train. Raises ValueError where a value is out of its range."""

    epochs: int = 200
    """Passes over the items, >= 1."""
    batch_size: int = 512
    """Items a step; the last batch of an epoch is smaller."""
    learning_rate: float = 1e-3
    """AdamW's (Loshchilov and Hutter 2019), after the warm-up. Three times as much lowers the error of 2000 training
    items further, but not that of items held out."""
    weight_decay: float = 1e-4
    """AdamW's."""
    warmup_epochs: int = 10
    """Epochs over which the learning rate rises linearly from 0."""
    clip_norm: float = 1.0
    """Largest norm of the gradient of all parameters together."""
    quantization_weight: float = 1.0
    """Of the quantization loss beside the reconstruction loss."""
    evaluate_every: int = 10
    """Epochs between evaluations, which are also when checkpoints are written; the last epoch is always one."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "evaluate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"RQVAETraining: {name} must be at least 1, is {getattr(self, name)}")
        for name in ("learning_rate", "clip_norm"):
            if not getattr(self, name) > 0:
                raise ValueError(f"RQVAETraining: {name} must be positive, is {getattr(self, name)}")
        for name in ("weight_decay", "warmup_epochs", "quantization_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"RQVAETraining: {name} must not be negative, is {getattr(self, name)}")


@dataclass(frozen=True, eq=False)
class TrainedRQVAE:
    """What training gives back; all models are in evaluation mode."""

    last: RQVAE
    """After the last epoch."""
    best_reconstruction: RQVAE
    """Of the evaluation with the lowest reconstruction loss (the first of equals)."""
    best_collision_rate: RQVAE
    """Of the evaluation with the lowest collision rate (the first of equals)."""
    evaluations: tuple[Evaluation, ...]
    """In order, the first one before training."""


def train_rqvae(
    model: RQVAE,
    items: Float[Tensor, "items dim"] | Float[ndarray, "items dim"],
    training: RQVAETraining = RQVAETraining(),
    seed: int = 0,
    folder: Path | str | None = None,
    resume: bool = False,
    progress: Callable[[int, int, Evaluation], None] = lambda done, total, evaluation: None,
) -> TrainedRQVAE:
    """Trains a copy of ``model``; codebooks not ``started`` yet start with balanced residual k-means on a first batch.

    With a ``folder``, each evaluation writes ``last.safetensors`` (all that ``resume`` needs) and, where it is better,
    ``best_reconstruction.safetensors`` and ``best_collision_rate.safetensors``, for `load_rqvae`. With ``resume``,
    training goes on from ``last.safetensors`` as if it had never stopped, bit for bit: ``model`` then gives the
    configuration alone, and ``epochs`` may be more than before. ``progress`` is told epochs done, all epochs and the
    latest evaluation, after each epoch.

    Raises ValueError where items are not finite or of another width, and where the loss stops being finite;
    `InputError` where the folder cannot be written, has no usable ``last.safetensors`` to resume, or one of another
    model configuration, training, seed or items.
    """
    rows = model.checked(items)
    if resume and folder is None:
        raise ValueError("train_rqvae: resume needs the folder to resume from")
    run = _Run(copy.deepcopy(model), rows, training, seed)
    with one_torch_thread():
        if resume and folder is not None:
            run.restore(Path(folder) / "last.safetensors")
        else:
            run.start()
        while run.epoch < training.epochs:
            run.train_epoch()
            if run.epoch % training.evaluate_every == 0 or run.epoch == training.epochs:
                better = run.evaluate()
                if folder is not None:
                    run.store(Path(folder), better)
            progress(run.epoch, training.epochs, run.evaluations[-1])
    return TrainedRQVAE(
        last=run.model.eval(),
        best_reconstruction=run.best_model("reconstruction"),
        best_collision_rate=run.best_model("collision_rate"),
        evaluations=tuple(run.evaluations),
    )


@dataclass(eq=False)
class _Run:
    """A training run between two epochs."""

    model: RQVAE
    items: Float32[Tensor, "items dim"]
    training: RQVAETraining
    seed: int
    epoch: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)
    best: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    """For each of `BESTS` the tensors of its model."""

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)
        self.parameters = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(
            self.parameters, self.training.learning_rate, weight_decay=self.training.weight_decay, fused=True
        )

    def start(self) -> None:
        if not self.model.started:
            first = max(self.training.batch_size, 32 * self.model.config.codebook_size)
            chosen = torch.randperm(len(self.items), generator=self.generator)[:first]
            self.model.start_codebooks_(self.items[chosen], self.seed)
        self.evaluate()

    def train_epoch(self) -> None:
        self.model.train()
        batches = torch.randperm(len(self.items), generator=self.generator).split(self.training.batch_size)
        warmup = self.training.warmup_epochs * len(batches)
        for step, batch in enumerate(batches, start=1 + self.epoch * len(batches)):
            rate = self.training.learning_rate * min(1.0, step / max(warmup, 1))
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            items = self.items[batch]
            reconstruction, quantization, _ = self.model(items)
            loss = functional.mse_loss(reconstruction, items) + self.training.quantization_weight * quantization
            self._check_finite(loss.item())
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.parameters, self.training.clip_norm)
            self.optimizer.step()
        self.epoch += 1

    def _check_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise ValueError(
                f"train_rqvae: the loss is not finite after {self.epoch} epochs: lower the learning rate "
                f"({self.training.learning_rate}), or bring the items to unit variance"
            )

    def evaluate(self) -> list[str]:
        """Adds an evaluation; which of `BESTS` the model is now the best of."""
        result = evaluate_rqvae(self.model, self.items, self.epoch)
        self._check_finite(result.reconstruction + result.quantization)
        earlier = [e for e in self.evaluations if e.epoch > 0]
        self.evaluations.append(result)
        if not result.epoch:
            return []
        better = [name for name in BESTS if all(getattr(result, name) < getattr(before, name) for before in earlier)]
        for name in better:
            self.best[name] = {key: value.clone() for key, value in self.model.state_dict().items()}
        return better

    def best_model(self, name: str) -> RQVAE:
        model = copy.deepcopy(self.model)
        model.load_state_dict(self.best[name])
        return model.eval()

    def store(self, folder: Path, better: list[str]) -> None:
        """Bests first: where the process ends in between, resuming makes them again."""
        for name in better:
            save_rqvae(folder / f"best_{name}.safetensors", self.model, header={"epoch": self.epoch})
        tensors = {"generator": self.generator.get_state()}
        for name, best in self.best.items():
            tensors |= prefixed(name, best)
        for index, parameter in enumerate(self.parameters):
            tensors |= prefixed(f"optimizer.{index}", self.optimizer.state[parameter])
        evaluations = [asdict(evaluation) for evaluation in self.evaluations]
        header = {"epoch": self.epoch, "evaluations": evaluations, "made_from": self._origin()}
        save_rqvae(folder / "last.safetensors", self.model, tensors, header)

    def restore(self, path: Path) -> None:
        model, tensors, header = read_checkpoint(path)
        made_from = header.get("made_from")
        if not isinstance(made_from, dict):
            raise InputError(path, "holds a model alone, no state of a training", "resume from a last.safetensors")
        if model.config != self.model.config:
            raise InputError(path, "is of a model with another configuration", "resume with the same one")
        differing = [name for name, value in self._origin().items() if made_from.get(name) != value]
        if differing:
            raise InputError(path, f"is of a training with other {', '.join(differing)}", "resume with the same")
        try:
            self.model.load_state_dict(model.state_dict())
            self.generator.set_state(tensors["generator"])
            state = {}
            for i, like in enumerate(self.parameters):
                moments = {"step": like.new_zeros(()), "exp_avg": like, "exp_avg_sq": like}
                state[i] = _like(moments, unprefixed(f"optimizer.{i}", tensors))
            self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
            self.best = {name: _like(self.model.state_dict(), unprefixed(name, tensors)) for name in BESTS}
            self.evaluations = [Evaluation(**fields) for fields in header["evaluations"]]
            self.epoch = int(header["epoch"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            problem = f"holds a training state that does not fit together ({error})"
            raise InputError(path, problem, "train anew") from error
        if self.epoch > self.training.epochs:
            problem = f"was written after {self.epoch} epochs, more than the {self.training.epochs} asked for"
            raise InputError(path, problem, "ask for more epochs")

    def _origin(self) -> dict[str, Any]:
        """What a resumed run must share with the one it goes on from."""
        fields = {name: value for name, value in asdict(self.training).items() if name != "epochs"}
        return {**fields, "seed": self.seed, "items": sha256(self.items.cpu().numpy())}


def _like(expected: Mapping[str, Tensor], found: dict[str, Tensor]) -> dict[str, Tensor]:
    """``found``, after ValueError unless its names and shapes are those expected."""
    wanted, given = ({name: tuple(value.shape) for name, value in group.items()} for group in (expected, found))
    if wanted != given:
        raise ValueError(f"expected {wanted}, found {given}")
    return found
