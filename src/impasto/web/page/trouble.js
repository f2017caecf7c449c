/** What can go wrong, in words for whoever looks at the page. */

export class Trouble extends Error {
  /** kind: "picture", "style", "memory", "busy", "engine" or "camera". */
  constructor(kind, sentence) {
    super(sentence);
    this.kind = kind;
  }
}

const SENTENCES = {
  picture: "This file is not a picture that can be read here: choose a JPEG or PNG.",
  memory: "There is not enough memory for a picture of this size.",
  busy: "Too many pictures are waiting: try again in a moment.",
  engine: "Painting could not be started here: reload the page, or use a newer browser.",
  away: "This style could not be fetched: look at your connection.",
  lost: "The program behind this page has ended: start `impasto serve` again.",
};

/** The sentence for a kind of trouble. */
export function trouble(kind) {
  return new Trouble(kind, SENTENCES[kind]);
}

/** Any error as Trouble; what a browser throws for lack of memory is recognized by its words. */
export function explained(error) {
  if (error instanceof Trouble || error?.name === "AbortError") return error;
  const words = `${error?.name} ${error?.message ?? error}`;
  if (/alloc|memory|out of bounds|aborted\(|array length|RangeError|too large|OrtRun.*-?\d{6,}/i.test(words)) {
    return trouble("memory");
  }
  return new Trouble("engine", `${SENTENCES.engine} (${words.slice(0, 120)})`);
}
