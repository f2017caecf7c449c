/** The worker of engine-browser.js: reads photographs and runs networks, one thing at a time. */

import { asSeen, fromPlanes, lanczos, scaledSize, toPlanes } from "./pixels.js";
import { Canvas, tiles } from "./tiling.js";
import { explained, Trouble, trouble } from "./trouble.js";

// Pictures up to TILE x TILE pixels go through in one piece, as in Python, and need 1 GB. Smaller
// tiles need less (1536: 0.6 GB, 1024: 0.35 GB), but each is normalized by itself: tones drift.
const TILES = { 2048: 256, 1536: 224, 1024: 192 }; // and how far they overlap
const MOST_THREADS = 4; // more bring little
const ORT = new URL("ort/", self.location);

let photo = null; // the whole photograph, RGBA
let scaled = null; // {size, picture} of it, the last that was asked for
let runtime = null; // ONNX Runtime, once it is loaded
let open = { url: "", session: null };
let tile = (navigator.deviceMemory ?? 4) >= 8 ? 2048 : 1536;
let queue = Promise.resolve();

self.onmessage = ({ data: { id, what, given } }) => {
  queue = queue.then(() => answer(id, what, given));
};

async function answer(id, what, given) {
  try {
    const result = await ACTIONS[what](given, (...progress) => self.postMessage({ id, progress }));
    self.postMessage({ id, result });
  } catch (error) {
    const { kind, message } = explained(error);
    self.postMessage({ id, error: { kind, message } });
  }
}

const ACTIONS = {
  async open({ file }) {
    photo = await read(file);
    scaled = null;
    return { width: photo.width, height: photo.height };
  },

  async photo({ size }) {
    return fit(size);
  },

  async stylize({ url, size }, progress) {
    const session = await loadStyle(url);
    const began = performance.now(); // fetching the network does not count
    const picture = fit(size);
    for (;;) {
      try {
        const painted = await paint(session, picture, progress);
        return { picture: painted, seconds: (performance.now() - began) / 1000 };
      } catch (error) {
        const less = Object.keys(TILES).map(Number).filter((side) => side < tile).pop();
        const small = picture.width * picture.height <= less ** 2;
        if (explained(error).kind !== "memory" || !less || small) throw error;
        tile = less;
      }
    }
  },

  async check({ url }) {
    await loadStyle(url);
  },

  async look({ file, encoder }) {
    const seen = asSeen(await read(file)), { height, width } = seen;
    const session = await load(encoder);
    const planes = toPlanes(seen, { top: 0, left: 0, height, width });
    const painting = new runtime.Tensor("float32", planes, [1, 3, height, width]);
    const { style } = await session.run({ painting });
    const vector = Float32Array.from(style.data);
    painting.dispose();
    style.dispose();
    return { vector };
  },

  async about() {
    const ort = await start();
    return { threads: ort.env.wasm.numThreads };
  },
};

/** A photograph upright, in sRGB, transparency over white: as browsers read them. */
async function read(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw trouble("picture");
  }
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw trouble("memory");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, data };
}

function fit(size) {
  if (size === null) return photo;
  if (scaled?.size !== size) {
    const { width, height } = scaledSize(photo.width, photo.height, size);
    scaled = { size, picture: lanczos(photo, width, height) };
  }
  return scaled.picture;
}

async function start() {
  if (runtime) return runtime;
  const ort = await import(new URL("ort.wasm.min.mjs", ORT).href).catch(() => {
    throw trouble("engine");
  });
  ort.env.wasm.wasmPaths = {
    mjs: new URL("ort-wasm-simd-threaded.mjs", ORT).href,
    wasm: new URL("ort-wasm-simd-threaded.wasm", ORT).href,
  };
  // Only pages that are isolated may share memory between threads.
  const cores = Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1);
  ort.env.wasm.numThreads = self.crossOriginIsolated ? cores : 1;
  ort.env.logLevel = "error";
  runtime = ort;
  return ort;
}

async function load(url) {
  if (open.url === url) return open.session;
  const ort = await start();
  await open.session?.release();
  open = { url: "", session: null };
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) {
    throw trouble("away");
  }
  const bytes = new Uint8Array(await answer.arrayBuffer());
  let session;
  try {
    session = await ort.InferenceSession.create(bytes, {
      executionProviders: ["wasm"],
      enableCpuMemArena: false, // half the memory
      enableMemPattern: false,
      logSeverityLevel: 3, // that an input may be left out is no warning to visitors
    });
  } catch (error) {
    if (explained(error).kind === "memory") throw error;
    throw new Trouble("style", "This file is not a style that can be used here: it may be damaged.");
  }
  open = { url, session };
  return session;
}

async function loadStyle(url) {
  const session = await load(url);
  check(session);
  return session;
}

function check({ inputNames, outputNames, inputMetadata }) {
  const [input] = inputMetadata ?? [{}];
  const sides = input.shape?.slice(-2) ?? [];
  if (inputNames.join() !== "content" || outputNames.join() !== "stylized") {
    throw new Trouble("style", "This network is not a style: it must turn one picture into one.");
  }
  if (sides.some((side) => typeof side === "number" && side > 0)) {
    throw new Trouble("style", "This style takes pictures of one size only: "
      + "`impasto stylize` and `impasto serve` can use it.");
  }
}

async function paint(session, picture, progress) {
  const { width, height } = picture, ort = runtime;
  const bytes = session.inputMetadata?.[0]?.type === "uint8";
  const run = async (part) => {
    const planes = toPlanes(picture, part, bytes);
    const shape = [1, 3, part.height, part.width];
    const content = new ort.Tensor(bytes ? "uint8" : "float32", planes, shape);
    const { stylized } = await session.run({ content });
    const made = bytes ? Float32Array.from(stylized.data, (value) => value / 255) : stylized.data;
    if (made.length !== planes.length || !made.every(Number.isFinite)) {
      throw new Trouble("style", "This file is not a style: what it makes is no picture.");
    }
    content.dispose();
    stylized.dispose();
    return made;
  };
  const overlap = TILES[tile], parts = tiles(width, height, tile, overlap);
  progress(0, parts.length);
  if (parts.length === 1) return fromPlanes(await run(parts[0]), width, height);
  const whole = new Canvas(width, height, overlap);
  for (const [index, part] of parts.entries()) {
    whole.add(await run(part), part);
    progress(index + 1, parts.length);
  }
  return fromPlanes(whole.finish(), width, height);
}
