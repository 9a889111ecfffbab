// A snapshot from the camera: a dialog with what the camera sees.

import { find, listen } from '../core/page.js';
import { canvasOf } from '../shared/canvas.js';
import { tr } from '../shared/language.js';
import { openFile } from '../storage/open_files.js';
import { closeStream, NoCamera, openStream } from './camera_stream.js';

const cameraDialog = find('camera-dialog');
const cameraVideo = find('camera-video');

/** @param {string} text '' once the camera can take a picture */
function showStatus(text) {
  find('camera-text').textContent = text;
  find('camera-take').disabled = !!text;
}

async function openCamera() {
  cameraDialog.showModal();
  showStatus(tr('Waiting for the camera…'));
  try {
    await openStream(cameraVideo, { width: { ideal: 1920 }, height: { ideal: 1080 } });
    if (!cameraDialog.open) return closeCamera();
    showStatus('');
  } catch (error) {
    if (!(error instanceof NoCamera)) throw error;
    showStatus(error.message);
  }
}

function closeCamera() {
  closeStream(cameraVideo);
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
