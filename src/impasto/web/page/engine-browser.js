/** Paints in the browser itself, with ONNX Runtime in a worker. */

import { metadataOf, withStyle } from "./onnx.js";
import { Trouble, trouble } from "./trouble.js";

const ANY = "styles/any"; // the network that draws like any painting, and what looks at paintings
const absolute = (path) => new URL(path, document.baseURI).href;

export class BrowserEngine {
  name = "this browser";

  /** A photograph to work on: {width, height} of its own. */
  async open(file) {
    const size = await this.#ask("open", { file }, {});
    this.file = file;
    this.opened = true;
    return size;
  }

  /** The open photograph as a picture whose shorter side has `size` pixels; null: as it is. */
  async photo(size, signal) {
    if (!this.opened) await this.open(this.file);
    return this.#ask("photo", { size }, { signal });
  }

  /** The open photograph in a style. `progress(done, tiles, before)` hears how far it is. */
  async stylize(style, size, { signal, progress }) {
    if (!this.opened) await this.open(this.file);
    const url = absolute(style.model);
    const began = performance.now();
    const answer = await this.#ask("stylize", { url, size }, { signal, progress });
    return { picture: answer.picture, seconds: answer.seconds ?? (performance.now() - began) / 1000 };
  }

  /** Takes a style file of the visitor's own. */
  async addStyle(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const metadata = metadataOf(bytes);
    const model = URL.createObjectURL(new Blob([bytes]));
    try {
      await this.#ask("check", { url: model }, {});
    } catch (error) {
      URL.revokeObjectURL(model);
      throw error;
    }
    return { name: `given-${crypto.randomUUID()}`, metadata, model };
  }

  /** Takes a painting to draw like, at once. */
  async addPainting(file) {
    const encoder = absolute(`${ANY}.encoder.onnx`);
    const { vector } = await this.#ask("look", { file, encoder }, {});
    const answer = await fetch(absolute(`${ANY}.onnx`)).catch(() => null);
    if (!answer?.ok) throw trouble("away");
    const bytes = withStyle(new Uint8Array(await answer.arrayBuffer()), vector);
    const model = URL.createObjectURL(new Blob([bytes]));
    return { name: `given-${crypto.randomUUID()}`, metadata: metadataOf(bytes), model };
  }

  /** How the worker runs: {threads}. */
  async about() {
    return this.#ask("about", {}, {});
  }

  /** A run cannot be interrupted: the worker is ended, and the next question starts another. */
  #end(error) {
    this.worker?.terminate();
    this.worker = null;
    this.opened = false;
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }

  #start() {
    this.pending = new Map();
    this.count = 0;
    this.worker = new Worker("worker.js", { type: "module" });
    this.worker.onerror = () =>
      this.#end(new Trouble("engine", "Painting could not be started here: use a newer browser."));
    this.worker.onmessage = ({ data: { id, progress, result, error } }) => {
      const waiting = this.pending.get(id);
      if (!waiting) return;
      if (progress) return void waiting.progress?.(...progress, 0);
      this.pending.delete(id);
      if (!error) return void waiting.resolve(result);
      waiting.reject(new Trouble(error.kind, error.message));
      if (error.kind === "memory" || error.kind === "engine") this.#end(new Trouble(error.kind, error.message));
    };
  }

  #ask(what, given, { signal, progress }) {
    if (!this.worker) this.#start();
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const id = ++this.count;
      this.pending.set(id, { resolve, reject, progress });
      this.worker.postMessage({ id, what, given });
      signal?.addEventListener("abort", () => {
        if (this.pending.has(id)) this.#end(signal.reason);
      });
    });
  }
}
