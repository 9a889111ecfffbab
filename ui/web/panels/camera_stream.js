// The camera as a stream in a <video>.

import { tr } from '../shared/language.js';

/** The camera cannot be had; the message may be shown. */
export class NoCamera extends Error {}

/**
 * Asks for the camera and shows it. Throws `NoCamera`.
 * @param {HTMLVideoElement} video
 * @param {MediaTrackConstraints} wanted
 */
export async function openStream(video, wanted) {
  if (!navigator.mediaDevices?.getUserMedia)
    throw new NoCamera(
      tr('Browsers give pages the camera only over https or on this computer itself. Choose a file instead.'),
    );
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', ...wanted } });
    video.srcObject = stream;
    await video.play();
    return stream;
  } catch (error) {
    closeStream(video);
    throw new NoCamera(
      error instanceof DOMException && error.name === 'NotAllowedError'
        ? tr('The camera is not allowed here. Allow it in the browser’s address bar and try again.')
        : tr('No camera was found. Connect one and try again, or choose a file instead.'),
    );
  }
}

/**
 * Turns the camera off.
 * @param {HTMLVideoElement} video
 */
export function closeStream(video) {
  const stream = /** @type {MediaStream | null} */ (video.srcObject);
  for (const track of stream?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}
