/** A photograph from the camera, in a dialog. */

import { Trouble } from "./trouble.js";

const REASONS = {
  NotAllowedError: "The camera may not be used: allow it in the browser's settings of this page.",
  NotFoundError: "There is no camera here: choose a photograph in its place.",
  NotReadableError: "Another program uses the camera: close it and try again.",
};

/** Resolves to a file with the picture, or null if the visitor cancels; throws Trouble. */
export async function openCamera() {
  const dialog = document.getElementById("camera"), video = document.getElementById("video");
  let stream;
  try {
    if (!navigator.mediaDevices) throw new DOMException("", "NotFoundError");
    const wanted = { facingMode: "environment", width: { ideal: 4096 }, height: { ideal: 4096 } };
    stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
  } catch (error) {
    throw new Trouble("camera", REASONS[error.name] ?? REASONS.NotFoundError);
  }
  try {
    video.srcObject = stream;
    dialog.showModal();
    const shoot = await new Promise((resolve) => {
      document.getElementById("shoot").onclick = () => resolve(true);
      document.getElementById("leave").onclick = () => resolve(false);
      dialog.oncancel = () => resolve(false);
    });
    return shoot ? await picture(video) : null;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
    dialog.close();
  }
}

async function picture(video) {
  const { videoWidth: width, videoHeight: height } = video;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Trouble("camera", "The camera gave no picture: try again.");
  return new File([blob], "camera.png", { type: "image/png" });
}
