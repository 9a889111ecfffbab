// A snapshot from the camera: a dialog with what the camera sees.

import { find, listen } from '../core/page.js';
import { canvasOf } from '../shared/canvas.js';
import { openFile } from '../storage/open_files.js';

const cameraDialog = find('camera-dialog');
const cameraVideo = cameraDialog.querySelector('video');
let cameraStream = null;

async function openCamera() {
  cameraDialog.showModal();
  find('camera-take').disabled = true;
  find('camera-text').textContent = 'Waiting for the camera…';
  if (!navigator.mediaDevices?.getUserMedia) {
    find('camera-text').textContent =
      'Browsers give pages the camera only over https or on this computer itself. Choose a file instead.';
    return;
  }
  try {
    const wish = { video: { facingMode: 'environment', width: { ideal: 1920 }, height: { ideal: 1080 } } };
    cameraStream = await navigator.mediaDevices.getUserMedia(wish);
    if (!cameraDialog.open) return closeCamera();
    cameraVideo.srcObject = cameraStream;
    await cameraVideo.play();
    find('camera-text').textContent = '';
    find('camera-take').disabled = false;
  } catch (error) {
    find('camera-text').textContent =
      error.name === 'NotAllowedError'
        ? 'The camera is not allowed here. Allow it in the browser’s address bar and try again.'
        : 'No camera was found. Connect one and try again, or choose a file instead.';
  }
}

function closeCamera() {
  for (const track of cameraStream?.getTracks() ?? []) track.stop();
  cameraStream = cameraVideo.srcObject = null;
  if (cameraDialog.open) cameraDialog.close();
}

function takePicture() {
  const [canvas, pen] = canvasOf(cameraVideo.videoWidth, cameraVideo.videoHeight);
  pen.drawImage(cameraVideo, 0, 0);
  closeCamera();
  canvas.toBlob(blob => openFile(new File([blob], 'snapshot.jpg', { type: 'image/jpeg' })), 'image/jpeg', 0.95);
}

export function setUpCamera() {
  listen(find('snapshot'), 'click', openCamera);
  listen(find('camera-close'), 'click', closeCamera);
  listen(find('camera-take'), 'click', takePicture);
  listen(cameraDialog, 'close', closeCamera);
}
