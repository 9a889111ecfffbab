// The automatic stage: all masks above the thresholds, on one photo after the other.

import { about } from '../core/page.js';
import { state } from '../core/store.js';
import { tr } from '../shared/language.js';
import { goTo } from '../timeline/navigation.js';
import { automatic } from '../tools/automatic_masks.js';
import { prompts } from '../tools/prompts.js';
import { resultText } from './statistics.js';

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
   * Takes the masks of all photos, each as one step. A photo gets at most an equal share of the room that is left, its best
   * masks; what one photo does not need is for those after it.
   * @param {number} photos
   * @param {() => void} onProgress
   */
  async run(photos, onProgress) {
    const { version } = state;
    let [done, all, missed] = [0, 0, 0];
    this.isRunning = true;
    for (; done < photos && this.isRunning; done += 1) {
      this.text = tr('Photo {n} of {count}', { n: done + 1, count: photos });
      onProgress();
      await goTo(done);
      const isComplete = this.isRunning && (await automatic.start());
      if (!isComplete || state.version !== version || state.frame !== done) break;
      const most = Math.ceil(prompts.room.objects / (photos - done));
      const { taken, left } = await automatic.takeAll('automatic', { most });
      [all, missed] = [all + taken, missed + left];
    }
    this.isRunning = false;
    this.text = resultText({ done, photos, all, missed, most: about.max_objects });
    onProgress();
  }
}
