"""What makes a room lived in: lamps, plants, pictures, windows, rugs, screens.

Frame as in `gsseg.sample.mesh`; sizes are metres, colours sRGB in 0..1.
"""

from gsseg.sample.furniture import DARK, WHITE, Color, Piece
from gsseg.sample.mesh import Finish, Mesh, box, cylinder, joined, lathe, leaf


def floor_lamp(shade: Color) -> Piece:
    """A foot, a pole and a glowing shade, 1.6 m high."""
    pole = joined([cylinder(0.15, 0.025, (0, 0, 0), DARK), cylinder(0.014, 1.35, (0, 0, 0.025), DARK)])
    return Piece("floor lamp", joined([pole, _shade(0.21, 0.14, 0.28, 1.33, shade).part(1)]))


def _shade(low: float, high: float, height: float, z: float, color: Color) -> Mesh:
    profile = [(0, 0.01), (low, 0), (high, height), (0, height - 0.01)]
    return lathe(profile, color, Finish.GLOW, (0, 0, z))


def big_plant(pot: Color, leaves: int, height: float, turns: float) -> Piece:
    """A pot with a fan of bent leaves; ``turns`` degrees make two plants of a kind differ a little."""
    vessel = lathe([(0, 0), (0.13, 0), (0.17, 0.28), (0.15, 0.28), (0.14, 0.25), (0, 0.25)], pot)
    foliage = []
    for k in range(leaves):
        pitch = 80 - 55 * ((k * 0.618) % 1.0)
        green = (0.16 + 0.1 * (k % 3) / 2, 0.42 + 0.12 * (k % 4) / 3, 0.15)
        reach = (height - 0.25) * (0.75 + 0.25 * (k % 2))
        foliage.append(leaf(reach, 0.16, (0, 0, 0.25), pitch, 137.5 * k + turns, green))
    return Piece("plant", joined([vessel, joined(foliage).part(1)]))


def picture(width: float, height: float, frame: Color, tint: Color) -> Piece:
    """A framed picture, its back towards +y, its lower edge at z = 0."""
    border = box((width, 0.03, height), (0, 0, 0), frame, Finish.WOOD)
    canvas = box((width - 0.08, 0.01, height - 0.08), (0, -0.018, 0.04), tint, Finish.PICTURE)
    return Piece("picture", joined([border, canvas.part(1)]))


def window(width: float, height: float) -> Piece:
    """A bright pane behind a white frame, its back towards +y."""
    bars = [box((width, 0.05, 0.06), (0, 0, z), WHITE) for z in (0, height - 0.06)]
    bars += [box((0.06, 0.05, height), (x, 0, 0), WHITE) for x in (-width / 2 + 0.03, 0, width / 2 - 0.03)]
    pane = box((width - 0.04, 0.01, height - 0.04), (0, 0.015, 0.02), (0.75, 0.87, 0.98), Finish.SKY)
    return Piece("window", joined([*bars, pane.part(1)]))


def rug(width: float, depth: float, color: Color, finish: Finish) -> Piece:
    """A flat patterned rug."""
    border = box((width, depth, 0.012), (0, 0, 0), tuple(0.6 * c for c in color), Finish.CLOTH)
    middle = box((width - 0.2, depth - 0.2, 0.015), (0, 0, 0), color, finish)
    return Piece("rug", joined([border, middle.part(1)]))


def television(width: float) -> Piece:
    """A screen on a foot."""
    screen = box((width, 0.04, width * 0.57), (0, 0, 0.06), DARK)
    glass = box((width - 0.03, 0.006, width * 0.57 - 0.03), (0, -0.022, 0.075), (0.10, 0.13, 0.18), Finish.SCREEN)
    foot = joined([box((0.32, 0.18, 0.015), (0, 0, 0), DARK), box((0.06, 0.04, 0.06), (0, 0, 0.01), DARK)])
    return Piece("monitor" if width < 0.8 else "television", joined([screen, glass.part(1), foot.part(2)]))
