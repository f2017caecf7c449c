/** Pictures as plain numbers: scaling as Pillow does it, blending, and the tensors of a network.
 *
 * A picture is {width, height, data}: data is a Uint8ClampedArray of RGBA, as in ImageData.
 */

const BITS = 22; // of the fixed-point weights; Pillow has 32 - 8 - 2

/** Python's round(): a half goes to the even neighbor. */
export function round(value) {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

/** Width and height once the shorter side has `size` pixels; as they are for null. */
export function scaledSize(width, height, size) {
  if (size === null) return { width, height };
  const scale = size / Math.min(width, height);
  return {
    width: Math.max(1, round(width * scale)),
    height: Math.max(1, round(height * scale)),
  };
}

const LOOKED_AT = { long: 2048, times: 3, short: 256 }; // pixels, and times its short side

/** A painting as `impasto stylize --painting` looks at it: see `AnyStyle.look`. */
export function asSeen(painting) {
  const { long, times, short } = LOOKED_AT;
  const scale = Math.min(1, long / Math.max(painting.width, painting.height));
  const [width, height] = [painting.width, painting.height].map((side) => Math.max(1, round(side * scale)));
  const middle = cropped(lanczos(painting, width, height), times * Math.min(width, height));
  const size = scaledSize(middle.width, middle.height, short);
  return lanczos(middle, Math.max(short, size.width), Math.max(short, size.height));
}

/** The middle of a picture, with sides of at most `longest`. */
function cropped(picture, longest) {
  const width = Math.min(picture.width, longest), height = Math.min(picture.height, longest);
  const left = Math.floor((picture.width - width) / 2), top = Math.floor((picture.height - height) / 2);
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * 4;
    data.set(picture.data.subarray(from, from + width * 4), y * width * 4);
  }
  return { width, height, data };
}

/** Scale with the Lanczos filter, bit for bit as Pillow 13 does for 8-bit RGB. */
export function lanczos(picture, width, height) {
  let { data } = picture;
  if (width !== picture.width) data = alongRows(data, picture.width, picture.height, width);
  if (height !== picture.height) data = alongColumns(data, width, picture.height, height);
  if (data === picture.data) data = new Uint8ClampedArray(data);
  return { width, height, data };
}

function alongRows(data, from, height, to) {
  const { starts, counts, weights, most } = filter(from, to);
  const out = new Uint8ClampedArray(to * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    const row = y * from * 4;
    for (let x = 0; x < to; x++) {
      let red = 1 << (BITS - 1), green = red, blue = red;
      let at = row + starts[x] * 4;
      for (let k = x * most; k < x * most + counts[x]; k++, at += 4) {
        red += data[at] * weights[k];
        green += data[at + 1] * weights[k];
        blue += data[at + 2] * weights[k];
      }
      const place = (y * to + x) * 4;
      out[place] = red >> BITS; // what is beyond 0..255 is clamped
      out[place + 1] = green >> BITS;
      out[place + 2] = blue >> BITS;
    }
  }
  return out;
}

function alongColumns(data, width, from, to) {
  const { starts, counts, weights, most } = filter(from, to);
  const out = new Uint8ClampedArray(width * to * 4).fill(255);
  const line = new Int32Array(width * 4);
  for (let y = 0; y < to; y++) {
    line.fill(1 << (BITS - 1));
    for (let k = 0; k < counts[y]; k++) {
      const weight = weights[y * most + k];
      const row = (starts[y] + k) * width * 4;
      for (let i = 0; i < line.length; i++) line[i] += data[row + i] * weight;
    }
    const place = y * width * 4;
    for (let i = 0; i < line.length; i++) out[place + i] = line[i] >> BITS;
  }
  return out;
}

/** Which pixels make each new one, and with what weights. */
function filter(from, to) {
  const scale = from / to, wide = Math.max(scale, 1), support = 3 * wide;
  const most = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(to), counts = new Int32Array(to);
  const weights = new Int32Array(to * most), exact = new Float64Array(most);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - start;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      exact[k] = lanczosAt((k + start - center + 0.5) * (1 / wide));
      sum += exact[k];
    }
    for (let k = 0; k < count; k++) {
      const weight = (sum === 0 ? exact[k] : exact[k] / sum) * (1 << BITS);
      weights[i * most + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    starts[i] = start;
    counts[i] = count;
  }
  return { starts, counts, weights, most };
}

function lanczosAt(x) {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** A part of a picture as numbers: planes of red, green, blue. Float32 in 0..1, or the bytes. */
export function toPlanes(picture, { top, left, height, width }, bytes = false) {
  const size = width * height;
  const planes = bytes ? new Uint8Array(3 * size) : new Float32Array(3 * size);
  for (let y = 0, to = 0; y < height; y++) {
    let at = ((top + y) * picture.width + left) * 4;
    for (let x = 0; x < width; x++, at += 4, to++) {
      for (let c = 0; c < 3; c++) {
        planes[c * size + to] = bytes ? picture.data[at + c] : Math.fround(picture.data[at + c] / 255);
      }
    }
  }
  return planes;
}

/** Planes of 0..1 as a picture; rounded as Python's to_pil does. */
export function fromPlanes(planes, width, height) {
  const data = new Uint8ClampedArray(width * height * 4).fill(255), size = width * height;
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) {
      const value = Math.min(1, Math.max(0, planes[c * size + i]));
      data[i * 4 + c] = Math.floor(value * 255 + 0.5);
    }
  }
  return { width, height, data };
}

/** Two paintings of one size mixed: `share` 0..1 of the second. */
export function mix(first, second, share) {
  const data = Uint8ClampedArray.from(first.data, (value, i) => value + share * (second.data[i] - value));
  return { width: first.width, height: first.height, data };
}

/** The painting mixed with the photograph.
 *
 * strength 0..1: how much of the painting there is. color 0..1: how much of the photograph's color
 * (chroma, BT.601) takes the place of the painting's; lightness stays that of the painting.
 */
export function blend(photo, painting, { strength, color }) {
  const data = new Uint8ClampedArray(painting.data.length);
  const from = photo.data, to = painting.data;
  for (let i = 0; i < data.length; i += 4) {
    let red = to[i], green = to[i + 1], blue = to[i + 2];
    if (color > 0) {
      const light = 0.299 * red + 0.587 * green + 0.114 * blue;
      const shift = light - (0.299 * from[i] + 0.587 * from[i + 1] + 0.114 * from[i + 2]);
      red += color * (from[i] + shift - red);
      green += color * (from[i + 1] + shift - green);
      blue += color * (from[i + 2] + shift - blue);
    }
    data[i] = from[i] + strength * (red - from[i]);
    data[i + 1] = from[i + 1] + strength * (green - from[i + 1]);
    data[i + 2] = from[i + 2] + strength * (blue - from[i + 2]);
    data[i + 3] = 255;
  }
  return { width: painting.width, height: painting.height, data };
}
