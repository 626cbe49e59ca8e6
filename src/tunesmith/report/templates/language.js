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
})();
