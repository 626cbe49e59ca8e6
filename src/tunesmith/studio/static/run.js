// One run: what is done, its curves, previews, events and log, kept up to date by byte offsets.

import { $, act, attribute, duration, each, get, keys, make, number, poll, say, show, text } from "./page.js";
import { isAtWork, patchButtons, start } from "./actions.js";
import { chart } from "./chart.js";
import { Previews } from "./previews.js";

const name = document.body.dataset.run;
const home = `/api/runs/${encodeURIComponent(name)}`;
const MOST_POINTS = 1600;
const CURVES = ["train", "forgetting", "valid"];
const previews = new Previews();

let at = 0;
let mark = "";
let curves = {};
let events = [];
let logAt = 0;
let drawn = "";

function forget() {
  [at, mark, curves, events] = [0, "", {}, []];
  previews.clear();
}

function takeIn(news) {
  for (const [key, points] of Object.entries(news.curves)) {
    curves[key] ??= new Map();
    for (const [update, value] of points) curves[key].set(update, value); // an update that is done again counts once
  }
  events.push(...news.events);
  previews.add(news.previews);
  [at, mark] = [news.at, news.mark];
}

async function follow() {
  let news = await get(`${home}/follow?after=${at}&mark=${mark}`);
  if (news.restarted || Object.values(curves).some((points) => points.size > MOST_POINTS)) {
    forget();
    news = await get(`${home}/follow`);
  }
  takeIn(news);
  patchRun(news.run);
  patchCurves(news.run);
  patchEvents();
  previews.patch();
  await followLog();
}

async function followLog() {
  const news = await get(`${home}/log?after=${logAt}`);
  const log = $("#log");
  const follows = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  if (news.restarted || logAt === 0) text(log, news.text || say("no_log"));
  else if (news.text) log.append(news.text);
  if (log.childNodes.length > 200) text(log, log.textContent.slice(-64000));
  logAt = news.at;
  if (follows) log.scrollTop = log.scrollHeight;
}

function patchRun(run) {
  text($("#model"), [run.family, run.base].filter(Boolean).join(" · "));
  text($("#problem"), run.problem);
  show($("#problem"), Boolean(run.problem));
  show($("#writer"), Boolean(run.writer) && !isAtWork(run.job));
  if (run.writer) text($("#writer"), say("writer", run.writer));
  text($("#verdict"), run.verdict);
  show($("#verdict"), Boolean(run.verdict));
  each($("#stages"), run.stages, (stage) => stage.name, stageNode, (node, stage) => {
    attribute(node, "data-status", stage.status);
    attribute(node, "aria-current", stage.name === run.stage ? "step" : null);
    text(node.lastElementChild, stage.status_said);
  });
  patchProgress(run);
  patchButtons($("#buttons"), $("#said"), run, again);
  show($("#job"), Boolean(run.job));
  if (run.job) {
    $("#job").dataset.state = run.job.state;
    text($("#job"), [run.job.said, run.job.command, run.job.end].filter(Boolean).join(" · "));
  }
}

function stageNode(stage) {
  return make("li", {}, make("span", { class: "name" }, stage.said), " ", make("span", { class: "quiet" }));
}

function patchProgress(run) {
  const place = $("#progress");
  const bar = $("progress", place);
  const words = [];
  if (run.progress) words.push(run.progress.stage, run.progress.note);
  if (run.updates) words.push(say("updates", run));
  else if (run.update) words.push(say("update", run));
  if (run.progress?.eta_seconds) words.push(say("eta", { time: duration(run.progress.eta_seconds) }));
  show(place, run.share !== null || words.length > 0);
  show(bar, run.share !== null);
  if (run.share !== null) bar.value = run.share;
  text($(".words", place), words.filter(Boolean).join(" · "));
}

function patchCurves(run) {
  const found = CURVES.filter((key) => curves[key]?.size);
  show($("#curves"), found.length > 0);
  const first = $("#first-number");
  show(first, found.length === 0);
  const expected = run.first_number && (isAtWork(run.job) || run.writer);
  text(first, expected ? say("first_number", { update: run.first_number }) : say("no_numbers"));
  const state = JSON.stringify([found, at, run.best_update, $("#curves").clientWidth]);
  if (!found.length || state === drawn) return;
  drawn = state;
  const points = (key) => [...curves[key]].sort((a, b) => a[0] - b[0]);
  const ring = run.best_update !== null && curves.valid?.has(run.best_update) ? [run.best_update, curves.valid.get(run.best_update)] : null;
  chart($("#curves .chart"), found.map((key) => [key, points(key)]), ring, say("chart_title"), number);
  each($("#curves figcaption"), found, (key) => key, (key) => make("span", { class: `key ${key}` }), (node, key) => {
    const [update, value] = points(key).at(-1);
    const best = key === "valid" && run.best_loss !== null ? ` (${say("best", { loss: number(run.best_loss), update: run.best_update })})` : "";
    text(node, say("curve_says", { name: say(key), value: number(value), update }) + best);
  });
}

function patchEvents() {
  show($("#no-events"), events.length === 0);
  text($("#no-events"), say("no_events"));
  const newest = events.map((event, index) => ({ ...event, index })).slice(-100).reverse();
  each($("#events"), newest, (event) => event.index, () => make("li", {}, make("b"), " ", make("span"), " ", make("span", { class: "quiet" })), (node, event) => {
    const [title, sentence, when] = node.children;
    text(title, event.said);
    text(sentence, event.sentence);
    text(when, say("at_update", event));
  });
}

const form = $("#choose form");
const chosen = () => form.elements.overrides.value.split("\n").map((line) => line.trim()).filter(Boolean);
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\"'\"'")}'`);
function patchCommand() {
  text($("#command"), ["tunesmith", form.elements.verb.value, `runs/${name}`, ...chosen()].map(quoted).join(" "));
}
form.addEventListener("input", patchCommand);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  act(async () => {
    const said = await start(form.elements.verb.value, name, chosen());
    again();
    return said;
  }, $("#said"), $("button", form));
});
patchCommand();

const press = (names) => {
  if (names.includes($("#buttons").dataset.offers)) $("#buttons button").click();
};
const again = poll(follow);
keys({
  s: () => press(["start", "continue"]),
  x: () => press(["stop", "cancel", "end"]),
  " ": () => previews.toggle(),
  ArrowLeft: () => previews.move(-1, 0),
  ArrowRight: () => previews.move(1, 0),
  ArrowUp: () => previews.move(0, -1),
  ArrowDown: () => previews.move(0, 1),
});
