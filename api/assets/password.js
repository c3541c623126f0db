// The "Show" button beside a password. Without this script the button stays hidden and the field works as it is.

for (const button of document.querySelectorAll("button[data-shows]")) {
  const field = document.getElementById(button.dataset.shows);
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.addEventListener("click", () => show(field.type === "password"));
  // A shown password must be a password again when it is sent, or browsers offer it as a former input.
  field.form.addEventListener("submit", () => show(false));
  button.hidden = false;
}
