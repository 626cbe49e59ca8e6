// What every page shares: sentences, nodes that are patched and never rewritten, polling, keys.

const answer = await fetch(`/sentences?language=${document.documentElement.lang}`);
const SENTENCES = await answer.json();

/** A sentence in the page's language, with its values. */
export function say(name, values = {}) {
  return SENTENCES[name].replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
}

export const $ = (selector, root = document) => root.querySelector(selector);

/** A new element; `facts` are its attributes, `children` nodes or texts. */
export function make(tag, facts = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Change a node's text only where it differs: what is selected or read aloud stays as it is. */
export function text(node, words) {
  const wanted = String(words ?? "");
  if (node.textContent !== wanted) node.textContent = wanted;
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

export function attribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** Keep one child for each item, in order, made once and patched after; nothing is moved that need not be. */
export function each(parent, items, key, create, patch) {
  const there = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let node = there.get(name);
    if (node) there.delete(name);
    else {
      node = create(item);
      node.dataset.key = name;
    }
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
    patch(node, item);
  }
  for (const node of there.values()) node.remove();
}

export class Refused extends Error {}

/** Ask the API; raises Refused with its sentence, or a TypeError where nobody answers. */
async function ask(method, path, body) {
  const question = { method, headers: { "accept-language": document.documentElement.lang } };
  if (body !== undefined) {
    question.body = JSON.stringify(body);
    question.headers["content-type"] = "application/json";
  }
  const got = await fetch(path, question);
  if (got.status === 401) throw new Refused(say("locked_out"));
  const said = await got.json();
  if (!got.ok) throw new Refused(said.error);
  return said;
}

export const get = (path) => ask("GET", path);
export const post = (path, body) => ask("POST", path, body);

const EVERY = 1000;
let away = false;

function reach(sentence) {
  const line = $("#reach");
  text(line, sentence ?? "");
  show(line, Boolean(sentence));
  line.classList.toggle("good", sentence === say("reachable"));
}

/** Do `work` every second while somebody looks at the page; say so when the studio does not answer. */
export function poll(work) {
  let timer = 0;
  let busy = false;
  async function turn() {
    clearTimeout(timer);
    if (document.hidden || busy) return;
    busy = true;
    try {
      await work();
      if (away) {
        away = false;
        reach(say("reachable"));
        setTimeout(() => away || reach(null), 4000);
      }
    } catch (error) {
      away = true;
      reach(error instanceof Refused ? error.message : say("unreachable"));
    }
    busy = false;
    timer = setTimeout(turn, EVERY);
  }
  document.addEventListener("visibilitychange", turn);
  turn();
  return turn;
}

/** A button that does something and says beside itself what came of it. */
export function button(label, action, line, kind = "") {
  const node = make("button", { type: "button", class: kind }, label);
  node.addEventListener("click", () => act(action, line, node));
  return node;
}

export async function act(action, line, node = null) {
  text(line, say("asking"));
  line.classList.remove("problem");
  if (node) node.disabled = true;
  try {
    text(line, await action());
  } catch (error) {
    line.classList.add("problem");
    text(line, error instanceof Refused ? error.message : say("unreachable"));
  }
  if (node) node.disabled = false;
}

export function number(value) {
  return new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 4 }).format(value);
}

export function duration(seconds) {
  if (seconds < 90) return say("seconds", { count: Math.round(seconds) });
  if (seconds < 5400) return say("minutes", { count: Math.round(seconds / 60) });
  return say("hours", { count: (seconds / 3600).toFixed(1) });
}

export function moment(seconds) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "medium" }).format(
    new Date(seconds * 1000),
  );
}

const help = $("#help");
$("#help-button").addEventListener("click", () => help.showModal());

/** Keys of a page by what `event.key` says; none of them while somebody writes or with another key held. */
export function keys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || help.open) return;
    if (event.target.closest("input, textarea, select, audio")) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (name === " " && event.target.closest("button, summary, a")) return;
    const action = { "?": () => help.showModal(), 1: () => location.assign("/"), 2: () => location.assign("/jobs"), ...actions }[name];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}

/** Move the focus to the next or previous of some nodes. */
export function step(nodes, by) {
  const all = [...nodes];
  const at = all.findIndex((node) => node.contains(document.activeElement));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.querySelector("a, button")?.focus();
}
