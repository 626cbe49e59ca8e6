// Curves as SVG; colours come from the style sheet, so that dark and light need no second drawing.

const SVG = "http://www.w3.org/2000/svg";
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 14, 14, 34];
const [NARROWEST, WIDEST] = [320, 1280];

function draw(tag, facts, words = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(facts)) node.setAttribute(name, value);
  node.textContent = words;
  return node;
}

/** Round values between two ends, about as many as asked for. */
export function ticks(low, high, wanted) {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const every = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough);
  const found = [];
  for (let at = Math.ceil(low / every) * every; at <= high + every * 1e-6; at += every) found.push(Number(at.toPrecision(10)));
  return found;
}

/** Draw curves into a place.
 *
 * @param place The element; what it held is replaced.
 * @param curves `[class, [[update, value], …]]`, the last one on top.
 * @param ring A point that is ringed, or null.
 * @param title What a reader who does not see it is told.
 */
export function chart(place, curves, ring, title, format) {
  const width = Math.min(WIDEST, Math.max(NARROWEST, place.clientWidth));
  const height = Math.round(Math.min(380, width * 0.55));
  const all = curves.flatMap(([, points]) => points);
  const values = all.map(([, value]) => value);
  const end = Math.max(1, ...all.map(([update]) => update));
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  const x = (update) => LEFT + ((width - LEFT - RIGHT) * update) / end;
  const y = (value) => TOP + ((height - TOP - BOTTOM) * (high + room - value)) / (high - low + 2 * room);
  const picture = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
  for (const value of ticks(low, high, 5)) {
    picture.append(draw("line", { class: "rule", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }));
    picture.append(draw("text", { class: "tick", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, format(value)));
  }
  for (const update of ticks(0, end, width / 110).filter(Number.isInteger)) {
    picture.append(draw("text", { class: "tick", x: x(update), y: height - 12, "text-anchor": "middle" }, format(update)));
  }
  for (const [name, points] of curves) {
    const path = points.map(([update, value]) => `${x(update).toFixed(1)},${y(value).toFixed(1)}`);
    picture.append(draw("polyline", { class: `curve ${name}`, points: path.join(" ") }));
    if (points.length > 60) continue;
    for (const [update, value] of points) picture.append(draw("circle", { class: `dot ${name}`, cx: x(update), cy: y(value), r: 3 }));
  }
  if (ring) picture.append(draw("circle", { class: "ring", cx: x(ring[0]), cy: y(ring[1]), r: 8 }));
  place.replaceChildren(picture);
}
