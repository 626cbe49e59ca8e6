// SHA-256 of a text's UTF-8 bytes, in hex (FIPS 180-4). The browser's own is refused to pages of some origins.
function sha256(text) {
  "use strict";
  var bytes = new TextEncoder().encode(text), words = [], constants = [], state = [], found = 0;
  function root(value, power) { return (Math.pow(value, power) % 1) * 4294967296 | 0; }
  for (var n = 2; found < 64; n++) {
    var prime = true;
    for (var d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (found < 8) state.push(root(n, 1 / 2));
    constants.push(root(n, 1 / 3));
    found++;
  }
  for (var i = 0; i < bytes.length; i++) words[i >> 2] |= bytes[i] << (24 - 8 * (i & 3));
  words[bytes.length >> 2] |= 128 << (24 - 8 * (bytes.length & 3));
  var total = ((bytes.length + 8) >> 6) * 16 + 16;
  words[total - 2] = Math.floor(bytes.length / 536870912);
  words[total - 1] = bytes.length << 3;
  function turn(x, by) { return (x >>> by) | (x << (32 - by)); }
  for (var block = 0; block < total; block += 16) {
    var w = [], s = state.slice();
    for (var t = 0; t < 64; t++) {
      if (t < 16) w[t] = words[block + t] | 0;
      else {
        var x = w[t - 15], y = w[t - 2];
        w[t] = (w[t - 16] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + w[t - 7] + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10))) | 0;
      }
      var one = (s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[t] + w[t]) | 0;
      var two = ((turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]))) | 0;
      s = [(one + two) | 0, s[0], s[1], s[2], (s[3] + one) | 0, s[4], s[5], s[6]];
    }
    for (var k = 0; k < 8; k++) state[k] = (state[k] + s[k]) | 0;
  }
  return state.map(function (word) { return ("0000000" + (word >>> 0).toString(16)).slice(-8); }).join("");
}
