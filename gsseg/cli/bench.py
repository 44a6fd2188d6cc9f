"""``gsseg bench``: speed and memory, beside the committed baseline."""

from dataclasses import dataclass

from gsseg.bench import Group, load_baseline, run_bench, table
from gsseg.cli.command import Command, parse_command
from gsseg.cli.device import Device, renders_on
from gsseg.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Bench(Command):
    """Measure blending weights, training steps, a pick, quantizers and memory at 100 thousand and a million Gaussians.

    Ratios within one run can be compared between machines, milliseconds cannot.
    """

    quick: bool = False
    """Only 100 thousand Gaussians."""
    parts: tuple[Group, ...] = ("weights", "quantizers")
    """What to measure; splats = a step of learning splats from photos."""
    device: Device = "auto"
    """Where weights are measured beside the processor, on which all is; auto = a GPU where one can be used."""

    def execute(self) -> None:
        """Measures, and prints the figures beside the baseline's."""
        if not self.parts:
            raise InputError("--parts", "names nothing to measure", "give weights, quantizers or splats")
        if self.device != "auto" and "weights" not in self.parts:
            raise InputError("--device", "is for weights, and they are not measured", "add --parts weights")
        device = renders_on(self.device if "weights" in self.parts else "cpu", self.output)
        baseline = load_baseline()
        with self.output.progress() as progress:
            result = run_bench(self.quick, self.parts, progress, device)
        self.output.say(table(result, baseline))
        self.output.finish({**result.to_json(), "baseline": baseline.to_json()})


def parse(args: list[str]) -> Bench:
    """Options of ``gsseg bench``."""
    return parse_command("bench", Bench, args)
