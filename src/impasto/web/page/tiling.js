/** Large pictures in overlapping pieces, as impasto/inference/tiling.py has it. */

const MULTIPLE = 8; // pixels; vector units like such sides

/** As few tiles of at most `tile` as cover 0..length overlapping by `overlap`: [start, end], ... */
export function spans(length, tile, overlap) {
  const count = Math.max(1, Math.ceil((length - overlap) / (tile - overlap)));
  const even = Math.ceil((length + (count - 1) * overlap) / count);
  const size = Math.min(length, tile, Math.ceil(even / MULTIPLE) * MULTIPLE);
  return Array.from({ length: count }, (_, index) => {
    const start = Math.floor(((length - size) * index) / Math.max(1, count - 1));
    return [start, start + size];
  });
}

/** Blending weights along a side of a tile: they rise from its edges inside the picture. */
export function ramp([start, end], length, overlap) {
  return Float32Array.from({ length: end - start }, (_, i) => {
    let rise = 1;
    if (start > 0) rise = Math.min(rise, (i + 1) / overlap);
    if (end < length) rise = Math.min(rise, (end - start - i) / overlap);
    return rise;
  });
}

/** All tiles of a picture. */
export function tiles(width, height, tile, overlap) {
  if (width * height <= tile * tile) return [{ top: 0, left: 0, height, width }];
  return spans(height, tile, overlap).flatMap(([top, bottom]) =>
    spans(width, tile, overlap).map(([left, right]) => ({
      top, left, height: bottom - top, width: right - left,
    })));
}

/** Adds up tiles of three planes and blends them where they overlap. */
export class Canvas {
  constructor(width, height, overlap) {
    Object.assign(this, { width, height, overlap });
    this.total = new Float32Array(3 * width * height);
    this.weight = new Float32Array(width * height);
  }

  add(planes, { top, left, height, width }) {
    const down = ramp([top, top + height], this.height, this.overlap);
    const along = ramp([left, left + width], this.width, this.overlap);
    const size = this.width * this.height;
    for (let y = 0, at = 0; y < height; y++) {
      let to = (top + y) * this.width + left;
      for (let x = 0; x < width; x++, at++, to++) {
        const share = down[y] * along[x];
        for (let c = 0; c < 3; c++) this.total[c * size + to] += share * planes[c * width * height + at];
        this.weight[to] += share;
      }
    }
  }

  finish() {
    const size = this.width * this.height;
    for (let i = 0; i < this.total.length; i++) this.total[i] /= this.weight[i % size];
    return this.total;
  }
}
