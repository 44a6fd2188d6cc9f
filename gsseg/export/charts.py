"""Small charts as inline SVG, in the colours of the page around them."""

import html
import math
from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 300, 150, 46, 18, 8
"""Of one curve, in SVG units: the whole, and the margins that hold the numbers."""

_MOST_POINTS = 240
"""A curve is drawn through at most so many of its points: more than the screen has pixels for."""

_DECADES = 1.5
"""A curve that spans more powers of ten than this is drawn on a logarithmic axis."""


def curve(name: str, values: Sequence[float | int]) -> str:
    """A loss over its steps, with first and last value in the heading; nothing where no value is finite."""
    points = [(step, value) for step, value in enumerate(values) if math.isfinite(value)]
    if not points:
        return ""
    kept = points[:: max(1, -(-len(points) // _MOST_POINTS))]
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    low, high = min(v for _, v in points), max(v for _, v in points)
    logarithmic = low > 0 and math.log10(high / low) > _DECADES
    bottom, top = (math.log10(low), math.log10(high)) if logarithmic else (low, high)
    across, up = _WIDTH - _LEFT - 6, _HEIGHT - _BOTTOM - _TOP
    last_step = max(1, points[-1][0])

    def place(step: int, value: float | int) -> str:
        height = 0.5 if top == bottom else ((math.log10(value) if logarithmic else value) - bottom) / (top - bottom)
        return f"{_LEFT + across * step / last_step:.1f},{_TOP + up * (1.0 - height):.1f}"

    ends = f"{number(points[0][1])} &rarr; {number(points[-1][1])}" if len(points) > 1 else number(points[0][1])
    floor = _TOP + up
    return (
        f'<figure class="curve"><figcaption>{html.escape(name)} <b>{ends}</b></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f'<path class="axis" d="M{_LEFT},{_TOP}V{floor}H{_WIDTH - 6}"/>'
        f'<text x="{_LEFT - 5}" y="{_TOP + 8}" text-anchor="end">{number(high)}</text>'
        f'<text x="{_LEFT - 5}" y="{floor}" text-anchor="end">{number(low)}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 4}">0</text>'
        f'<text x="{_WIDTH - 6}" y="{_HEIGHT - 4}" text-anchor="end">step {len(values) - 1}'
        f"{', log scale' if logarithmic else ''}</text>"
        f'<polyline class="line" points="{" ".join(place(*point) for point in kept)}"/>'
        f'<circle class="dot" r="3" cx="{place(*points[-1]).split(",")[0]}" cy="{place(*points[-1]).split(",")[1]}"/>'
        "</svg></figure>"
    )


def bars(values: Mapping[str, float | int], unit: str) -> str:
    """Horizontal bars, one a name, in the order given; negative values are drawn as none."""
    longest = max([value for value in values.values() if math.isfinite(value)], default=0.0) or 1.0
    rows = "".join(
        f'<div class="bar"><span>{html.escape(name)}</span>'
        f'<i style="width:{100.0 * min(1.0, max(0.0, value / longest)) if math.isfinite(value) else 0.0:.1f}%"></i>'
        f"<b>{number(value)} {html.escape(unit)}</b></div>"
        for name, value in values.items()
    )
    return f'<div class="bars">{rows}</div>'


def number(value: float | int) -> str:
    """A number as a person reads it: three significant digits, thousands set apart."""
    if not math.isfinite(value):
        return "&ndash;"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", "&#8239;")
    if abs(value) >= 1000:
        return f"{round(value):,}".replace(",", "&#8239;")
    return f"{value:.3g}"
