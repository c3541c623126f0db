// A second submit of a form is ignored while the first is under way: double clicks and impatient ones. Without this script
// both are sent, and the server answers either; with it the answer to the first is not lost.

// The server ends a request after ten seconds. Whoever stopped the page from loading may send the form again then.
const UNDER_WAY_MS = 10_000;
const SENT = "aria-busy";

const release = (form) => form.removeAttribute(SENT);

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target;
  if (form.hasAttribute(SENT)) {
    event.preventDefault();
    return;
  }
  form.setAttribute(SENT, "true");
  setTimeout(release, UNDER_WAY_MS, form);
});

// The back button may show the page as it was left.
addEventListener("pageshow", () => document.querySelectorAll(`form[${SENT}]`).forEach(release));
