/** The picture: two canvases, one above the other, and the slider between them. */

const LARGEST = 1600; // pixels of the longer side of what is shown; downloads have them all

const $ = (id) => document.getElementById(id);

function canvasOf({ width, height, data }) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { alpha: false }); // or files would have an alpha channel
  context.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}

/** A picture in a size for the screen. */
export function shrink(picture) {
  const scale = LARGEST / Math.max(picture.width, picture.height);
  if (scale >= 1) return picture;
  const width = Math.round(picture.width * scale), height = Math.round(picture.height * scale);
  const small = Object.assign(document.createElement("canvas"), { width, height });
  const context = small.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(canvasOf(picture), 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** Show a photograph, and what was painted of it once there is something. */
export function show({ photo, picture }) {
  const figure = $("compare");
  figure.hidden = false;
  figure.classList.toggle("unpainted", !picture);
  figure.style.setProperty("--ratio", photo.width / photo.height);
  for (const [id, what] of [["before", photo], ["after", picture]]) {
    if (!what) continue;
    const canvas = $(id);
    if (canvas.width !== what.width) canvas.width = what.width;
    if (canvas.height !== what.height) canvas.height = what.height;
    canvas.getContext("2d").putImageData(new ImageData(what.data, what.width, what.height), 0, 0);
  }
}

const split = $("split");
const place = () => $("compare").style.setProperty("--split", `${split.value}%`);
split.addEventListener("input", place);
place();

/** Save a picture as a file: "png" with every pixel as it is, or "jpeg". */
export async function download(picture, name, format) {
  const type = `image/${format}`;
  const blob = await new Promise((resolve) => canvasOf(picture).toBlob(resolve, type, 0.95));
  if (!blob) throw new RangeError("out of memory");
  const link = Object.assign(document.createElement("a"), {
    href: URL.createObjectURL(blob), download: `${name}.${format === "jpeg" ? "jpg" : format}`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
