/** The panel beside the picture: styles, their cards, sliders, sizes. */

import { inWords, sizesFor } from "./settings.js";

export const SLIDERS = ["share", "strength", "color"];

const $ = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Radio buttons that look like pictures; made anew only where the styles have changed. */
export function fillGallery(styles, chosen, { choose, painting, own }) {
  const gallery = $("gallery"), names = styles.map(({ name }) => name).join();
  if (gallery.dataset.names !== names) {
    gallery.dataset.names = names;
    const labels = styles.map((style) => {
      const radio = make("input", { type: "radio", name: "style", value: style.name });
      radio.addEventListener("change", () => choose(style.name));
      const image = style.preview
        ? make("img", { src: style.preview, alt: "", width: 192, height: 192, loading: "lazy" })
        : make("span", { className: "blank", textContent: ".onnx" });
      return make("label", { className: "thumb" }, radio, image, make("span", { textContent: style.title }));
    });
    gallery.replaceChildren(adder("Any painting", painting), ...labels, adder("A style file of your own", own));
  }
  for (const radio of gallery.querySelectorAll("input")) {
    const found = radio.value === chosen;
    if (found && !radio.checked) showIn(gallery, radio.parentElement);
    radio.checked = found;
  }
}

function adder(text, act) {
  const plus = make("span", { className: "blank", textContent: "+", ariaHidden: "true" });
  const button = make("button", { type: "button", className: "thumb adder" }, plus, text);
  button.addEventListener("click", act);
  return button;
}

/** Scrolls a row of styles, on a phone, to the chosen one; never the page. */
function showIn(row, label) {
  row.scrollLeft = label.offsetLeft - row.offsetLeft - (row.clientWidth - label.clientWidth) / 2;
}

/** What a style says of itself. */
export function fillCard(style) {
  $("card").hidden = !style;
  if (!style) return;
  const { metadata = {}, credit, title } = style;
  const learned = learnedFrom(metadata);
  const facts = {
    Title: title,
    Painting: credit,
    Training: metadata.steps ? `${Number(metadata.steps).toLocaleString("en")} steps${learned}` : "",
    "Made with": metadata.impasto ? `impasto ${metadata.impasto}` : "",
    "Size of the file": style.bytes ? `${(style.bytes / 1e6).toFixed(1)} MB` : "",
  };
  const rows = Object.entries(facts).filter(([, text]) => text);
  $("facts").replaceChildren(...rows.flatMap(([name, text]) =>
    [make("dt", { textContent: name }), make("dd", { textContent: text })]));
}

function learnedFrom({ settings, encoder }) {
  try {
    const { style_weight: weight } = JSON.parse(settings);
    return `, style weight ${weight}${encoder ? `, judged by ${encoder}` : ""}`;
  } catch {
    return "";
  }
}

/** Radio buttons with what each size takes. */
export function fillSizes({ photo, chosen, secondsFor, choose }) {
  const shorter = photo ? Math.min(photo.width, photo.height) : 4096;
  const sizes = photo ? sizesFor(shorter) : sizesFor(shorter).slice(0, -1);
  const focused = document.activeElement?.name === "size";
  $("choices").replaceChildren(...sizes.map((size) => {
    const radio = make("input", { type: "radio", name: "size", value: String(size), checked: size === chosen });
    radio.addEventListener("change", () => choose(size));
    const seconds = secondsFor(size);
    const name = size === null ? `Original, ${shorter}` : String(size);
    const time = make("small", { textContent: seconds === null ? "" : inWords(seconds) });
    return make("label", { className: "pill" }, radio, make("span", {}, name, time));
  }));
  if (focused) $("choices").querySelector(":checked")?.focus();
}

/** The second style, of all but the first. */
export function fillSecond(styles, { style, second }) {
  const none = make("option", { value: "", textContent: "no other style" });
  const others = styles.filter(({ name }) => name !== style);
  $("second").replaceChildren(none, ...others.map(({ name, title }) =>
    make("option", { value: name, textContent: title, selected: name === second })));
  $("mixer").hidden = !$("second").value;
}

/** The sliders where the settings are. */
export function showSliders(settings) {
  for (const name of SLIDERS) {
    $(name).value = settings[name];
    $(`${name}-value`).textContent = `${settings[name]} %`;
  }
}
