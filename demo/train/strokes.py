"""Digits as pen strokes, made up from nothing: the training data of the demo's model.

Each digit has several ways to write it (`VARIANTS`), a list of strokes made of lines, cubic Beziers and arcs in a unit box
(x to the right, y down). `sample` picks one, moves its control points, bends it, adds hand tremor and an affine map, and returns
polylines. `rasterise` is the very preprocessing of the page (demo/raster.ts): fit the bounding box into FIT of SIZE pixels, centre it,
and draw each segment by distance. The two are kept equal by demo/models/digits.fixture.json, which the page's tests read.
"""
import math

import numpy as np

SIZE, FIT = 28, 20.0


def line(*points):
    return ('line', points)


def curve(*points):
    """Cubic Beziers: a start and then three points for each piece."""
    return ('curve', points)


def arc(cx, cy, rx, ry, start, sweep):
    """Part of an ellipse; angles in turns, clockwise, 0 at the right."""
    return ('arc', (cx, cy, rx, ry, start, sweep))


VARIANTS = {
    0: [
        [[arc(.5, .5, .34, .5, -.25, -1.0)]],
        [[arc(.5, .5, .34, .5, -.20, -1.08)]],
        [[arc(.5, .5, .42, .48, -.25, 1.0)]],
        [[arc(.5, .5, .30, .5, .75, -.94)]],
    ],
    1: [
        [[line((.5, 0), (.5, 1))]],
        [[line((.28, .25), (.52, 0), (.52, 1))]],
        [[line((.26, .24), (.5, 0), (.5, 1))], [line((.22, 1), (.78, 1))]],
        [[line((.62, 0), (.42, 1))]],
        [[curve((.22, .3), (.35, .25), (.5, .12), (.56, 0)), line((.56, 0), (.54, 1))]],
    ],
    2: [
        [[curve((.12, .28), (.16, -.1), (.86, -.1), (.84, .28), (.82, .5), (.4, .7), (.1, 1)), line((.1, 1), (.9, 1))]],
        [[curve((.14, .25), (.25, -.1), (.9, -.06), (.8, .34), (.72, .6), (.3, .8), (.12, .98)),
          curve((.12, .98), (.3, .8), (.4, .9), (.55, .96), (.7, 1.02), (.85, .98), (.92, .9))]],
        [[curve((.12, .2), (.3, -.08), (.85, -.05), (.78, .32), (.7, .62), (.2, .85), (.14, .92), (.02, 1.04), (.1, .7), (.3, .85)),
          curve((.3, .85), (.5, 1), (.7, 1.02), (.92, .92))]],
        [[line((.12, .1), (.5, 0)), curve((.5, 0), (.95, .02), (.9, .35), (.6, .6)), line((.6, .6), (.1, 1), (.9, .98))]],
    ],
    3: [
        [[curve((.15, .16), (.3, -.08), (.85, -.06), (.82, .24), (.8, .44), (.6, .48), (.42, .48)),
          curve((.42, .48), (.65, .48), (.9, .54), (.88, .76), (.84, 1.08), (.3, 1.08), (.1, .84))]],
        [[line((.14, .02), (.82, .02), (.44, .42)), curve((.44, .42), (.7, .4), (.92, .52), (.9, .72), (.86, 1.06), (.3, 1.08), (.1, .86))]],
        [[curve((.15, .12), (.4, -.08), (.9, .02), (.76, .3), (.7, .42), (.55, .46), (.36, .5)),
          curve((.36, .5), (.42, .4), (.5, .44), (.62, .46), (.95, .55), (.95, .85), (.6, .97), (.4, 1.03), (.2, .98), (.08, .88))]],
        [[arc(.42, .25, .4, .25, -.40, .65), arc(.42, .75, .44, .25, -.25, .65)]],
    ],
    4: [
        [[line((.3, 0), (.1, .62), (.9, .62))], [line((.68, .3), (.66, 1))]],
        [[line((.72, 1), (.72, 0), (.06, .68), (.94, .68))]],
        [[line((.14, 0), (.12, .5), (.82, .5))], [line((.84, 0), (.82, 1))]],
        [[curve((.2, .02), (.12, .3), (.08, .52), (.3, .54), (.5, .56), (.68, .5), (.78, .42))], [line((.84, .02), (.78, 1))]],
        [[line((.62, 0), (.06, .66), (.94, .64))], [line((.64, .02), (.62, 1))]],
    ],
    5: [
        [[line((.86, .02), (.24, .02), (.18, .46)), curve((.18, .46), (.4, .32), (.9, .36), (.88, .7), (.84, 1.06), (.3, 1.06), (.1, .88))]],
        [[line((.22, .02), (.18, .44)), curve((.18, .44), (.5, .3), (.92, .42), (.86, .72), (.8, 1.05), (.3, 1.06), (.1, .9))], [line((.22, .03), (.88, .0))]],
        [[line((.84, 0), (.3, .04)), curve((.3, .04), (.22, .2), (.2, .3), (.22, .4), (.5, .4), (.85, .5), (.82, .74), (.76, 1.04), (.3, 1.02), (.12, .94))]],
        [[curve((.9, .04), (.7, .08), (.4, .04), (.3, .06)), curve((.3, .06), (.24, .2), (.18, .36), (.2, .42), (.35, .36), (.75, .4), (.8, .66), (.82, .95), (.4, 1.06), (.1, .92))]],
    ],
    6: [
        [[curve((.7, 0), (.35, .1), (.1, .45), (.12, .72), (.16, 1.08), (.84, 1.1), (.86, .74), (.86, .42), (.3, .4), (.14, .72))]],
        [[curve((.8, .06), (.5, -.08), (.14, .3), (.14, .66), (.14, 1.1), (.8, 1.1), (.84, .72), (.86, .44), (.4, .4), (.18, .62))]],
        [[curve((.46, 0), (.2, .35), (.1, .6), (.16, .78), (.26, 1.08), (.8, 1.06), (.82, .78), (.82, .5), (.36, .46), (.18, .74))]],
        [[line((.6, 0), (.2, .6)), curve((.2, .6), (.02, .95), (.4, 1.02), (.55, 1), (.9, .96), (.92, .52), (.56, .52), (.3, .52), (.18, .7), (.2, .8))]],
    ],
    7: [
        [[line((.1, .02), (.88, .02), (.38, 1))]],
        [[line((.1, .04), (.86, .04), (.42, 1))], [line((.32, .52), (.82, .5))]],
        [[line((.12, .2), (.12, .04), (.86, .04)), curve((.86, .04), (.6, .35), (.46, .6), (.42, 1))]],
        [[curve((.08, .08), (.3, -.02), (.6, .1), (.88, .02)), curve((.88, .02), (.66, .4), (.5, .7), (.46, 1))]],
        [[line((.1, .2), (.14, .03), (.86, .02), (.4, 1))], [line((.3, .5), (.76, .5))]],
    ],
    8: [
        [[curve((.78, .16), (.6, -.08), (.14, -.04), (.2, .26), (.26, .5), (.84, .46), (.84, .76), (.84, 1.08), (.14, 1.08), (.16, .76)),
          curve((.16, .76), (.18, .5), (.74, .46), (.8, .22), (.82, .14), (.8, .1), (.74, .08))]],
        [[arc(.5, .24, .27, .24, .25, 1.0), arc(.5, .74, .34, .26, -.25, 1.0)]],
        [[arc(.5, .76, .34, .25, -.25, -1.0), arc(.5, .25, .28, .26, .25, -1.0)]],
        [[curve((.5, .5), (.1, .36), (.2, -.02), (.52, 0), (.84, .02), (.86, .38), (.5, .5), (.06, .64), (.1, 1), (.5, 1), (.9, 1), (.94, .64), (.5, .5))]],
    ],
    9: [
        [[arc(.46, .3, .34, .3, -.05, -1.0), line((.8, .24), (.74, 1))]],
        [[curve((.8, .22), (.7, -.08), (.16, -.06), (.16, .3), (.16, .62), (.7, .62), (.82, .22)), curve((.82, .22), (.86, .6), (.8, .9), (.56, 1))]],
        [[curve((.8, .2), (.66, -.08), (.14, -.04), (.16, .3), (.2, .6), (.76, .54), (.82, .2)), curve((.82, .2), (.88, .7), (.8, 1.02), (.46, 1), (.3, .99), (.22, .92), (.18, .86))]],
        [[arc(.46, .28, .34, .28, .0, -1.0), curve((.8, .28), (.76, .5), (.6, .85), (.46, 1))]],
    ],
}


def _flatten(part, rng, jitter):
    kind, args = part
    if kind == 'arc':
        cx, cy, rx, ry, start, sweep = args
        cx, cy = cx + rng.normal(0, jitter), cy + rng.normal(0, jitter)
        rx, ry = rx * (1 + rng.normal(0, 2 * jitter)), ry * (1 + rng.normal(0, 2 * jitter))
        t = 2 * math.pi * (start + rng.normal(0, .02) + (sweep + rng.normal(0, .03)) * np.linspace(0, 1, 25))
        return np.stack([cx + rx * np.cos(t), cy + ry * np.sin(t)], 1)
    points = np.array(args) + rng.normal(0, jitter, (len(args), 2))
    if kind == 'line':
        t = np.linspace(0, 1, 7)[:, None]
        pieces = [a + (b - a) * t for a, b in zip(points[:-1], points[1:])]
    else:
        t = np.linspace(0, 1, 13)[:, None]
        pieces = [
            (1 - t) ** 3 * points[i] + 3 * (1 - t) ** 2 * t * points[i + 1] + 3 * (1 - t) * t * t * points[i + 2] + t ** 3 * points[i + 3]
            for i in range(0, len(points) - 3, 3)
        ]
    return np.concatenate(pieces)


def sample(digit, rng):
    """Strokes of one written digit: a list of float arrays [n, 2]."""
    variants = VARIANTS[digit]
    strokes = variants[rng.integers(len(variants))]
    jitter = rng.uniform(.0, .045)
    lines = [np.concatenate([_flatten(part, rng, jitter) for part in stroke]) for stroke in strokes]
    # A smooth bend of the plane, tremor of the hand, then a width, slant and turn of one's own.
    bend, phase, freq = rng.normal(0, .025, 2), rng.uniform(0, 6.28, 2), rng.uniform(2, 7, 2)
    width, slant, turn = math.exp(rng.normal(-.12, .22)), rng.normal(.12, .22), rng.normal(0, .12)
    c, s = math.cos(turn), math.sin(turn)
    affine = np.array([[c, -s], [s, c]]) @ np.array([[width, -slant], [0, 1]])
    out = []
    for p in lines:
        p = p + np.stack([bend[0] * np.sin(freq[0] * p[:, 1] + phase[0]), bend[1] * np.sin(freq[1] * p[:, 0] + phase[1])], 1)
        p = p + rng.normal(0, rng.uniform(0, .008), p.shape)
        if rng.random() < .12:  # the pen lands early or lifts late
            cut = rng.integers(1, 4)
            p = p[cut:] if rng.random() < .5 else p[:-cut]
        out.append((p - .5) @ affine.T)
    return out


def rasterise(strokes, half_width):
    """[SIZE, SIZE] in 0..1: ink where a segment is nearer than half_width pixels, with one pixel of smooth edge."""
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    scale = FIT / max((high - low).max(), 1e-6)
    # A single dot has no extent; it stays a dot instead of filling the field.
    scale = scale if (high - low).max() > 1e-6 else 1.0
    shift = SIZE / 2 - scale * (low + high) / 2
    centre = np.arange(SIZE) + .5
    px, py = np.meshgrid(centre, centre)
    nearest = np.full((SIZE, SIZE), np.inf)
    for stroke in strokes:
        p = stroke * scale + shift
        a, b = (p[:-1], p[1:]) if len(p) > 1 else (p, p)
        d = b - a
        length2 = np.maximum((d * d).sum(1), 1e-12)
        rx, ry = px[..., None] - a[:, 0], py[..., None] - a[:, 1]
        t = np.clip((rx * d[:, 0] + ry * d[:, 1]) / length2, 0, 1)
        nearest = np.minimum(nearest, np.sqrt((rx - t * d[:, 0]) ** 2 + (ry - t * d[:, 1]) ** 2).min(-1))
    return np.clip(half_width + .5 - nearest, 0, 1).astype(np.float32)
