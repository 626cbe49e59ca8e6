// Previews by prompt and update, heard in one shared player that is never replaced.

import { $, attribute, each, make, say, show, text } from "./page.js";

export class Previews {
  constructor() {
    this.sounds = new Map();
    this.now = null;
    this.audio = $("#player audio");
  }

  clear() {
    this.sounds.clear();
  }

  add(found) {
    for (const one of found) this.sounds.set(`${one.update} ${one.index}`, one);
  }

  get updates() {
    return [...new Set([...this.sounds.values()].map((one) => one.update))].sort((a, b) => a - b);
  }

  get prompts() {
    const found = new Map();
    for (const one of this.sounds.values()) found.set(one.index, one.prompt);
    return [...found].sort((a, b) => a[0] - b[0]);
  }

  patch() {
    const { updates, prompts } = this;
    show($("#previews"), updates.length > 0);
    show($("#player"), updates.length > 0);
    show($("#no-previews"), updates.length === 0);
    text($("#no-previews"), say("no_previews"));
    if (!updates.length) return;
    const head = $("#previews thead");
    if (!head.firstElementChild) head.append(make("tr"));
    each(head.firstElementChild, ["prompt", ...updates], (one) => one, () => make("th", { scope: "col" }), (node, one) =>
      text(node, one === "prompt" ? say("prompt") : say("column_update", { update: one })),
    );
    each($("#previews tbody"), prompts, ([index]) => index, () => make("tr"), (row, [index, prompt]) =>
      each(row, ["prompt", ...updates], (one) => one, (one) => this.cell(one, index), (node, one) =>
        one === "prompt" ? text(node, prompt) : this.patchCell(node, this.sounds.get(`${one} ${index}`)),
      ),
    );
  }

  cell(update, index) {
    if (update === "prompt") return make("th", { scope: "row", class: "prompt" });
    const play = make("button", { type: "button", class: "play" }, "▶");
    play.addEventListener("click", () => this.play(update, index, true));
    return make("td", {}, play, make("span", { class: "problem" }));
  }

  patchCell(node, sound) {
    const [play, problem] = node.children;
    show(play, Boolean(sound?.media));
    if (sound) attribute(play, "aria-label", say("play", sound));
    attribute(play, "aria-pressed", String(this.now !== null && sound !== undefined && this.now === `${sound.update} ${sound.index}`));
    text(problem, !sound ? "" : sound.problem ?? (sound.media ? "" : say("gone")));
  }

  play(update, index, focus = false) {
    const key = `${update} ${index}`;
    const sound = this.sounds.get(key);
    if (!sound?.media) return;
    if (this.now === key && !this.audio.paused) {
      this.audio.pause();
      return;
    }
    if (this.now !== key) {
      this.now = key;
      this.audio.src = `/media/${sound.media}`;
      text($("#playing"), say("playing", sound));
      this.patch();
    }
    this.audio.play().catch(() => {}); // a browser may want a click first; the player's own button is there
    if (focus) return;
    $(`#previews tr[data-key="${index}"] [data-key="${update}"] button`)?.focus();
  }

  toggle() {
    if (this.now === null) this.move(0, 0);
    else if (this.audio.paused) this.audio.play().catch(() => {});
    else this.audio.pause();
  }

  move(byUpdate, byPrompt) {
    const { updates, prompts } = this;
    if (!updates.length) return;
    const [update, index] = this.now?.split(" ").map(Number) ?? [updates.at(-1), prompts[0][0]];
    const clip = (list, at) => list[Math.min(list.length - 1, Math.max(0, at))];
    const indices = prompts.map(([one]) => one);
    this.play(clip(updates, updates.indexOf(update) + byUpdate), clip(indices, indices.indexOf(index) + byPrompt));
  }
}
