"""Learning on a GPU: gsplat's rasterization and its strategies of growth, as its simple trainer uses them.

gsplat 1.5.3 (Ye et al. 2024; examples/simple_trainer.py): a parameter and an Adam a group, the strategy before and
after the way back. Written against gsplat's source; it has never run on a card.
"""

import numpy as np
import torch
from gsplat import rasterization
from gsplat.strategy import DefaultStrategy, MCMCStrategy
from gsplat.strategy.ops import remove
from jaxtyping import Float, Float32
from numpy import ndarray
from torch import Tensor

from gsseg.scene import GSPLAT_RENDER, Camera, Gaussians
from gsseg.splats.brightness import first_exposures
from gsseg.splats.config import SplatConfig
from gsseg.splats.exposure import Exposures
from gsseg.splats.initial import Points, initial_model
from gsseg.splats.learner import Lesson, Outcome, backdrop, rates
from gsseg.splats.photos import PhotoCache
from gsseg.splats.torch_loss import photometric_loss

SIMPLE_TRAINER_STEPS = 30_000
"""What gsplat's intervals are meant for: they are scaled to the steps of this training, as its trainer scales them."""
SIMPLE_TRAINER_MEAN_RATE = 1.6e-4
"""The rate of means that MCMC's noise is relative to."""
NEVER, ALWAYS = 0, 1 << 30
"""Steps after which a strategy refines no more."""
FADED = -20.0
"""Opacity logit of what is to go."""
MOMENTS = ("exp_avg", "exp_avg_sq", "step")
"""What torch's Adam keeps of a parameter."""


class GpuLearner:
    """A `Learner`. Float atomics of its kernels make no two trainings the same to the bit."""

    def __init__(
        self, config: SplatConfig, photos: PhotoCache, extent: float, points: Points, device: str = "cuda"
    ) -> None:
        self.config, self.extent, self.device = config, extent, torch.device(device)
        self._free = points.free if config.clear_space and not config.freeze_points else None
        self.exposures = Exposures(config, first_exposures(config.exposure, photos, points))
        first = initial_model(points, config.sh_degree).gaussians
        values = {
            "means": first.means, "scales": first.log_scales, "quats": first.quats_wxyz,
            "opacities": first.opacity_logits, "sh0": first.sh[:, :1], "shN": first.sh[:, 1:],
        }  # fmt: skip
        if config.sh_degree == 0:
            del values["shN"]
        self.params = {name: torch.nn.Parameter(value.clone().to(self.device)) for name, value in values.items()}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam([param], lr=0.0, eps=1e-15) for name, param in self.params.items()
        }
        self.strategy = _strategy(config)
        self.growth = (
            self.strategy.initialize_state()
            if isinstance(self.strategy, MCMCStrategy)
            else self.strategy.initialize_state(scene_scale=extent)
        )
        self.strategy.check_sanity(self.params, self.optimizers)

    def __len__(self) -> int:
        return len(self.params["means"])

    @property
    def gaussians(self) -> Gaussians:
        """As `Learner` says."""
        values = {name: param.detach().float().cpu() for name, param in self.params.items()}
        return Gaussians(
            means=values["means"],
            log_scales=values["scales"],
            quats_wxyz=torch.nn.functional.normalize(values["quats"], dim=1),
            opacity_logits=values["opacities"],
            sh=torch.cat([values["sh0"], values["shN"]], 1) if "shN" in values else values["sh0"],
            drawable=torch.ones(len(self), dtype=torch.bool),
        )

    def learn(self, lesson: Lesson) -> Outcome:
        """As `Learner` says."""
        config, photo, width = self.config, lesson.photo, lesson.photo.camera.width
        behind = self._tensor(backdrop(config, lesson))
        exposure = self._tensor(self.exposures.at(lesson.index, lesson.share)).requires_grad_()
        picture, info = self._draw(photo.camera, lesson.degree, behind)
        target, seen = self._tensor(photo.pixels[:, :, :width]), None
        if photo.clear is not None:
            target = target + self._tensor(photo.clear[:, :width]) * behind[:, None, None]
        if photo.seen is not None:
            seen = self._tensor(photo.seen[:, :width])
        exposed = exposure[0, :, None, None] * picture + exposure[1, :, None, None]
        fit, error = photometric_loss(exposed, target, config.ssim_share, seen)
        opacities, scales = self.params["opacities"].sigmoid().mean(), self.params["scales"].exp().mean()
        loss = fit + config.opacity_cost * opacities + config.scale_cost / self.extent * scales
        if not config.freeze_points and isinstance(self.strategy, DefaultStrategy):
            self.strategy.step_pre_backward(self.params, self.optimizers, self.growth, lesson.step, info)
        loss.backward()
        means_rate = self._step(lesson)
        if not config.freeze_points:
            self._grow(lesson, info, means_rate)
        if (lesson.step + 1) % config.refine_every == 0:
            self._clear()
        if exposure.grad is not None:
            self.exposures.learn(lesson.index, exposure.grad.cpu().numpy(), lesson.share)
        return Outcome(float(fit.detach()), float(error))

    def finish(self) -> None:
        """As `Learner` says: colours are as they were learnt."""
        self._clear()

    def _clear(self) -> None:
        """Fades what hangs where nothing is; the strategies take faded Gaussians away, or use them elsewhere."""
        if self._free is not None:
            empty = self._free.empty(self.params["means"].detach().cpu().numpy().astype(np.float64))
            with torch.no_grad():
                self.params["opacities"][torch.from_numpy(empty).to(self.device)] = FADED

    def state(self) -> dict[str, ndarray]:
        """As `Learner` says."""
        arrays = {name: param.detach() for name, param in self.params.items()}
        for name, param in self.params.items():
            known = self.optimizers[name].state.get(param, {})
            arrays |= {f"{name}.{moment}": known[moment] for moment in MOMENTS if moment in known}
        arrays |= {f"growth.{name}": value for name, value in self.growth.items() if isinstance(value, Tensor)}
        return {name: value.cpu().numpy() for name, value in arrays.items()} | self.exposures.state()

    def restore(self, state: dict[str, ndarray]) -> None:
        """As `Learner` says."""
        rows = {len(state[name]) for name in self.params}
        if len(rows) != 1 or not all(np.isfinite(state[name]).all() for name in self.params):
            raise ValueError("its arrays do not belong together")
        self.exposures.restore(state)
        for name in self.params:
            if state[name].shape[1:] != tuple(self.params[name].shape[1:]):
                raise ValueError(f"{name} has the shape {state[name].shape}")
            param = torch.nn.Parameter(self._tensor(state[name]))
            self.params[name] = param
            optimizer = torch.optim.Adam([param], lr=0.0, eps=1e-15)
            if f"{name}.step" in state:
                moments = {moment: torch.from_numpy(state[f"{name}.{moment}"].copy()) for moment in MOMENTS}
                optimizer.state[param] = {k: v if k == "step" else v.to(self.device) for k, v in moments.items()}
            self.optimizers[name] = optimizer
        kept = [name for name in state if name.startswith("growth.")]
        self.growth |= {name.removeprefix("growth."): self._tensor(state[name]) for name in kept}

    def _draw(
        self, camera: Camera, degree: int, behind: Float[Tensor, "3"]
    ) -> tuple[Float[Tensor, "3 height width"], dict]:
        """The picture over a colour, and what gsplat says of the Gaussians that it drew, a row for each of them."""
        params = self.params
        colors = torch.cat([params["sh0"], params["shN"]], 1) if "shN" in params else params["sh0"]
        lens = [[camera.fx, 0.0, camera.cx], [0.0, camera.fy, camera.cy], [0.0, 0.0, 1.0]]
        pictures, _, info = rasterization(
            means=params["means"], quats=params["quats"], scales=params["scales"].exp(),
            opacities=params["opacities"].sigmoid(), colors=colors, sh_degree=degree,
            viewmats=self._tensor(np.asarray(camera.T_camera_world, np.float32))[None],
            Ks=torch.tensor(lens, device=self.device)[None], width=camera.width, height=camera.height,
            near_plane=GSPLAT_RENDER.near_plane, eps2d=GSPLAT_RENDER.dilation, packed=True, backgrounds=behind[None],
        )  # fmt: skip
        return pictures[0].permute(2, 0, 1), info

    def _step(self, lesson: Lesson) -> float:
        """One step of every group's Adam; returns the rate of means."""
        means, scales, quats, opacities, base, rest = rates(self.config, lesson.share, self.extent)
        paces = {"means": means, "scales": scales, "quats": quats, "opacities": opacities, "sh0": base, "shN": rest}
        for name, optimizer in self.optimizers.items():
            optimizer.param_groups[0]["lr"] = paces[name]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return means

    def _grow(self, lesson: Lesson, info: dict, means_rate: float) -> None:
        """What the strategy does after a step, within the number of Gaussians that there may be."""
        strategy, most = self.strategy, lesson.most
        strategy.refine_stop_iter = NEVER if most is None else ALWAYS
        known = (self.params, self.optimizers, self.growth, lesson.step, info)
        cuda = [self.device] if self.device.type == "cuda" else []
        # Strategies draw from torch's own generator: seeded by the step, so that a resumed training draws the same.
        with torch.random.fork_rng(cuda):
            torch.manual_seed((self.config.seed << 24) % (1 << 62) + lesson.step)
            if isinstance(strategy, MCMCStrategy):
                strategy.cap_max = len(self) if most is None else most
                strategy.step_post_backward(*known, lr=means_rate)
                return
            if most is not None:
                strategy.grow_grad2d = self._least_gradient(most - len(self))
            strategy.step_post_backward(*known, packed=True)
        if most is not None and len(self) > max(most, 1):
            # This step's gradients count for the strategy, but not yet for the threshold: of what is too many for
            # that, the faintest go again.
            faintest = torch.argsort(self.params["opacities"].detach())[: len(self) - max(most, 1)]
            spare = torch.zeros(len(self), dtype=torch.bool, device=self.device)
            spare[faintest] = True
            remove(self.params, self.optimizers, self.growth, spare)

    def _least_gradient(self, room: int) -> float:
        """Gradient above which DefaultStrategy may add one for each Gaussian: it knows no most of its own."""
        if self.growth["grad2d"] is None:  # before the first step
            return DefaultStrategy.grow_grad2d
        gradients = self.growth["grad2d"] / self.growth["count"].clamp_min(1)
        if room >= len(gradients):
            return DefaultStrategy.grow_grad2d
        least = gradients.sort(descending=True).values[max(room, 0)]
        return max(DefaultStrategy.grow_grad2d, float(least)) if room > 0 else float("inf")

    def _tensor(self, values: Float32[ndarray, "..."]) -> Float32[Tensor, "..."]:
        return torch.from_numpy(np.array(values, np.float32)).to(self.device)


def _strategy(config: SplatConfig) -> MCMCStrategy | DefaultStrategy:
    scale = config.iterations / SIMPLE_TRAINER_STEPS
    start, every, reset = (max(1, round(steps * scale)) for steps in (500, 100, 3000))
    if config.gpu_strategy == "default":
        return DefaultStrategy(
            prune_opa=config.dead_opacity, refine_start_iter=start, refine_every=every, reset_every=reset
        )
    # The noise is the strategy's constant times the rate of means, and ours is for shorter trainings.
    noise = MCMCStrategy.noise_lr * SIMPLE_TRAINER_MEAN_RATE / max(config.mean_rate, 1e-12)
    return MCMCStrategy(
        cap_max=config.max_gaussians, noise_lr=noise, refine_start_iter=start, refine_every=every,
        min_opacity=config.dead_opacity,
    )  # fmt: skip
