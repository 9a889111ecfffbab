// A snapshot from the camera: a dialog with what the camera sees.

import { find, listen } from '../core/page.js';
import { canvasOf } from '../shared/canvas.js';
import { openFile } from '../storage/open_files.js';

const cameraDialog = find('camera-dialog');
const cameraVideo = find('camera-video');
const CONSTRAINTS = { video: { facingMode: 'environment', width: { ideal: 1920 }, height: { ideal: 1080 } } };
/** @type {MediaStream | null} */
let cameraStream = null;

/** @param {string} text '' once the camera can take a picture */
function showStatus(text) {
  find('camera-text').textContent = text;
  find('camera-take').disabled = !!text;
}

async function openCamera() {
  cameraDialog.showModal();
  showStatus('Waiting for the camera…');
  if (!navigator.mediaDevices?.getUserMedia)
    return showStatus(
      'Browsers give pages the camera only over https or on this computer itself. Choose a file instead.',
    );
  try {
    cameraStream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
    if (!cameraDialog.open) return closeCamera();
    cameraVideo.srcObject = cameraStream;
    await cameraVideo.play();
    showStatus('');
  } catch (error) {
    showStatus(
      error instanceof DOMException && error.name === 'NotAllowedError'
        ? 'The camera is not allowed here. Allow it in the browser’s address bar and try again.'
        : 'No camera was found. Connect one and try again, or choose a file instead.',
    );
  }
}

function closeCamera() {
  for (const track of cameraStream?.getTracks() ?? []) track.stop();
  cameraStream = cameraVideo.srcObject = null;
  if (cameraDialog.open) cameraDialog.close();
}

function takePicture() {
  const [canvas, context] = canvasOf(cameraVideo.videoWidth, cameraVideo.videoHeight);
  context.drawImage(cameraVideo, 0, 0);
  closeCamera();
  const open = (/** @type {Blob | null} */ blob) =>
    blob && openFile(new File([blob], 'snapshot.jpg', { type: 'image/jpeg' }));
  canvas.toBlob(open, 'image/jpeg', 0.95);
}

export function setUpCamera() {
  listen(find('snapshot'), 'click', openCamera);
  listen(find('camera-close'), 'click', closeCamera);
  listen(find('camera-take'), 'click', takePicture);
  listen(cameraDialog, 'close', closeCamera);
}
