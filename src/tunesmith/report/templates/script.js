"use strict";
(function () {
  // Move a player to a place, which it can only take once it knows how long its sound is.
  function jump(audio, wanted, play) {
    function start() {
      audio.currentTime = Math.min(wanted, audio.duration || wanted);
      if (play) audio.play();
    }
    if (audio.readyState > 0) start();
    else {
      audio.addEventListener("loadedmetadata", start, { once: true });
      audio.load();
    }
  }

  // Sounds at several strengths: one is shown at a time, and those that stand above get a player here too.
  document.querySelectorAll(".strength").forEach(function (row) {
    var steps = Array.from(row.querySelectorAll(".steps > li")), slider = row.querySelector("input"), at = null;
    steps.forEach(function (step) {
      var link = step.querySelector(".above a"), above = link && document.getElementById(link.hash.slice(1));
      if (!above) return;
      above.querySelectorAll("svg.picture, audio").forEach(function (node) {
        step.insertBefore(node.cloneNode(true), link.parentElement);
      });
    });
    function show() {
      var before = at && at.querySelector("audio");
      at = steps[Number(slider.value)];
      steps.forEach(function (step) { step.hidden = step !== at; });
      slider.setAttribute("aria-valuetext", at.querySelector(".step").innerText);
      var audio = at.querySelector("audio");
      if (!audio) {
        if (before) before.pause();
        return;
      }
      // What a listener turned the volume to stays, beside what makes the sounds equally loud.
      audio.volume = Math.min(1, (before ? before.volume / volume(before) : 1) * volume(audio));
      if (!before) return;
      var playing = !before.paused, place = before.ended ? 0 : before.currentTime;
      before.pause();
      jump(audio, place, playing);
    }
    function volume(audio) { return Number(audio.closest("li").dataset.volume); }
    row.classList.add("switching");
    row.querySelector(".slider").hidden = false;
    slider.addEventListener("input", show);
    show();
  });

  document.querySelectorAll("audio").forEach(function (audio) {
    var picture = audio.parentElement.querySelector("svg.picture");
    audio.addEventListener("play", function () {
      document.querySelectorAll("audio").forEach(function (other) {
        if (other !== audio) other.pause();
      });
    });
    if (!picture) return;
    var left = Number(picture.dataset.left), right = Number(picture.dataset.right), span = Number(picture.dataset.seconds);
    var head = picture.querySelector(".head");
    function follow() {
      var share = Math.min(audio.currentTime / span, 1);
      head.setAttribute("transform", "translate(" + share * (right - left) + " 0)");
      picture.classList.toggle("heard", audio.currentTime > 0);
      if (!audio.paused) requestAnimationFrame(follow);
    }
    audio.addEventListener("play", follow);
    audio.addEventListener("seeked", follow);
    picture.addEventListener("click", function (event) {
      var box = picture.getBoundingClientRect();
      var x = ((event.clientX - box.left) / box.width) * picture.viewBox.baseVal.width;
      var wanted = Math.max(0, Math.min(1, (x - left) / (right - left))) * span;
      jump(audio, wanted, true);
    });
  });

  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (node) { node.open = true; });
  });
})();
