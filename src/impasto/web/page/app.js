/** The page itself: what is clicked, what is shown. The painting is done by one of two engines. */

import { openCamera } from "./camera.js";
import { BrowserEngine } from "./engine-browser.js";
import { ServerEngine } from "./engine-server.js";
import { blend, mix } from "./pixels.js";
import { fillCard, fillGallery, fillSecond, fillSizes, showSliders, SLIDERS } from "./panel.js";
import { fromHash, sizeFor, sizesFor, toHash } from "./settings.js";
import { download, shrink, show } from "./stage.js";
import { explained, trouble } from "./trouble.js";

const KEPT = 40e6; // pixels of finished pictures that are kept
const served = document.querySelector('meta[name="impasto-engine"]').content === "server";
const engine = served ? new ServerEngine() : new BrowserEngine();
const $ = (id) => document.getElementById(id);

const settings = fromHash(location.hash);
let styles = [];
let photo = null; // {width, height, name, id} of what is open
let photos = new Map(); // by size: the photograph scaled, the last one
let finished = new Map(); // by style and size: {picture, small} of it for the screen
let current = null; // what is shown: {photo, small, paintings, wanted}
let running = null; // AbortController of the picture in work
let speed = null; // seconds a pixel, measured here

// ---------------------------------------------------------------- photographs come in

async function take(file) {
  if (!file) return;
  stop();
  try {
    tell("");
    const size = await engine.open(file);
    if (Math.min(size.width, size.height) < 16) throw trouble("picture");
    photo = { ...size, name: stem(file, "photograph") };
  } catch (error) {
    complain(explained(error));
    return;
  }
  photos = new Map();
  finished = new Map();
  current = null;
  $("welcome").hidden = true;
  $("actions").hidden = false;
  refresh();
  await paint();
}

/** A file that is dropped or pasted: a photograph, or a style; among the styles, a painting. */
function receive(file, isPainting = false) {
  if (!file) return;
  if (/\.onnx$/i.test(file.name)) addStyle(file);
  else if (isPainting) addPainting(file);
  else take(file);
}

async function addStyle(file) {
  const credit = "A style file of your own.";
  await add(() => engine.addStyle(file), ({ name }) => ({ title: name || stem(file), credit }));
}

async function addPainting(file) {
  if (!file) return;
  stop();
  tell("Looking at the painting.");
  const preview = URL.createObjectURL(file), credit = "A painting of your own.";
  const about = () => ({ title: stem(file, "A painting"), credit, preview });
  if (!(await add(() => engine.addPainting(file), about))) paint(); // which was stopped
}

const stem = (file, otherwise) => (file.name || otherwise).replace(/\.\w+$/, "");

/** A style that the visitor brings; `about` tells the rest of it from its metadata. */
async function add(made, about) {
  try {
    const { name, metadata, model } = await made();
    const { title, ...rest } = about(metadata);
    const style = { name, title: title.replaceAll("_", " "), metadata, model, ...rest };
    styles = [style, ...styles.filter((other) => other.name !== name)];
    choose({ style: name });
    return true;
  } catch (error) {
    tell("");
    complain(explained(error));
    return false;
  }
}

// ---------------------------------------------------------------- painting

async function paint() {
  stop();
  const wanted = [settings.style, settings.second].map(styleOf).filter(Boolean);
  if (!photo || !styleOf(settings.style)) return;
  const size = sizeNow(), mine = (running = new AbortController());
  try {
    if (!photos.has(size)) photos.set(size, await engine.photo(size, mine.signal));
    if (!current) show({ photo: shrink(photos.get(size)), picture: null });
    for (const style of wanted) {
      if (!finished.has(keyOf(style, size))) await paintOne(style, size, mine);
    }
    if (mine === running) reveal(wanted, size);
  } catch (error) {
    if (mine === running && error?.name !== "AbortError") fail(explained(error), size);
  } finally {
    if (mine === running) idle();
  }
}

async function paintOne(style, size, { signal }) {
  const heard = busy(style, size);
  const progress = (...now) => signal.aborted || heard(...now);
  const { picture, seconds } = await engine.stylize(style, size, { signal, progress });
  signal.throwIfAborted();
  measured(picture, seconds);
  finished.set(keyOf(style, size), { picture, small: shrink(picture) });
}

function stop() {
  running?.abort();
  idle();
}

const styleOf = (name) => styles.find((style) => style.name === name);
const keyOf = (style, size) => `${style.name} ${size}`;

function reveal(wanted, size) {
  const keys = wanted.map((style) => keyOf(style, size));
  forget(keys);
  const whole = photos.get(size);
  current = { photo: whole, small: shrink(whole), paintings: keys.map((key) => finished.get(key)), wanted };
  idle();
  draw();
  $("download").disabled = false;
  const { width, height } = whole, title = wanted.map((style) => style.title).join(" with ");
  $("status").textContent = `${title}, ${width} × ${height} pixels: finished.`;
}

/** Of what is finished, keep what is shown and the latest. */
function forget(shown) {
  let pixels = 0;
  for (const [key, { picture }] of [...finished].reverse()) {
    pixels += picture.width * picture.height;
    if (pixels > KEPT && !shown.includes(key)) finished.delete(key);
  }
  for (const size of photos.keys()) {
    if (size !== sizeNow()) photos.delete(size);
  }
}

/** The picture as the sliders have it, small for the screen or whole. */
function composed(whole) {
  const [first, second] = current.paintings.map(({ picture, small }) => (whole ? picture : small));
  const painting = second ? mix(first, second, settings.share / 100) : first;
  const how = { strength: settings.strength / 100, color: settings.color / 100 };
  return blend(whole ? current.photo : current.small, painting, how);
}

function draw() {
  if (current) show({ photo: current.small, picture: composed(false) });
}

/** Shows that something is being done; what it returns takes the tiles that are finished. */
function busy(style, size) {
  const began = performance.now(), estimate = secondsFor(size);
  let [done, tiles, before] = [0, 1, 0], since = began;
  $("work").hidden = false;
  $("compare").setAttribute("aria-busy", "true");
  const tick = () => {
    const passed = (performance.now() - began) / 1000;
    // Within a part only time tells; it slows down where the estimate was too short.
    const part = estimate ? 1 - Math.exp((-2e-3 * (performance.now() - since) * tiles) / estimate) : 0;
    if (estimate || tiles > 1) $("bar").value = Math.min(0.99, (done + part) / tiles);
    else $("bar").removeAttribute("value"); // nothing is known yet
    const left = estimate && estimate - passed > 1 ? `, ${Math.ceil(estimate - passed)} s left` : "";
    const which = tiles > 1 ? `, part ${Math.min(tiles, done + 1)} of ${tiles}` : "";
    $("doing").textContent = before
      ? `Waiting, ${before} before this one`
      : `Painting “${style.title}”${which}${left}`;
  };
  clearInterval(busy.timer);
  busy.timer = setInterval(tick, 120);
  tick();
  return (...now) => {
    if (now[0] !== done) since = performance.now();
    [done, tiles, before] = now;
  };
}

function idle() {
  clearInterval(busy.timer);
  running = null;
  $("work").hidden = true;
  $("compare").removeAttribute("aria-busy");
}

// ---------------------------------------------------------------- how long it takes

function measured(picture, seconds) {
  speed = seconds / (picture.width * picture.height);
  fillSizesNow();
}

function secondsFor(size) {
  if (!speed || !photo) return null;
  const scale = size === null ? 1 : size / Math.min(photo.width, photo.height);
  return speed * photo.width * photo.height * scale * scale;
}

// ---------------------------------------------------------------- what goes wrong

function complain(error) {
  $("sentence").textContent = error.message;
  $("trouble").hidden = false;
  $("smaller").hidden = true;
}

/** A picture was not made: what was finished stays, and the next smaller size is offered. */
function fail(error, size) {
  complain(error);
  if (error.kind !== "memory") return;
  const shorter = Math.min(photo.width, photo.height);
  const less = sizesFor(shorter).filter((other) => other !== null && other < (size ?? shorter)).pop();
  if (!less) return;
  if (current) $("sentence").textContent += " The picture you have is kept.";
  $("smaller").textContent = `Make it with ${less} pixels`;
  $("smaller").hidden = false;
  $("smaller").onclick = () => choose({ size: less });
}

function tell(sentence) {
  $("trouble").hidden = true;
  $("status").textContent = sentence;
}

// ---------------------------------------------------------------- settings

function choose(change) {
  Object.assign(settings, change);
  if (styles.length) settle();
  tell("");
  refresh();
  if (["style", "second", "size"].some((name) => name in change)) paint();
  else draw();
}

/** Only styles that there are, and no style with itself. */
function settle() {
  if (!styleOf(settings.style)) settings.style = (styleOf("starry") ?? styles[0])?.name ?? "";
  if (!styleOf(settings.second) || settings.second === settings.style) settings.second = "";
}

function refresh() {
  history.replaceState(null, "", toHash(settings));
  fillGallery(styles, settings.style, {
    choose: (style) => choose({ style }),
    painting: () => $("painting").click(),
    own: () => $("model").click(),
  });
  fillCard(styleOf(settings.style));
  fillSizesNow();
  fillSecond(styles, settings);
  showSliders(settings);
}

/** What is painted now: a photograph may be too small for what is wanted. */
function sizeNow() {
  return photo ? sizeFor(settings.size, Math.min(photo.width, photo.height)) : settings.size;
}

function fillSizesNow() {
  fillSizes({ photo, chosen: sizeNow(), secondsFor, choose: (size) => choose({ size }) });
  if (speed) $("measured").textContent = `Pixels of the shorter side. Times as measured on ${engine.name}.`;
}

// ---------------------------------------------------------------- wiring

const ACTS = {
  choose: () => $("file").click(),
  camera: async () => {
    try {
      take(await openCamera());
    } catch (error) {
      complain(explained(error));
    }
  },
  sample: async () => {
    const answer = await fetch("sample.jpg");
    take(new File([await answer.blob()], "sample.jpg", { type: "image/jpeg" }));
  },
};

function listen() {
  for (const button of document.querySelectorAll("[data-act]")) {
    button.addEventListener("click", ACTS[button.dataset.act]);
  }
  for (const [id, receiver] of [["file", take], ["painting", addPainting], ["model", addStyle]]) {
    $(id).addEventListener("change", () => {
      receiver($(id).files[0]);
      $(id).value = ""; // or the same file could not be chosen again
    });
  }
  $("cancel").addEventListener("click", () => {
    stop();
    $("status").textContent = "Cancelled.";
  });
  $("dismiss").addEventListener("click", () => tell(""));
  $("panel").addEventListener("submit", (event) => event.preventDefault());
  $("second").addEventListener("change", () => choose({ second: $("second").value }));
  for (const name of SLIDERS) {
    $(name).addEventListener("input", () => choose({ [name]: Number($(name).value) }));
  }
  $("download").addEventListener("click", save);
  $("link").addEventListener("click", copyLink);
  addEventListener("hashchange", () => choose(fromHash(location.hash)));
  addEventListener("paste", (event) => receive(event.clipboardData?.files[0]));
  listenToDrops();
}

function listenToDrops() {
  const among = ({ target }) => Boolean(target.closest?.("#panel"));
  const over = (where) => { document.body.dataset.over = where; };
  addEventListener("dragover", (event) => {
    event.preventDefault();
    over(among(event) ? "styles" : "picture");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(""); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    over("");
    receive(event.dataTransfer.files[0], among(event));
  });
}

async function save() {
  try {
    const style = current.wanted.map(({ title }) => title).join("_").replace(/[^\w-]+/g, "_");
    await download(composed(true), `${photo.name}_${style.toLowerCase()}`, $("format").value);
  } catch (error) {
    fail(explained(error), sizeNow());
  }
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    $("status").textContent = "The link is copied.";
  } catch {
    $("status").textContent = "The link is in the address bar.";
  }
}

async function begin() {
  listen();
  refresh();
  try {
    const answer = await fetch("styles.json");
    if (!answer.ok) throw trouble(served ? "lost" : "engine");
    styles = await answer.json();
  } catch (error) {
    complain(served ? trouble("lost") : explained(error));
    return;
  }
  settle();
  refresh();
  await paint(); // a photograph may have come meanwhile
  if (!served && "serviceWorker" in navigator) navigator.serviceWorker.register("sw.js");
  document.documentElement.dataset.ready = "yes";
}

begin();
