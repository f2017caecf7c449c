/** What the visitor has chosen, in the address behind the #, so that a link restores it. */

export const SIZES = [256, 512, 1024, 2048];
export const DEFAULTS = { style: "", second: "", share: 50, size: 512, strength: 100, color: 0 };
const NAMES = ["style", "second"], NUMBERS = ["share", "strength", "color"];

/** Settings from "#style=starry&size=512"; what makes no sense there is left as it is. */
export function fromHash(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const settings = { ...DEFAULTS };
  for (const name of NAMES) {
    if (/^[\w-][\w.-]{0,99}$/.test(given.get(name) ?? "")) settings[name] = given.get(name);
  }
  const size = given.get("size");
  if (size === "full") settings.size = null;
  else if (SIZES.includes(Number(size))) settings.size = Number(size);
  for (const name of NUMBERS) {
    if (/^\d{1,3}$/.test(given.get(name) ?? "")) settings[name] = Math.min(100, Number(given.get(name)));
  }
  return settings;
}

/** The other way: only what differs from the defaults, and the style. */
export function toHash(settings) {
  const given = new URLSearchParams();
  for (const name of NAMES) {
    if (settings[name] && !settings[name].startsWith("given-")) given.set(name, settings[name]);
  }
  if (settings.size !== DEFAULTS.size) given.set("size", settings.size ?? "full");
  for (const name of NUMBERS) {
    if (settings[name] !== DEFAULTS[name]) given.set(name, settings[name]);
  }
  return `#${given}`;
}

/** Sizes to choose from for a photograph: none that would more than double it; null is its own. */
export function sizesFor(shorter) {
  const sizes = SIZES.filter((size) => size <= 2 * shorter);
  return sizes.includes(shorter) ? sizes : [...sizes, null];
}

/** The one of them that comes closest to what is wanted. */
export function sizeFor(wanted, shorter) {
  const sizes = sizesFor(shorter);
  if (sizes.includes(wanted)) return wanted;
  return wanted === null ? shorter : sizes.at(-1);
}

/** Seconds in words, rounded as far as an estimate goes. */
export function inWords(seconds) {
  if (seconds < 0.95) return "under 1 s";
  if (seconds < 10) return `about ${Math.round(seconds)} s`;
  if (seconds < 55) return `about ${Math.round(seconds / 5) * 5} s`;
  return `about ${Math.max(1, Math.round(seconds / 60))} min`;
}
