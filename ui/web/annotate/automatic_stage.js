// The automatic stage: all masks above the thresholds, on one photo after the other.

import { state } from '../core/store.js';
import { counted } from '../shared/format.js';
import { goTo } from '../timeline/navigation.js';
import { automatic } from '../tools/automatic_masks.js';
import { prompts } from '../tools/prompts.js';

export class AutomaticStage {
  isRunning = false;
  /** What is done or was done, for the user. */
  text = '';

  /** Ends the run; what was taken stays. */
  cancel() {
    if (!this.isRunning) return;
    this.isRunning = false;
    automatic.cancel();
  }

  /**
   * Takes the masks of all photos, each as one step. Where not all fit into the session, each photo has an equal share of the
   * room that is left.
   * @param {number} photos
   * @param {() => void} onProgress
   */
  async run(photos, onProgress) {
    const { version } = state;
    const before = state.log.prompts.size;
    let done = 0;
    this.isRunning = true;
    for (; done < photos && this.isRunning; done += 1) {
      this.text = `Photo ${done + 1} of ${photos}`;
      onProgress();
      await goTo(done);
      const isComplete = this.isRunning && (await automatic.start());
      if (!isComplete || state.version !== version || state.frame !== done) break;
      await automatic.takeAll('automatic', Math.floor(prompts.room.objects / (photos - done)));
    }
    this.isRunning = false;
    const taken = counted(state.log.prompts.size - before, 'mask');
    this.text =
      done < photos ? `Stopped after ${counted(done, 'photo')}: ${taken}` : `${taken} on ${counted(photos, 'photo')}`;
    onProgress();
  }
}
