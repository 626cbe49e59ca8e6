// What may be done with a run or a job in its present state.

import { button, post, say, text } from "./page.js";

const AT_WORK = ["queued", "running", "stopping"];

export const isAtWork = (job) => Boolean(job) && AT_WORK.includes(job.state);

/** Start a job and say what became of it. */
export async function start(verb, run, overrides = []) {
  const job = await post("/api/jobs", { verb, run, overrides });
  return job.state === "queued" ? `${say("started", job)} ${say("queued", job)}` : say("started", job);
}

/** Go on with a run: its last command where that did not end, else every stage. */
export function goOn(run) {
  const job = run.job;
  const unfinished = job && ["lost", "stopped", "failed"].includes(job.state);
  if (unfinished && job.verb === "demo") return start("demo", "");
  return unfinished ? start(job.verb, run.name, job.overrides) : start("run", run.name);
}

export async function stop(job, atOnce = false) {
  const now = await post(`/api/jobs/${job.id}/stop`, { at_once: atOnce });
  if (atOnce) return say("ending");
  return say(now.state === "cancelled" || now.state === "queued" ? "cancelled" : "stopping");
}

/** What a run offers now: `[name, what it does, how it looks]`. */
function offers(run, after) {
  const then = (work) => async () => {
    const said = await work();
    after();
    return said;
  };
  const job = run.job;
  if (isAtWork(job)) {
    if (job.state === "queued") return [["cancel", then(() => stop(job)), ""]];
    if (job.state === "running") return [["stop", then(() => stop(job)), ""]];
    return job.may_end ? [["end", then(() => stop(job, true)), "danger"]] : [];
  }
  if (run.writer || (run.problem && !run.stages.some((stage) => stage.status !== "none"))) return [];
  const again = run.can_continue || (job && ["lost", "stopped"].includes(job.state));
  return [[again ? "continue" : "start", then(() => goOn(run)), run.stages.every((stage) => stage.status === "done") ? "" : "main"]];
}

/** Put the buttons of a run into `place`; they change only where what is offered changes. */
export function patchButtons(place, line, run, after) {
  place.run = run;
  const wanted = offers(run, after);
  const signature = wanted.map(([name]) => name).join(" ");
  if (place.dataset.offers === signature && place.dataset.job === (run.job?.id ?? "")) return;
  const focused = place.contains(document.activeElement);
  place.dataset.offers = signature;
  place.dataset.job = run.job?.id ?? "";
  place.replaceChildren(
    ...wanted.map(([name, , kind]) =>
      button(say(name), () => offers(place.run, after).find(([other]) => other === name)?.[1]() ?? "", line, kind),
    ),
  );
  if (focused) place.querySelector("button")?.focus();
}

/** A job's state, with what its end means behind it. */
export function patchJob(node, job) {
  text(node, job ? `${job.said} · ${job.verb}` : say("no_job"));
  node.title = job?.command ?? "";
  node.dataset.state = job?.state ?? "";
}
