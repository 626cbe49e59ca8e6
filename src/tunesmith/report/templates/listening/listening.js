"use strict";
(function () {
  function byId(id) { return document.getElementById(id); }
  function each(selector, act) { document.querySelectorAll(selector).forEach(act); }
  var data = JSON.parse(byId("data").textContent), trials = data.trials, slot = "tunesmith-listening-" + data.page;
  var state = restored() || { listener: drawn(), name: "", votes: [] };
  var player = PairPlayer(data.clips), began = 0, view = "start";

  function drawn() {
    var numbers = new Uint32Array(3);
    crypto.getRandomValues(numbers);
    return Array.from(numbers, function (one) { return ("0000000" + one.toString(16)).slice(-8); }).join("");
  }
  // A page opened from a file may be refused its storage; votes then last until it is closed.
  function restored() {
    try {
      var kept = JSON.parse(localStorage.getItem(slot));
      if (!kept || typeof kept.listener !== "string" || !kept.listener || !Array.isArray(kept.votes)) return null;
      var sound = kept.votes.every(function (vote, number) {
        return vote && vote.trial === number && trials[number] && vote.a === trials[number].a && vote.b === trials[number].b;
      });
      return sound ? { listener: kept.listener, name: String(kept.name || ""), votes: kept.votes } : null;
    } catch (error) {
      return null;
    }
  }
  function keep() {
    try {
      localStorage.setItem(slot, JSON.stringify(state));
    } catch (error) {
      return;
    }
  }
  function when(word, on) { each('[data-when="' + word + '"]', function (node) { node.hidden = !on; }); }

  function show(next) {
    view = next;
    ["start", "trial", "done"].forEach(function (id) { byId(id).hidden = id !== next; });
    byId("position").textContent = next === "trial" ? state.votes.length + 1 + " / " + trials.length : "";
    if (next === "done") {
      byId("saved").hidden = true;
      byId("text").value = written();
    }
    scrollTo(0, 0);
  }
  function open(heard) {
    player.stop();
    var number = state.votes.length;
    if (number >= trials.length) return show("done");
    var trial = trials[number], following = trials[number + 1];
    each(".prompt", function (node) { node.hidden = Number(node.dataset.prompt) !== trial.prompt; });
    show("trial");
    began = Date.now();
    byId("trouble").hidden = true;
    player.load(trial.a, trial.b, following ? [following.a, following.b] : []).then(null, function () {
      byId("trouble").hidden = false;
    });
    if (heard) player.heard = heard;
    draw();
  }
  function enough(side) { return player.heard[side] >= player.least(side, data.least_ms); }
  function draw() {
    each(".side", function (node, side) {
      node.setAttribute("aria-pressed", String(player.side === side));
      node.querySelector("i").style.width = Math.min(100, (100 * player.heard[side]) / player.least(side, data.least_ms)) + "%";
    });
    when("playing", player.running);
    when("paused", !player.running);
    byId("play").disabled = !player.ready();
    byId("seek").value = player.length() ? String(Math.round((1000 * player.now()) / player.length())) : "0";
    byId("time").textContent = player.now().toFixed(1);
    var may = player.ready() && enough(0) && enough(1);
    byId("hint").classList.toggle("met", may);
    each("[data-choice]", function (node) { node.disabled = !may; });
  }
  function vote(choice) {
    if (view !== "trial" || !player.ready() || !enough(0) || !enough(1)) return;
    player.stop();
    var number = state.votes.length, trial = trials[number];
    state.votes.push({
      trial: number, a: trial.a, b: trial.b, choice: choice,
      heard_a_ms: Math.round(player.heard[0]), heard_b_ms: Math.round(player.heard[1]), took_ms: Date.now() - began
    });
    keep();
    open();
  }
  function undo() {
    var last = state.votes.pop();
    if (!last) return;
    keep();
    open([last.heard_a_ms, last.heard_b_ms]);
  }

  function written() {
    var saved = new Date().toISOString();
    var lines = ["tunesmith votes 1", data.page, state.listener, state.name, saved];
    state.votes.forEach(function (v) {
      lines.push([v.trial, v.a, v.b, v.choice, v.heard_a_ms, v.heard_b_ms, v.took_ms].join(" "));
    });
    var record = { format: 1, page: data.page, listener: state.listener, name: state.name, saved: saved, votes: state.votes };
    record.digest = sha256(lines.join("\n"));
    return JSON.stringify(record, null, 1) + "\n";
  }
  function file() {
    return new File([written()], "votes-" + data.page + "-" + state.listener.slice(0, 8) + ".json", { type: "application/json" });
  }
  function save() {
    var made = file(), link = document.createElement("a");
    link.href = URL.createObjectURL(made);
    link.download = made.name;
    link.click();
    byId("file").textContent = made.name;
    byId("saved").hidden = false;
  }
  function share() { navigator.share({ files: [file()] }).catch(function () {}); }
  function seekBy(seconds) { player.seek(player.now() + seconds); }

  player.onchange = draw;
  byId("name").value = state.name;
  byId("name").addEventListener("input", function () {
    // Neither control characters nor half a letter: both would be another text when the file is read.
    state.name = Array.from(byId("name").value.replace(/[\p{Cc}\p{Cs}]/gu, "")).slice(0, 60).join("").trim();
    keep();
  });
  byId("begin").addEventListener("click", function () {
    player.wake().then(function () { open(); });
  });
  byId("anew").addEventListener("click", function () {
    state = { listener: drawn(), name: state.name, votes: [] };
    keep();
    resumed();
  });
  byId("play").addEventListener("click", function () { player.wake(); player.toggle(); });
  byId("seek").addEventListener("input", function () { player.seek((player.length() * Number(byId("seek").value)) / 1000); });
  each(".side", function (node, side) {
    node.addEventListener("click", function () {
      player.wake();
      player.choose(side);
      player.play();
    });
  });
  each("[data-choice]", function (node) { node.addEventListener("click", function () { vote(Number(node.dataset.choice)); }); });
  var tools = { undo: undo, save: save, share: share };
  each("[data-do]", function (node) { node.addEventListener("click", tools[node.dataset.do]); });
  each('[data-do="share"]', function (node) {
    node.hidden = !(navigator.canShare && navigator.canShare({ files: [file()] }));
  });

  var keys = {
    " ": player.toggle, "1": function () { player.choose(0); }, "2": function () { player.choose(1); },
    arrowleft: function () { seekBy(-2); }, arrowright: function () { seekBy(2); },
    q: function () { vote(-2); }, w: function () { vote(-1); }, e: function () { vote(0); },
    r: function () { vote(1); }, t: function () { vote(2); }, u: undo, s: save
  };
  function meant(event) {
    if (view === "start" || event.ctrlKey || event.metaKey || event.altKey) return null;
    if (/^(TEXTAREA|SUMMARY)$/.test(event.target.tagName)) return null;
    var act = keys[event.key.toLowerCase()];
    return view === "trial" || act === undo || act === save ? act : null;
  }
  addEventListener("keydown", function (event) {
    var act = meant(event);
    if (!act) return;
    event.preventDefault();
    if (event.repeat && !/^arrow/i.test(event.key)) return;
    player.wake();
    act();
  });
  addEventListener("keyup", function (event) { if (event.key === " " && meant(event)) event.preventDefault(); });

  function resumed() {
    when("new", !state.votes.length);
    when("resumed", state.votes.length > 0);
  }
  resumed();
  show("start");
})();
