/** Lets the program behind the page paint: `impasto serve`. */

import { metadataOf } from "./onnx.js";
import { explained, Trouble, trouble } from "./trouble.js";

const LARGEST = 128 << 20; // bytes that the server takes
const POLL = 400; // milliseconds between looks how far a picture is

export class ServerEngine {
  name = "this computer, with Python";

  /** A photograph to work on: {width, height} of its own. */
  async open(file) {
    checkSize(file);
    const { headers } = await post("photo?size=16", file);
    this.file = file;
    const [width, height] = headers.get("X-Photo-Size").split("x").map(Number);
    return { width, height };
  }

  /** The open photograph as a picture whose shorter side has `size` pixels; null: as it is. */
  async photo(size, signal) {
    return pictureOf(await post(`photo?${sized(size)}`, this.file, signal));
  }

  /** The open photograph in a style. `progress(done, tiles, before)` hears how far it is. */
  async stylize(style, size, { signal, progress }) {
    const job = crypto.randomUUID();
    const poll = setInterval(async () => {
      try {
        const { done, tiles, before } = await (await fetch(`jobs/${job}`)).json();
        progress(done, tiles, before);
      } catch { /* the answer itself will tell */ }
    }, POLL);
    try {
      const query = new URLSearchParams({ style: style.name, job });
      const answer = await post(`stylize?${query}&${sized(size)}`, this.file, signal);
      const seconds = Number(answer.headers.get("X-Seconds"));
      return { picture: await pictureOf(answer), seconds };
    } finally {
      clearInterval(poll);
    }
  }

  /** Takes a style file of the visitor's own. */
  async addStyle(file) {
    metadataOf(new Uint8Array(await file.arrayBuffer())); // refuses most of what is no style
    const answer = await post("models", file);
    return answer.json();
  }

  /** Takes a painting to draw like, at once. */
  async addPainting(file) {
    checkSize(file);
    return (await post("paintings", file)).json();
  }
}

function checkSize(file) {
  if (file.size <= LARGEST) return;
  throw new Trouble("picture", "This file is too large: save the picture as a JPEG.");
}

function sized(size) {
  return size === null ? "" : `size=${size}`;
}

async function post(path, body, signal) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body, signal });
  } catch (error) {
    throw error.name === "AbortError" ? error : trouble("lost");
  }
  if (answer.ok) return answer;
  const { kind, error } = await answer.json().catch(() => ({}));
  if (kind === "memory" || kind === "busy") throw trouble(kind);
  throw new Trouble(kind ?? "engine", sentence(error));
}

/** What a command says begins in small letters and may speak of flags. */
function sentence(text = "This did not work") {
  return `${text[0].toUpperCase()}${text.slice(1)}.`.replace(/\.\.$/, ".");
}

async function pictureOf(answer) {
  try {
    const bitmap = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none" });
    const canvas = Object.assign(document.createElement("canvas"), {
      width: bitmap.width, height: bitmap.height,
    });
    const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return context.getImageData(0, 0, canvas.width, canvas.height);
  } catch (error) {
    throw explained(error);
  }
}
