// The line to the server: a WebSocket, or plain requests where a proxy drops sockets. ui/wire.py describes the messages.

const CLOSED_GONE = 4404, CLOSED_TAKEN = 4409;
const FIRST_WAIT = 250, LONGEST_WAIT = 8000;   // milliseconds between attempts; all fit into the server's grace time

const LONGEST_SILENCE = 30000;   // the server says at least every ten seconds that it is there

function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const message = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let start = 4 + length;
  const found = ['masks', 'preview'].includes(message.t) ? message.objects : [];
  for (const mask of found.flatMap(object => [object, ...object.candidates ?? []])) {
    mask.png = new Blob([new Uint8Array(buffer, start, mask.bytes)], { type: 'image/png' });
    start += mask.bytes;
  }
  return message;
}

class SocketTransport {
  constructor(events) {
    this.socket = new WebSocket(address('ws').replace(/^http/, 'ws'));
    this.socket.binaryType = 'arraybuffer';
    this.socket.onopen = () => { this.watch(events); events.opened(); };
    this.socket.onmessage = event => { this.heardAt = performance.now(); events.heard(unpack(event.data)); };
    this.socket.onclose = event => { clearInterval(this.watching); events.closed(event.code); };
  }

  // Where a network vanishes, browsers notice only after many minutes.
  watch(events) {
    this.heardAt = performance.now();
    this.watching = setInterval(() => {
      if (performance.now() - this.heardAt < LONGEST_SILENCE) return;
      this.close();
      events.closed(0);
    }, 1000);
  }

  send(message) { this.socket.send(JSON.stringify(message)); }

  close() {
    clearInterval(this.watching);
    this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
  }
}

class RequestTransport {
  constructor(events) {
    this.events = events;
    this.ending = new AbortController();
    this.saying = Promise.resolve();
    this.listen();
  }

  async listen() {
    try {
      for (let first = true; !this.ending.signal.aborted; first = false) {
        const answer = await fetch(address(`hear${first ? '?first=1' : ''}`), { signal: this.ending.signal });
        if (!answer.ok) return this.fail(answer.status);
        if (first) this.events.opened();
        const body = await answer.arrayBuffer();
        for (let start = 0; start < body.byteLength;) {
          const length = new DataView(body).getUint32(start, true);
          this.events.heard(unpack(body.slice(start + 4, start + 4 + length)));
          start += 4 + length;
        }
      }
    } catch (error) {
      if (!this.ending.signal.aborted) this.fail(0);
    }
  }

  send(message) {
    const request = { method: 'POST', body: JSON.stringify(message), signal: this.ending.signal };
    this.saying = this.saying.then(() => fetch(address('say'), request))
      .then(answer => { if (!answer.ok) this.fail(answer.status); })
      .catch(() => this.fail(0));
  }

  fail(status) {
    if (this.ending.signal.aborted) return;
    this.ending.abort();
    this.events.closed({ 404: CLOSED_GONE, 409: CLOSED_TAKEN }[status] ?? 0);
  }

  close() { this.ending.abort(); }
}

// Keeps a transport open, and prompts in order: one is on its way, the others wait, and of two about the same object and
// frame only the newer one waits, so that fast clicks never pile up.
class Line {
  constructor() {
    this.status = 'off';          // off, connecting, on, lost, gone, taken
    this.waiting = [];
    this.flying = null;
    this.seq = 0;
    this.sockets = { failed: 0, worked: false };
  }

  open() {
    this.close();
    this.wait = FIRST_WAIT;
    this.connect();
  }

  connect() {
    this.set(this.status === 'lost' ? 'lost' : 'connecting');
    const Transport = this.sockets.failed < 2 || this.sockets.worked ? SocketTransport : RequestTransport;
    const isSocket = Transport === SocketTransport;
    this.transport = new Transport({
      opened: () => {
        if (isSocket) this.sockets.worked = true;
        this.wait = FIRST_WAIT;
        this.set('on');
      },
      heard: message => this.heard(message),
      closed: code => {
        if (isSocket) this.sockets.failed += 1;
        this.lost(code);
      },
    });
  }

  close() {
    clearTimeout(this.retry);
    this.transport?.close();
    this.transport = null;
    this.landed();
  }

  lost(code) {
    this.transport = null;
    if (this.flying) {
      const { object, frame } = this.flying;
      const outdated = this.waiting.some(other => other.object === object && (other.frame === frame || other.t === 'forget'));
      if (!outdated) this.waiting.unshift(this.flying);
      this.landed();
    }
    if (code === CLOSED_GONE) return this.set('gone');
    if (code === CLOSED_TAKEN) return this.set('taken');
    this.set('lost');
    this.retry = setTimeout(() => { if (!mount.signal.aborted) this.connect(); }, this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  set(status) {
    this.status = status;
    tell('line', status);
    this.pump();
  }

  heard(message) {
    if (message.t !== 'preview' && message.seq !== undefined && message.seq === this.flying?.seq) {
      message.question = this.flying;
      this.landed();
    }
    tell(`server-${message.t}`, message);
    this.pump();
  }

  landed() {
    this.flying = null;
    tell('flying', null);
  }

  // Something that needs no answer, or can be asked again.
  say(message) {
    if (this.status !== 'on') return false;
    this.transport.send(message);
    return true;
  }

  // A prompt or forget: waits for its turn, survives lost connections.
  ask(message) {
    const same = other => other.t === 'prompt' && other.object === message.object
      && (message.t === 'forget' || other.frame === message.frame);
    const removed = this.waiting.findLastIndex(other => other.t === 'forget' && other.object === message.object);
    this.waiting = this.waiting.filter((other, place) => place <= removed || !same(other));
    this.waiting.push(message);
    tell('asked', message);
    this.pump();
  }

  forgetAll() {
    this.waiting = [];
    this.landed();
  }

  pump() {
    if (this.flying || !this.waiting.length || this.status !== 'on' || !state.ready || state.reopening) return;
    this.flying = this.waiting.shift();
    this.flying.seq = ++this.seq;
    // These are ours: when the user clicked, and what to say and do later.
    const { since, quietly, title, back, ...message } = this.flying;
    this.transport.send(message);
    tell('flying', this.flying);
  }
}

const line = new Line();
