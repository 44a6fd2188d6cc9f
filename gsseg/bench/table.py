"""Measured figures beside the committed ones, as text."""

import json
from importlib import resources


def load_baseline() -> dict:
    """The committed result of `run_bench`, measured on the machine that its ``machine`` entry describes."""
    return json.loads(resources.files("gsseg.bench").joinpath("baseline.json").read_text(encoding="utf-8"))


def table(result: dict, baseline: dict | None = None) -> str:
    """Lines of text: for each size every figure in milliseconds and every ratio, beside the baseline's.

    Figures compare only on one machine; ratios compare anywhere.
    """
    lines = []
    for size, measured in result["sizes"].items():
        known = (baseline or {}).get("sizes", {}).get(size, {"seconds": {}, "ratios": {}})
        counts = measured["counts"]
        lines.append(
            f"{counts['gaussians']} Gaussians ({counts['visible']} in view), {counts['pixels']} pixels, "
            f"{counts['entries_per_pixel']} entries a pixel, {counts['masks']} masks"
        )
        lines.append(f"  {'':<52}{'min':>12}{'median':>12}{'baseline min':>14}")
        for name, seconds in measured["seconds"].items():
            before = known["seconds"].get(name)
            shown = "" if before is None else f"{1e3 * before['min']:.2f} ms"
            lines.append(f"  {name:<52}{1e3 * seconds['min']:9.2f} ms{1e3 * seconds['median']:9.2f} ms{shown:>14}")
        for name, ratio in measured["ratios"].items():
            before = known["ratios"].get(name)
            lines.append(f"  {name:<52}{ratio:10.1f} x{'':12}{'' if before is None else f'{before:.1f} x':>14}")
    lines.append(f"peak memory {result['peak_memory_mb']:.0f} MiB")
    return "\n".join(lines)
