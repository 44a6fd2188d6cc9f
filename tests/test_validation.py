"""Every configuration of the main job refuses what makes no sense, and says which field, which rule, which value."""

import math
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, get_type_hints

import pytest

from gsseg.codebook.levels import MOST_CODES, CodebookConfig
from gsseg.config import Preset, TrainConfig, preset
from gsseg.features.fit import FeatureConfig
from gsseg.features.opengaussian import OpenGaussianConfig
from gsseg.objects.agreement import Odds
from gsseg.objects.atoms import AtomConfig
from gsseg.objects.build import ObjectConfig
from gsseg.objects.grouping import GroupingConfig
from gsseg.objects.joining import JoiningConfig, JoinOdds
from gsseg.objects.votes import AssignmentConfig
from gsseg.sample import MaskNoise, RoomConfig
from gsseg.sample import preset as room_preset
from gsseg.validation import check_choice, check_flag, check_real, check_whole

CONFIGS = (
    TrainConfig, FeatureConfig, OpenGaussianConfig, CodebookConfig, GroupingConfig, Odds, AssignmentConfig,
    JoiningConfig, JoinOdds, AtomConfig, ObjectConfig, RoomConfig, MaskNoise,
)  # fmt: skip

OF_EITHER_SIGN = (JoinOdds,)
"""Their numbers may be negative."""

NUMBERS = [
    pytest.param(config, each.name, kind, id=f"{config.__name__}.{each.name}")
    for config in CONFIGS
    for each in fields(config)
    if (kind := get_type_hints(config)[each.name]) in (int, float)
]


def refused(config: type, **values: Any) -> str:
    """What a configuration of these values says. They are put in afterwards: the tests check types on the way in."""
    spoilt = config()
    for name, value in values.items():
        object.__setattr__(spoilt, name, value)
    with pytest.raises(ValueError, match=r"\A[\w *+]+: is [^\n]*, must be [^\n]+\Z") as caught:
        spoilt.__post_init__()
    return str(caught.value)


@pytest.mark.parametrize(("config", "name", "kind"), NUMBERS)
def test_numbers_are_finite_numbers(config: type, name: str, kind: type) -> None:
    negative = () if config in OF_EITHER_SIGN else (-1,)
    for value in (math.nan, math.inf, -math.inf, True, False, "3", None, *negative):
        assert refused(config, **{name: value}).startswith(f"{name}: is {value!r}, must be ")
    if kind is int:
        assert refused(config, **{name: 1.0}) == f"{name}: is 1.0, must be a whole number"


def test_all_parts_of_the_main_configuration_are_tested() -> None:
    def parts(config: Any) -> set[type]:
        below = [getattr(config, each.name) for each in fields(config)]
        return {type(config)}.union(*(parts(value) for value in below if is_dataclass(value)))

    with_values = {part for part in parts(TrainConfig()) if any(not is_dataclass(v) for v in vars(part()).values())}
    assert with_values <= set(CONFIGS)


@pytest.mark.parametrize(
    ("config", "values", "says"),
    [
        (CodebookConfig, {"coarse": 0}, "coarse: is 0, must be at least 1"),
        (CodebookConfig, {"fine": -3}, "fine: is -3, must be at least 1"),
        (CodebookConfig, {"coarse": 6554}, "coarse * fine: is 6554 * 10 codes, must be at most 65535"),
        (CodebookConfig, {"target": "mean"}, "target: is 'mean', must be one of map, mask_mean"),
        (FeatureConfig, {"temperature": 0.0}, "temperature: is 0.0, must be above 0"),
        (Odds, {"same": 1.0}, "same: is 1.0, must be below 1"),
        (AssignmentConfig, {"mistake": 0.0}, "mistake: is 0.0, must be above 0"),
        (TrainConfig, {"objective": "pixel"}, "objective: is 'pixel', must be one of masks, pixels"),
        (ObjectConfig, {"start": "masks"}, "start: is 'masks', must be one of atoms, codes"),
        (TrainConfig, {"seed": 1 << 32}, "seed: is 4294967296, must be at most 4294967295"),
        (TrainConfig, {"memory_budget_mb": -1}, "memory_budget_mb: is -1, must be at least 0"),
        (RoomConfig, {"fov_degrees": 180.0}, "fov_degrees: is 180.0, must be below 180"),
        (MaskNoise, {"split": 0.9, "merge": 0.2}, "split + missing + merge: is 0.9 + 0.1 + 0.2, must be at most 1"),
    ],
)
def test_rules(config: type, values: dict[str, Any], says: str) -> None:
    assert refused(config, **values) == says


def test_the_largest_codebook_is_allowed() -> None:
    assert CodebookConfig(coarse=MOST_CODES // 255, fine=255).coarse * 255 == MOST_CODES
    assert CodebookConfig(coarse=1, fine=MOST_CODES).fine == MOST_CODES


def test_changed_copies_are_checked_too() -> None:
    with pytest.raises(ValueError, match="steps: is -1"):
        replace(FeatureConfig(), steps=-1)


def test_presets_keep_the_rules() -> None:
    for name in Preset.__args__:
        assert isinstance(preset(name), TrainConfig)
    for name in ("room", "hard", "flat"):
        assert room_preset(name)[0].seed == 0


@dataclass(frozen=True)
class Sample:
    """One field of any kind."""

    value: Any


@pytest.mark.parametrize("value", [0, 5, 10])
def test_bounds_belong_to_the_range(value: int) -> None:
    check_whole(Sample(value), "value", least=0, most=10)
    check_real(Sample(value), "value", least=0, most=10, above=-1, below=11)
    check_real(Sample(float(value)), "value", least=0, most=10)


@pytest.mark.parametrize(
    ("check", "value", "says"),
    [
        (lambda c: check_whole(c, "value", least=0, most=10), 11, "must be at most 10"),
        (lambda c: check_real(c, "value", above=0), 0, "must be above 0"),
        (lambda c: check_real(c, "value", below=0.5), 0.5, "must be below 0.5"),
        (lambda c: check_real(c, "value"), 1e400, "must be a finite number"),
        (lambda c: check_flag(c, "value"), 1, "must be True or False"),
        (lambda c: check_choice(c, "value", ("a", "b")), ["a"], "must be one of a, b"),
    ],
)
def test_checks(check: Any, value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=f"value: is .*, {says}"):
        check(Sample(value))
