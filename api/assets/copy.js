// Copy, download and print buttons beside a key or a list of codes. Without this script the buttons stay hidden and the
// text can be selected. Nothing leaves the page but by the user's own click.

// The words are the page's: each is in an attribute of the place where it is said.
const say = (button, what) => {
  const status = button.parentElement.querySelector("[role=status]");
  if (status) status.textContent = status.dataset[what];
};

// A list becomes one line per item; a key loses the spaces between its groups.
const textOf = (element, joined) => {
  const items = [...element.querySelectorAll("li")];
  if (items.length > 0) return items.map((item) => item.textContent.trim()).join("\n");
  const text = element.textContent.trim();
  return joined ? text.replace(/\s+/g, "") : text;
};

const select = (element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
};

for (const button of document.querySelectorAll("button[data-copies]")) {
  const source = document.getElementById(button.dataset.copies);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(textOf(source, "joined" in button.dataset));
      say(button, "copied");
    } catch {
      // No clipboard outside secure contexts, or permission refused: leave the text ready for the copy key.
      select(source);
      say(button, "selected");
    }
  });
  button.hidden = false;
}

for (const button of document.querySelectorAll("button[data-downloads]")) {
  button.addEventListener("click", () => {
    const codes = textOf(document.getElementById(button.dataset.downloads), false);
    const head = [...document.getElementById(button.dataset.head).children].map((line) => line.textContent.trim());
    const file = new Blob([`${head.join("\n")}\n\n${codes}\n`], { type: "text/plain;charset=utf-8" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = button.dataset.name;
    link.click();
    // The browser has begun to read the file by the next turn of the loop.
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    say(button, "downloaded");
  });
  button.hidden = false;
}

for (const button of document.querySelectorAll("button[data-prints]")) {
  button.addEventListener("click", () => print());
  button.hidden = false;
}
