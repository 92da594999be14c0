// The frame of a recording has an origin of its own: it says how high it is, and nothing else.
addEventListener("message", (event) => {
  const height = Number(event.data && event.data.recordingHeight);
  if (!(height > 0)) return;
  for (const frame of document.querySelectorAll("iframe.recording"))
    if (frame.contentWindow === event.source) frame.style.height = Math.min(height + 8, 20000) + "px";
});
