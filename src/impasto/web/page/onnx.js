/** What an .onnx file says of itself, read from its bytes (protocol buffers, onnx.proto). */

import { Trouble } from "./trouble.js";

const GRAPH = 7, METADATA = 14, KEY = 1, VALUE = 2; // numbers of fields
const INITIALIZER = 5, NAME = 8, RAW_DATA = 9; // of a graph, and two of a tensor
const LARGEST = 256 << 20; // bytes

/** The metadata of a style as {name: text}; throws Trouble for what is no style of impasto. */
export function metadataOf(bytes) {
  if (bytes.length > LARGEST) throw new Trouble("style", "This file is too large to be a style.");
  const metadata = {};
  let graphs = 0;
  try {
    for (const [number, value] of fields(bytes)) {
      graphs += number === GRAPH && value !== null;
      if (number === METADATA && value) {
        const pair = Object.fromEntries(fields(value));
        metadata[textOf(pair[KEY])] = textOf(pair[VALUE]);
      }
    }
  } catch {
    graphs = 0;
  }
  if (!graphs) {
    throw new Trouble("style", "This file is not a style: choose an .onnx file that impasto made.");
  }
  if (!("name" in metadata && "steps" in metadata)) {
    throw new Trouble("style", "This network was not made by impasto, so its colors are unknown: "
      + "`impasto stylize --range` can use it.");
  }
  return metadata;
}

/** A network for any painting, drawing in one style: a copy of its bytes with that style's numbers.
 *
 * Paintings become files like those of learned styles, for ONNX Runtime Web takes no feed for an
 * input that may be left out. The vector is a Float32Array.
 */
export function withStyle(bytes, vector) {
  const copy = bytes.slice();
  for (const tensor of inside(inside([copy], GRAPH), INITIALIZER)) {
    const parts = Object.fromEntries(fields(tensor));
    if (textOf(parts[NAME]) !== "style" || parts[RAW_DATA]?.length !== vector.byteLength) continue;
    parts[RAW_DATA].set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
    return copy;
  }
  throw new Trouble("style", "The files for paintings do not fit each other: reload the page.");
}

function* inside(messages, wanted) {
  for (const message of messages) {
    for (const [number, value] of fields(message)) if (number === wanted) yield value;
  }
}

function textOf(bytes) {
  return new TextDecoder().decode(bytes ?? new Uint8Array());
}

function* fields(bytes) {
  let at = 0;
  const number = () => {
    let value = 0, scale = 1;
    for (;;) {
      if (at >= bytes.length || scale > 2 ** 63) throw new RangeError("ends early");
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const key = number(), kind = key % 8;
    let value = null;
    if (kind === 0) number();
    else {
      const length = kind === 2 ? number() : { 1: 8, 5: 4 }[kind];
      if (length === undefined || at + length > bytes.length) throw new RangeError("ends early");
      if (kind === 2) value = bytes.subarray(at, at + length);
      at += length;
    }
    yield [Math.floor(key / 8), value];
  }
}
