"""Paint data/styles/starry.jpg: an impasto night over a village, stroke by stroke.

A crescent moon and ten haloed stars in a swirling sky, hills, a village with lit windows and a
church spire, a wheat field with a lane, cypresses: a scene of our own, made by this code alone and
MIT-licensed like it. Run: python data/styles/paint_starry.py [--output FILE] [--seed N]
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

Map = np.ndarray | complex  # one value for every pixel, or one for all
WIDTH, HEIGHT, SCALE = 1280, 960, 2  # painted SCALE times larger, so that bristles are not jagged
SKY, CRESCENT, FAR, MID, NEAR, LANE, HOUSES, CYPRESS = 0, 1, 2, 3, 4, 5, 6, 99  # from far to near
EDDIES = [(610, 300, 160, 1), (850, 440, 105, -1), (100, 500, 110, -1), (905, 110, 95, -1)]
# the glow of the moon comes first, then the stars: (x, y, radius of the core)
LIGHTS = [(255, 215, 34), (88, 80, 11), (420, 85, 8), (575, 75, 12), (745, 150, 9), (75, 330, 7)]
LIGHTS += [(1005, 270, 14), (1225, 110, 12), (1228, 380, 10), (345, 440, 10), (700, 525, 9)]
COTTAGES = [(560, 728, 60), (150, 750, 84), (262, 742, 70), (820, 744, 66), (470, 746, 74)]
COTTAGES += [(376, 768, 96), (660, 758, 88), (740, 790, 100), (190, 806, 104), (470, 806, 96)]
# palettes: a row of paints in order, then after the bar the stray accents
SKY_PAINTS = "091030 0c1a50 12247a 1a36a0 2450b8 3a78c8 6aa4d8 a8cfe0 e4ecd0|4a3a9a 1f8a98 0a1230"
GLOW_PAINTS = "fffbe0 fff0a0 ffd94a f8b428 f4d860 c8dc88 78c8b0 4a98c8 3060b0|f08a20 ffffff 58a8b0"
FAR_PAINTS = "1a2458 26387c 3a5498 28487c 5a7cb4 443a8a 8098c4|6a4aa0 2a7a90 101838"
MID_PAINTS = "0e2c3c 164a4c 2a6a50 1c5058 5c8c48 8ca850 1a3c60|c0b050 243878 0a1c2c"
NEAR_PAINTS = "3a2c58 6a4428 a86c24 d09a34 f0c04c f8dc80 c87c28 5a6a34|e86a20 3c5c78 fff0b0"
WARM_PAINTS, LANE_PAINTS = "f0a848 f4cc78 d8785a a86aa0|ffe49a", "8a7494 d8b080 f0dcb0|e8a050"
TREE_PAINTS, PANES = "081418 12302a 1c4a34 46662c 14284c|7a6428", "f8a01c ffcc38|f07010"
ROOFS = ["8c3820 c85c2c e08840|5a2038", "2a3478 4a5aa0 1c2050|8088c0", "6a4434 a0704c|30284c"]
WALLS = ["b8b4b0 8c90a8 dcd0b8|f0c878", "a07c5c c8a478 806078|e8d0a0", "5c70a0 8494b8|c8c0c0"]
# (half width and length of the strokes, how many, least and most detail of the places painted)
LAYERS = [(24, 240, 900, 0, 0.6), (13, 190, 1300, 0, 0.8), (8, 130, 1100, 0, 0.9)]
LAYERS += [(6, 60, 3600, 0.3, 1), (3.6, 40, 12000, 0.55, 1)]


def look(layer: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Read a map at the places x + iy, clamped to its border."""
    return layer[at.imag.clip(0, HEIGHT - 1).astype(int), at.real.clip(0, WIDTH - 1).astype(int)]


class Painting:
    """A plan (colour, stroke direction, region and detail of every pixel) and the wet canvas."""

    def __init__(self, seed: int) -> None:
        """Plan the scene, and prime the canvas (colour and height of paint) in dark blue."""
        self.rng, (self.y, self.x) = np.random.default_rng(seed), np.mgrid[:HEIGHT, :WIDTH] + 0.5
        self.colour, self.flow = np.zeros((HEIGHT, WIDTH, 3)), np.ones((HEIGHT, WIDTH), complex)
        self.region, self.detail = np.zeros((2, HEIGHT, WIDTH))
        self.canvas = np.tile(np.float32([14, 22, 48, 0]), (HEIGHT * SCALE, WIDTH * SCALE, 1))
        for plan in (self.plan_sky, self.plan_land, self.plan_village):
            plan()

    def noise(self, cell: int) -> np.ndarray:
        """Make smooth noise in about -1..1 whose blobs are `cell` pixels wide."""
        small = self.rng.uniform(-1, 1, (HEIGHT // cell + 2, WIDTH // cell + 2)).astype(np.float32)
        return np.asarray(Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))

    def fill(self, where: Map, region: int, paints: str, tone: Map, flow: Map, detail: Map) -> None:
        """Give a mask broken colour: each pixel draws a paint near its tone in the palette."""
        rows = [np.frombuffer(bytes.fromhex(r), np.uint8).reshape(-1, 3) for r in paints.split("|")]
        tone, flow, detail = (np.broadcast_to(m, where.shape)[where] for m in (tone, flow, detail))
        pick = np.clip(tone + self.rng.normal(0, 0.06, tone.shape), 0, 0.999)
        colour, odd = rows[0][(pick * len(rows[0])).astype(int)], self.rng.random(len(tone)) < 0.025
        colour[odd] = self.rng.choice(rows[1], odd.sum())
        self.colour[where], self.region[where] = colour, region
        self.flow[where], self.detail[where] = flow / np.abs(flow), detail

    def plan_sky(self) -> None:
        """Plan a stream with eddies, rings of light round moon and stars, and the crescent."""
        at, phase = self.x + 1j * self.y, self.x / 190 + self.y / 500 + 0.6
        flow = 1 + 1j * (0.55 * np.cos(phase) - 0.18 + 0.12 * self.noise(120))
        for x, y, radius, spin in EDDIES + [(x, y, 4.8 * r, (-1) ** r) for x, y, r in LIGHTS]:
            away = (at - x - 1j * y) / radius
            weight = np.exp(-(np.abs(away) ** 4))
            turn = 1j * spin - 0.25 * ((x, y, radius, spin) in EDDIES)  # eddies spiral inwards
            self.detail[np.abs(away) < 0.3] = 0.85  # the eye turns too sharply for broad strokes
            flow = flow / np.abs(flow) * (1 - weight) + away / np.abs(away) * turn * weight
        # noise smeared along the flow gives light and dark currents that follow the stream
        stream = np.exp(-(((self.y - 470 + 0.18 * self.x - 95 * np.sin(phase)) / 60) ** 2))
        seeds = self.noise(10) + 0.5 * self.noise(40) + 0.45 * stream
        walker, current = at, np.zeros(at.shape)
        for _ in range(36):
            current, walker = current + look(seeds, walker), walker + 4 * look(flow, walker)
        tone = 0.4 + 0.19 * (current - current.mean()) / current.std() + self.y / 6000
        self.fill(self.y > 0, SKY, SKY_PAINTS, tone, flow, self.detail)
        self.colour *= 1 + self.noise(150)[..., None] * (0.28, -0.13, -0.04)  # violet, turquoise
        for x, y, core in LIGHTS:
            far = np.abs(at - x - 1j * y) / core
            ring, detail = np.cos(far * 4.2), np.maximum(self.detail, np.clip(1.7 - far / 3, 0, 1))
            lit = self.rng.random(at.shape) < 1.7 - far / 3.4 - 0.35 * (ring > 0.4) * (far > 1.5)
            self.fill(lit, SKY, GLOW_PAINTS, far / 5 + 0.08 * ring, flow, detail)
        away, bite = np.abs(at - 255 - 215j), np.abs(at - 228 - 197j) < 54
        self.fill(away < 72, SKY, SKY_PAINTS, 0.4, flow, 1)
        self.fill((away < 63) & ~bite, CRESCENT, GLOW_PAINTS, 0.13, flow, 1)

    def plan_land(self) -> None:
        """Plan an afterglow, three rolling grounds with strokes along their slopes, and a lane."""
        warm = self.rng.random(self.x.shape) < 0.8 * np.exp(-np.abs(17 - self.y / 36)) - self.detail
        self.fill(warm, SKY, WARM_PAINTS, (640 - self.y) / 120, self.flow, self.detail)
        far = 632 - 40 * np.sin(self.x / 150 + 0.9) - 22 * np.sin(self.x / 61) - 0.03 * self.x
        mid = 706 + 34 * np.sin(self.x / 210 + 2.2) + 10 * np.sin(self.x / 83)
        near = 842 - 34 * np.sin(self.x / 260 - 0.4) + 0.02 * self.x
        grounds = (FAR, far, FAR_PAINTS), (MID, mid, MID_PAINTS), (NEAR, near, NEAR_PAINTS)
        for region, ridge, paints in grounds:
            below = np.clip(self.y - ridge, 0, None)
            slope = np.gradient(ridge, axis=1) + 0.45 * np.sin(below / 37 + self.x / 120)
            rows = 0.5 + 0.5 * np.sin(below / (5 + 0.05 * below) + 2 * self.noise(60))
            self.fill(self.y > ridge, region, paints, rows, 1 + 1j * slope, 0.35)
        bend = np.clip((self.y - 806) / 160, 0, 1)
        middle = 590 - 120 * bend**1.3 + 70 * np.sin(bend * 5)
        lane = (np.abs(self.x - middle) < 7 + 60 * bend**1.4) & (bend > 0)
        self.fill(lane, LANE, LANE_PAINTS, 0.5, np.gradient(middle, axis=0) + 1j, 0.5)

    def plan_village(self) -> None:
        """Plan the church, the cottages with their lit windows, and the cypresses."""
        pane = np.array([-0.08, -0.08 - 0.19j, 0.08 - 0.19j, 0.08])
        side = np.array([0, -0.4j, 0.18 - 0.72j, 0.36 - 0.4j, 0.36])
        wall = np.array([0.36, 0.36 - 0.4j, 1 - 0.4j, 1])
        roof = np.array([0.18 - 0.72j, 0.9 - 0.72j, 1.05 - 0.38j, 0.36 - 0.38j])
        shapes = [(418 + 712j + 212 * pane, WALLS[2], 1j), (418 + 694j + 90 * pane, PANES, 1j)]
        shapes += [(np.array([396 + 672j, 440 + 672j, 418 + 560j]), ROOFS[1], 1j)]
        for i, (x, y, wide) in enumerate(COTTAGES):
            parts = [(side, FAR_PAINTS, 1j), (wall, WALLS[i % 3], 1), (roof, ROOFS[i % 3], 1 + 2j)]
            parts += [(at - 0.1j + pane, PANES, 1j) for at in (0.18, 0.56, 0.82)[:: i % 2 + 1]]
            shapes += [(x + 1j * y + wide * outline, *rest) for outline, *rest in parts]
        for part, (outline, paints, flow) in enumerate(shapes):
            image = Image.new("1", (WIDTH, HEIGHT))
            ImageDraw.Draw(image).polygon([(p.real, p.imag) for p in outline], fill=1)
            self.fill(np.asarray(image), HOUSES + part, paints, 0.5, flow, 1)
        for foot, top, girth in ((1120, 165, 62), (1205, 470, 36), (1040, 640, 22)):
            rise = np.clip((970 - self.y) / (970 - top), 0, 1)
            off = (self.x - foot - 16 * np.sin(rise * 7)) / girth
            flames = 1 - 0.45 * (rise * np.where(off > 0, 8.5, 11) % 1)
            tree = np.abs(off) < np.sin(np.pi * (0.12 + 0.88 * rise) ** 0.7).clip(0) ** 0.8 * flames
            lick = 0.7 * np.sin(self.y / 44 + self.x / 29) + 0.4 * off - 1j
            self.fill(tree, CYPRESS, TREE_PAINTS, 0.4 + 0.5 * self.noise(3), lick, 0.5)

    def stroke(self, line: np.ndarray, radius: float, paint: np.ndarray) -> None:
        """Lay one loaded stroke along a line: bristle streaks, tapered ends, ridges of paint."""
        gone = np.append(0, np.abs(np.diff(line)).cumsum())
        along = np.linspace(0, gone[-1], int(gone[-1] / 0.5) + 2)[:, None]
        across = np.linspace(-1, 1, int(2 * radius / 0.7) + 2)
        spine, spent = np.interp(along, gone, line), along / gone[-1]
        wide = (np.minimum(2.4 * along, gone[-1] - along) / (2.4 * radius)).clip(0.02, 1) ** 0.55
        at = spine + radius * wide * across * 1j * np.gradient(spine, axis=0) / along[1]
        hairs = np.linspace(0, int(radius / 1.1) + 2.99, len(across)).astype(int)
        first, last, dry = self.rng.normal(size=(3, hairs[-1] + 1))[:, hairs]
        streak = first + (last - first) * spent
        load = 1.2 - spent**2 + 0.25 * dry - 0.35 * across**4  # hairs run dry, first at the rim
        keep = (load > 0) & (at.real >= 0) & (at.imag >= 0)
        keep &= (at.real < WIDTH * SCALE) & (at.imag < HEIGHT * SCALE)
        spot = at.imag[keep].astype(int), at.real[keep].astype(int)
        height = radius**0.7 * (0.9 + 0.6 * across**4 + 0.5 * streak) * load.clip(0.2, 1)
        wet = np.column_stack([paint[0] + paint[1] * streak[keep][:, None], height[keep]])
        self.canvas[spot] += np.clip(3 * load[keep], 0, 0.95)[:, None] * (wet - self.canvas[spot])

    def layer(self, starts: np.ndarray, radius: float, length: float) -> None:
        """Paint a stroke from every start, far regions first, each ending at its border."""
        rng, count = self.rng, len(starts)
        starts = starts[np.argsort(look(self.region, starts), kind="stable")]
        path, step = [starts], rng.choice([-3, 3], count)  # up or down the stream
        for _ in range(int(length / 3)):
            path.append(path[-1] + step * look(self.flow, path[-1]))
        home = look(self.region, np.array(path)) == look(self.region, starts)
        reach = np.minimum(home.cumprod(0).sum(0), rng.uniform(0.5, 1, count) * len(path) + 1)
        # lighter and darker strokes side by side make the surface vibrate
        paints = look(self.colour, starts) * rng.choice([0.9, 1, 1.1], (count, 1))
        paints = np.stack([paints, 0.09 * paints], 1) + rng.normal(0, 5, (count, 2, 3))
        for line, points, paint in zip(np.array(path).T, reach.astype(int), paints, strict=True):
            if 3 * points > radius + 3:
                self.stroke(SCALE * line[:points], SCALE * radius * rng.uniform(0.65, 1.2), paint)

    def paint(self) -> Image.Image:
        """Paint from large strokes to small ones and light the relief from the upper left."""
        for radius, length, count, least, most in LAYERS:
            starts = self.rng.random((count, 2)) @ (WIDTH, 1j * HEIGHT)
            fits = look(self.detail.clip(least, most) == self.detail, starts)
            self.layer(starts[fits], radius, length)
            bare = np.argwhere(self.canvas[::SCALE, ::SCALE, 3] == 0)
            self.layer(self.rng.permutation(bare)[: len(bare) // 16] @ (1j, 1), min(radius, 4), 24)
        wet = self.canvas.reshape(HEIGHT, SCALE, WIDTH, SCALE, 4).mean((1, 3))
        facing = np.clip(sum(np.gradient(wet[..., 3])) * -0.08, -1, 1)[..., None]
        lit = wet[..., :3] * (1 + 0.42 * facing) + 60 * np.clip(facing - 0.3, 0, 1)
        return Image.fromarray(lit.clip(0, 255).astype(np.uint8))


def main() -> None:
    """Read the flags, paint the picture and save it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("starry.jpg"))
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    Painting(args.seed).paint().save(args.output, quality=90)


if __name__ == "__main__":
    main()
