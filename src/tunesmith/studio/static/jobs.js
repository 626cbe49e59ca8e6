// Jobs by the device they wait for.

import { $, act, duration, each, get, keys, make, moment, poll, say, show, step, text } from "./page.js";
import { isAtWork, stop } from "./actions.js";

const queues = $("#queues");
const open = new Map(); // logs that are shown: how far each was read

function queue(device) {
  const title = make("h2", {}, say("queue", { device }));
  return make("section", {}, title, make("ol", { class: "jobs" }));
}

function row(job) {
  const node = make(
    "li",
    { class: "job" },
    make("p", { class: "line" }, make("span", { class: "state" }), " ", make("code"), " ", make("a")),
    make("p", { class: "quiet" }),
    make("p", { class: "actions" }),
    make("pre", { class: "log", tabindex: "0", "aria-label": say("show_log"), hidden: "" }),
  );
  const line = make("span", { class: "said", role: "status" });
  const halt = make("button", { type: "button" });
  halt.addEventListener("click", () =>
    act(async () => {
      const said = await stop(node.job, node.job.may_end);
      again();
      return said;
    }, line, halt),
  );
  const log = make("button", { type: "button", "aria-expanded": "false" }, say("show_log"));
  log.addEventListener("click", () => toggleLog(node, log));
  node.querySelector(".actions").append(halt, " ", log, " ", line);
  node.dataset.id = job.id;
  return node;
}

function patch(node, job) {
  node.job = job;
  const [line, about, actions] = node.children;
  const [state, command, link] = line.children;
  text(state, job.said);
  state.dataset.state = job.state;
  text(command, job.command);
  text(link, job.run);
  if (job.run) link.setAttribute("href", `/runs/${encodeURIComponent(job.run)}`);
  const ended = job.ended ?? Date.now() / 1000;
  const parts = [moment(job.queued)];
  if (job.started) parts.push(duration(ended - job.started));
  if (job.end) parts.push(job.end);
  if (job.code) parts.push(say("exit_code", job));
  text(about, parts.join(" · "));
  const halt = actions.firstElementChild;
  show(halt, isAtWork(job) && (job.state !== "stopping" || job.may_end));
  text(halt, say(job.state === "queued" ? "cancel" : job.may_end ? "end" : "stop"));
}

function toggleLog(node, knob) {
  const shown = open.has(node.dataset.id);
  if (shown) open.delete(node.dataset.id);
  else open.set(node.dataset.id, 0);
  text(knob, say(shown ? "show_log" : "hide_log"));
  knob.setAttribute("aria-expanded", String(!shown));
  const log = node.lastElementChild;
  text(log, "");
  show(log, !shown);
  if (!shown) again();
}

async function followLog(id, after) {
  const news = await get(`/api/jobs/${id}/log?after=${after}`);
  const log = $(`[data-id="${id}"] pre`);
  if (!log || !open.has(id)) return;
  const follows = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  if (news.restarted || after === 0) text(log, news.text || say("no_log"));
  else if (news.text) log.append(news.text);
  open.set(id, news.at);
  if (follows) log.scrollTop = log.scrollHeight;
}

const again = poll(async () => {
  const { jobs } = await get("/api/jobs");
  const devices = [...new Set(jobs.map((job) => job.device))].sort();
  each(queues, devices, (device) => device, queue, (section, device) =>
    each(section.lastElementChild, jobs.filter((job) => job.device === device), (job) => job.id, row, patch),
  );
  show($("#empty"), jobs.length === 0);
  for (const [id, after] of [...open]) await followLog(id, after);
});

const here = () => document.activeElement.closest("li.job");
keys({
  j: () => step(document.querySelectorAll("li.job"), 1),
  k: () => step(document.querySelectorAll("li.job"), -1),
  x: () => [...(here()?.querySelectorAll(".actions button") ?? [])].find((one, at) => at === 0 && !one.hidden)?.click(),
  l: () => here()?.querySelectorAll(".actions button")[1].click(),
});
