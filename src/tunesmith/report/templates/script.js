"use strict";
(function () {
  var root = document.documentElement;
  function speak(language) {
    root.dataset.lang = language;
    root.lang = language;
    document.title = root.getAttribute("data-title-" + language);
    document.querySelectorAll("[data-en]").forEach(function (node) {
      node.setAttribute("aria-label", node.getAttribute("data-" + language));
    });
    document.querySelectorAll("[data-to]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.to === language));
    });
  }
  function stored(value) {
    // A page opened from a file may be refused its storage; the choice then lasts until it is closed.
    try {
      if (value) localStorage.setItem("tunesmith-language", value);
      return localStorage.getItem("tunesmith-language");
    } catch (error) {
      return null;
    }
  }
  var languages = Array.from(document.querySelectorAll("[data-to]"), function (button) { return button.dataset.to; });
  var asked = /[?#&]lang=([a-z]+)/.exec(location.href);
  var preferred = (navigator.language || "").toLowerCase().split("-")[0];
  // The first of these that the page speaks: what its address asks for, what was chosen before, the language that the
  // report's author asked for, the browser's own.
  speak([asked && asked[1], stored(), root.dataset.written, preferred, "en"].find(function (one) { return languages.includes(one); }));
  document.querySelectorAll("[data-to]").forEach(function (button) {
    button.addEventListener("click", function () {
      speak(button.dataset.to);
      stored(button.dataset.to);
    });
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
      function start() {
        audio.currentTime = Math.min(wanted, audio.duration || wanted);
        audio.play();
      }
      if (audio.readyState > 0) start();
      else {
        audio.addEventListener("loadedmetadata", start, { once: true });
        audio.load();
      }
    });
  });

  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (node) { node.open = true; });
  });
})();
