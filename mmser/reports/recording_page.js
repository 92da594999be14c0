"use strict";
const player = document.querySelector("audio, video");
const timeline = document.querySelector(".timeline");
const rows = Array.from(document.querySelectorAll("tr[data-start]"));
const head = document.getElementById("head");
const left = Number(timeline.dataset.left), right = Number(timeline.dataset.right);
const seconds = Number(timeline.dataset.seconds);
document.body.classList.add("seek");
for (const hidden of document.querySelectorAll("[hidden]")) hidden.hidden = false;

function show() {
  const now = player.currentTime;
  head.style.left = 100 * (left + (right - left) * Math.min(1, now / seconds)) + "%";
  for (const row of rows) {
    const is_now = Number(row.dataset.start) <= now && now < Number(row.dataset.end);
    row.classList.toggle("now", is_now);
    if (is_now) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
  }
}

function seek(time) {
  player.currentTime = Math.max(0, time);
  player.play().catch(() => {});
  show();
}

timeline.addEventListener("click", (event) => {
  const box = timeline.getBoundingClientRect();
  const share = ((event.clientX - box.left) / box.width - left) / (right - left);
  seek(seconds * Math.min(1, Math.max(0, share)));
});
for (const row of rows) {
  const start = () => seek(Number(row.dataset.start));
  row.tabIndex = 0;
  row.addEventListener("click", start);
  row.addEventListener("keydown", (event) => { if (event.key === "Enter") start(); });
}

// Four times a second is what "timeupdate" gives; the line moves with the screen while it plays.
function follow() {
  show();
  if (!player.paused) requestAnimationFrame(follow);
}
player.addEventListener("play", follow);
player.addEventListener("timeupdate", show);
player.addEventListener("seeked", show);
show();

// In a frame of another page: it is told how high this one is.
if (parent !== window) {
  const told = () => parent.postMessage({recordingHeight: document.documentElement.offsetHeight}, "*");
  // A frame that is out of sight is not drawn, and its observer waits until it is.
  told();
  addEventListener("load", told);
  new ResizeObserver(told).observe(document.documentElement);
}
