"""Measured figures beside the committed ones, as text."""

import json
from importlib import resources


def load_baseline() -> dict:
    """The committed result of `run_bench`, measured on the machine that its ``machine`` entry describes."""
    return json.loads(resources.files("gsseg.bench").joinpath("baseline.json").read_text(encoding="utf-8"))


def table(result: dict, baseline: dict | None = None) -> str:
    """Lines of text: for each size and quantizer every figure in milliseconds, every ratio and quality, beside the
    baseline's.

    Figures compare only on one machine; ratios compare anywhere.
    """
    lines = []
    for size, measured in result["sizes"].items():
        counts = measured["counts"]
        lines.append(
            f"{counts['gaussians']} Gaussians ({counts['visible']} in view), {counts['pixels']} pixels, "
            f"{counts['entries_per_pixel']} entries a pixel, {counts['masks']} masks"
        )
        lines += _figures(measured, (baseline or {}).get("sizes", {}).get(size, {}))
    for name, measured in result["quantizers"].items():
        counts = ", ".join(f"{value} {label.replace('_', ' ')}" for label, value in measured["counts"].items())
        lines.append(f"{name}: {counts}")
        known = (baseline or {}).get("quantizers", {}).get(name, {})
        lines += _figures(measured, known if known.get("counts") == measured["counts"] else {})
    lines.append(f"peak memory {result['peak_memory_mb']:.0f} MiB")
    return "\n".join(lines)


def _figures(measured: dict, known: dict) -> list[str]:
    lines = [f"  {'':<52}{'min':>12}{'median':>12}{'baseline min':>14}"]
    for name, seconds in measured["seconds"].items():
        before = known.get("seconds", {}).get(name)
        shown = "" if before is None else f"{1e3 * before['min']:.2f} ms"
        lines.append(f"  {name:<52}{1e3 * seconds['min']:9.2f} ms{1e3 * seconds['median']:9.2f} ms{shown:>14}")
    for name, ratio in measured["ratios"].items():
        before = known.get("ratios", {}).get(name)
        lines.append(f"  {name:<52}{ratio:10.1f} x{'':12}{'' if before is None else f'{before:.1f} x':>14}")
    for name, value in measured.get("quality", {}).items():
        before = known.get("quality", {}).get(name)
        lines.append(f"  {name:<52}{value:12.5g}{'':12}{'' if before is None else f'{before:.5g}':>14}")
    return lines
