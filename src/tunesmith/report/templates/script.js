"use strict";
(function () {
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
