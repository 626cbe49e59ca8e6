// Every run in a row.

import { $, act, each, get, keys, make, number, poll, say, show, step, text } from "./page.js";
import { patchButtons, patchJob, start } from "./actions.js";

const COLUMNS = ["name", "model", "stage", "best_loss", "verdict", "job", "actions"];
const body = $("#runs tbody");

function row() {
  const cells = COLUMNS.map((name) => make(name === "name" ? "th" : "td", { "data-label": say(name), class: name }));
  cells[0].setAttribute("scope", "row");
  cells[0].append(make("a"), make("span", { class: "problem" }));
  cells[2].append(make("span", { class: "words" }), make("progress", { max: 1, "aria-label": say("stage") }));
  cells[5].append(make("span", { class: "state" }), make("span", { class: "quiet" }));
  cells[6].append(make("span", { class: "buttons" }), make("span", { class: "said", role: "status" }));
  return make("tr", {}, ...cells);
}

function patch(node, run) {
  const [name, model, stage, best, verdict, job, actions] = node.children;
  const link = name.firstElementChild;
  text(link, run.name);
  link.setAttribute("href", `/runs/${encodeURIComponent(run.name)}`);
  text(name.lastElementChild, run.problem);
  text(model, [run.family, run.base].filter(Boolean).join(" · "));
  const state = run.stages.find((one) => one.name === run.stage);
  const percent = run.share === null ? "" : say("share", { percent: Math.floor(100 * run.share) }).replace(" ", "\u00a0");
  text(stage.firstElementChild, state ? [state.said, state.status_said, percent].filter(Boolean).join(" · ") : "–");
  const bar = stage.lastElementChild;
  show(bar, run.share !== null && run.share < 1);
  if (run.share !== null) bar.value = run.share;
  text(
    best,
    run.best_loss === null
      ? say("not_measured")
      : `${number(run.best_loss)} ${say("at_update", { update: run.best_update })}`,
  );
  text(verdict, run.verdict ?? say("not_judged"));
  verdict.title = run.verdict ?? "";
  patchJob(job.firstElementChild, run.job);
  text(job.lastElementChild, run.writer && !run.job ? say("writer", run.writer) : run.job?.end ?? "");
  patchButtons(actions.firstElementChild, actions.lastElementChild, run, again);
}

const again = poll(async () => {
  const { runs } = await get("/api/runs");
  each(body, runs, (run) => run.name, row, patch);
  show($("#runs"), runs.length > 0);
  show($("#empty"), runs.length === 0);
});

$("#demo").addEventListener("click", (event) => act(() => start("demo", ""), $("#demo-said"), event.target));

const press = (names) => {
  const here = document.activeElement.closest("tr") ?? body.firstElementChild;
  const place = here?.querySelector(".buttons");
  if (place && names.includes(place.dataset.offers)) place.querySelector("button").click();
};
keys({
  j: () => step(body.children, 1),
  k: () => step(body.children, -1),
  s: () => press(["start", "continue"]),
  x: () => press(["stop", "cancel", "end"]),
});
