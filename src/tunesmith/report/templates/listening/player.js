// Two clips that run side by side, of which one is heard: switching keeps the position and makes no click.
function PairPlayer(sources) {
  "use strict";
  var context = null, decoded = {}, buffers = [], playing = [], gains = [];
  var self = { side: 0, position: 0, running: false, heard: [0, 0], onchange: function () {} };
  var round = 0, begun = 0, counted = 0;

  function bytes(uri) {
    var text = atob(uri.slice(uri.indexOf(",") + 1)), made = new Uint8Array(text.length);
    for (var i = 0; i < text.length; i++) made[i] = text.charCodeAt(i);
    return made.buffer;
  }
  function decode(id) {
    if (!decoded[id]) {
      decoded[id] = new Promise(function (resolve, reject) {
        context.decodeAudioData(bytes(sources[id]), resolve, reject);
      });
    }
    return decoded[id];
  }
  // Called by a click or a key: only then may a page make sound.
  self.wake = function () {
    context = context || new (window.AudioContext || window.webkitAudioContext)();
    return context.resume();
  };
  self.load = function (a, b, following) {
    self.stop();
    var wanted = ++round, kept = [a, b].concat(following);
    Object.keys(decoded).forEach(function (id) { if (!kept.includes(id)) delete decoded[id]; });
    buffers = [];
    self.side = 0;
    self.position = 0;
    self.heard = [0, 0];
    return Promise.all([decode(a), decode(b)]).then(function (both) {
      if (wanted !== round) return;
      buffers = both;
      following.forEach(decode);
      self.onchange();
    });
  };
  self.ready = function () { return buffers.length === 2; };
  self.length = function () { return self.ready() ? Math.max(buffers[0].duration, buffers[1].duration) : 0; };
  self.least = function (side, ms) { return self.ready() ? Math.min(ms, 900 * buffers[side].duration) : ms; };
  self.now = function () {
    return self.running ? Math.min(self.position + context.currentTime - begun, self.length()) : self.position;
  };
  self.play = function () {
    if (!self.ready() || self.running) return;
    if (self.position >= self.length() - 0.05) self.position = 0;
    playing = [];
    gains = buffers.map(function (buffer, side) {
      var source = context.createBufferSource(), gain = context.createGain();
      source.buffer = buffer;
      source.connect(gain).connect(context.destination);
      gain.gain.value = side === self.side ? 1 : 0;
      if (self.position < buffer.duration) {
        source.start(0, self.position);
        playing.push(source);
      }
      return gain;
    });
    begun = counted = context.currentTime;
    self.running = true;
    self.onchange();
  };
  self.stop = function () {
    if (!self.running) return;
    count();
    self.position = self.now();
    self.running = false;
    playing.forEach(function (source) { source.stop(); });
    self.onchange();
  };
  self.toggle = function () { if (self.running) self.stop(); else self.play(); };
  self.choose = function (side) {
    count();
    self.side = side;
    if (self.running) gains.forEach(function (gain, one) { gain.gain.setTargetAtTime(one === side ? 1 : 0, context.currentTime, 0.008); });
    self.onchange();
  };
  self.seek = function (seconds) {
    var ran = self.running;
    self.stop();
    self.position = Math.max(0, Math.min(seconds, self.length()));
    if (ran) self.play();
    self.onchange();
  };
  // What has been heard of the side that is on, up to the end of its clip.
  function count() {
    if (!self.running) return;
    var until = Math.min(context.currentTime, begun + buffers[self.side].duration - self.position);
    if (until > counted) self.heard[self.side] += 1000 * (until - counted);
    counted = context.currentTime;
  }
  setInterval(function () {
    if (!self.running) return;
    count();
    if (self.now() >= self.length()) self.stop();
    self.onchange();
  }, 50);
  return self;
}
