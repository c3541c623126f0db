// Counts down until another code can be sent, and keeps the buttons that ask for one back until then. Without this script the time of day
// is written there and the buttons are live; who presses one too early is told to wait.

// What is read aloud, in seconds before the end: not every second. The end is told as well.
const SPOKEN = [30, 10];
const TICK_MS = 1_000;

// The words are the page's, with this in the place of what is left.
const PLACE = "0:00";
const left = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

const count = (line, status, buttons) => {
  const { again, left: words, now } = line.dataset;
  const until = Date.now() + Number(again) * 1_000;
  let before = Infinity;
  const show = () => {
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1_000));
    const waits = seconds > 0;
    line.textContent = waits ? words.replace(PLACE, left(seconds)) : now;
    // A machine that slept passes over some.
    if (!waits || SPOKEN.some((at) => seconds <= at && at < before)) status.textContent = line.textContent;
    for (const button of buttons) button.disabled = waits;
    before = seconds;
    return waits;
  };
  show();
  const timer = setInterval(() => show() || clearInterval(timer), TICK_MS);
};

const line = document.querySelector("[data-again]");
if (line) count(line, document.getElementById("again-status"), document.querySelectorAll("button[data-sends]"));
