"""How the hues of lib/plot/colour.c were found (numpy 2.x; about a minute): python3 tests/golden/plot_palette.py [SEED…]

Simulated annealing over hue, lightness and chroma in OKLab, for a light and a dark ground together (a topic keeps its hue), of the
least distance between any two of nine colours and the grey of the outliers, over normal vision and simulated protanopia,
deuteranopia and tritanopia (Machado et al. 2009, severity 1). Distances under normal vision count 0.6 times, so that they come out
larger; under tritanopia, which is rare, 1.3 times. The palette in colour.c is the best of seeds 0 to 5, its order chosen by hand so that
the first colours differ most. tests/unit/test_plot_colour.c checks the distances of what is in colour.c.
"""
import math
import sys

import numpy as np

CONES = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                  [0.0883024619, 0.2817188376, 0.6299787005]])
LAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660]])
VISIONS = np.array([np.eye(3),
                    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
                    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
                    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]])
WEIGHTS = np.array([0.6, 1, 1, 1.3])
GREYS = '#c9ced4', '#4a525c'
N, STEPS = 9, 9000


def linear(c):
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def encoded(c):
    c = np.clip(c, 0, 1)
    return np.where(c <= 0.0031308, c * 12.92, 1.055 * c ** (1 / 2.4) - 0.055)


def from_hex(h):
    return np.array([int(h[i:i + 2], 16) / 255 for i in (1, 3, 5)])


def to_hex(rgb):
    return '#' + ''.join('%02x' % round(float(v) * 255) for v in rgb)


def rgb(lightness, chroma, hue):
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], -1)
    return ((lab @ np.linalg.inv(LAB).T) ** 3) @ np.linalg.inv(CONES).T


def score(lightness, chroma, hue, grey):
    colours = rgb(lightness, chroma, hue)
    outside = np.sum(np.clip(-colours, 0, None) + np.clip(colours - 1, 0, None))
    shown = np.round(encoded(np.clip(colours, 0, 1)) * 255) / 255
    seen = np.clip(np.einsum('kij,nj->kni', VISIONS, np.vstack([linear(shown), linear(from_hex(grey))[None]])), 0, 1)
    lab = np.cbrt(seen @ CONES.T) @ LAB.T
    d = np.sqrt(((lab[:, :, None] - lab[:, None]) ** 2).sum(-1)) * WEIGHTS[:, None, None]
    least = np.sort(d.min(0)[np.triu_indices(N + 1, 1)])
    return least[0] + 0.1 * least[:8].mean() + 0.02 * chroma.mean() - 20 * outside


def anneal(seed):
    r = np.random.default_rng(seed)
    p = dict(h=r.uniform(0, 2 * np.pi, N), dh=np.zeros(N), L=r.uniform(.45, .8, N), C=np.full(N, .13),
             L2=r.uniform(.62, .88, N), C2=np.full(N, .12))

    def worth(p):
        a, b = score(p['L'], p['C'], p['h'], GREYS[0]), score(p['L2'], p['C2'], p['h'] + p['dh'], GREYS[1])
        return min(a, b) + 0.3 * (a + b)
    now = worth(p)
    best = now, p
    for step in range(STEPS):
        heat = 0.02 * (1 - step / STEPS) ** 2 + 1e-5
        w = 0.3 * (1 - step / STEPS) + .03
        q, i = {k: v.copy() for k, v in p.items()}, r.integers(N)
        q['h'][i] += r.normal() * w
        q['dh'][i] = np.clip(q['dh'][i] + r.normal() * w * .3, -.25, .25)
        q['L'][i] = np.clip(q['L'][i] + r.normal() * .3 * w, .40, .80)
        q['C'][i] = np.clip(q['C'][i] + r.normal() * .15 * w, .085, .19)
        q['L2'][i] = np.clip(q['L2'][i] + r.normal() * .3 * w, .60, .90)
        q['C2'][i] = np.clip(q['C2'][i] + r.normal() * .15 * w, .08, .18)
        e = worth(q)
        if e > now or r.random() < math.exp((e - now) / heat):
            p, now = q, e
        if now > best[0]:
            best = now, p
    p = best[1]
    light = encoded(rgb(p['L'], p['C'], p['h']))
    dark = encoded(rgb(p['L2'], p['C2'], p['h'] + p['dh']))
    return best[0], [to_hex(c) for c in light], [to_hex(c) for c in dark]


for found in sorted((anneal(int(s)) for s in sys.argv[1:] or range(6)), reverse=True):
    print('%.4f\n  light %s\n  dark  %s' % (found[0], ' '.join(found[1]), ' '.join(found[2])))
