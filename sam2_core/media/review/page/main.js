// The review page: see sam2_core/media/review/document.py.

import { setUpKeyboard } from './keyboard.js';
import { setUpNoteEditor } from './note_editor.js';
import { setUpNoteList, updateNotes } from './note_list.js';
import { setUpObjects } from './objects.js';
import { setUpPage } from './page.js';
import { setUpPlayer } from './player.js';
import { setUpPointer } from './pointer.js';
import { setUpSaved } from './saved.js';
import { setUpSendBack } from './send_back.js';
import { setUpTimeline } from './timeline.js';
import { setUpViewport } from './viewport.js';

setUpPage();
setUpSaved();
setUpViewport();
setUpPointer();
setUpTimeline();
setUpPlayer();
setUpObjects();
setUpNoteList();
setUpNoteEditor();
setUpSendBack();
updateNotes();
setUpKeyboard();
