// Passkeys. A form with `data-passkey` has the options for the browser, a button, and the field that the browser's answer is sent in.
// Without this script, or in a browser without passkeys, its button stays hidden and the page's other ways work.

const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const toText = (buffer) => {
  const bytes = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
};

const withBytes = (credentials) => credentials?.map((credential) => ({ ...credential, id: toBytes(credential.id) }));

const optionsOf = (form) => {
  const options = JSON.parse(form.dataset.options);
  options.challenge = toBytes(options.challenge);
  if (options.user) options.user.id = toBytes(options.user.id);
  if (options.excludeCredentials) options.excludeCredentials = withBytes(options.excludeCredentials);
  if (options.allowCredentials) options.allowCredentials = withBytes(options.allowCredentials);
  return options;
};

// Written out, since not every browser and password manager has `toJSON`.
const answerOf = (credential) => {
  const { response } = credential;
  const answer = { clientDataJSON: toText(response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[part]) answer[part] = toText(response[part]);
  }
  if (response.getTransports) answer.transports = response.getTransports();
  const id = toText(credential.rawId);
  return JSON.stringify({ id, rawId: id, type: credential.type, clientExtensionResults: {}, response: answer });
};

const send = (form, credential) => {
  form.elements.answer.value = answerOf(credential);
  form.requestSubmit();
};

// The words are the page's: each is in an attribute of the place where it is said.
const say = (status, what) => {
  status.textContent = status.dataset[what];
};

const why = (error) => {
  if (error.name === "NotAllowedError" || error.name === "AbortError") return "cancelled";
  return error.name === "InvalidStateError" ? "known" : "failed";
};

// While the browser waits for a passkey to be chosen from its list, no other question can be asked.
let waiting;

const offer = async (form) => {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  waiting = new AbortController();
  const { signal } = waiting;
  try {
    const publicKey = optionsOf(form);
    send(form, await navigator.credentials.get({ mediation: "conditional", publicKey, signal }));
  } catch (error) {
    // Nobody asked for it by a click, so nobody is told that it came to nothing.
    if (error.name !== "AbortError") console.info(`passkey: ${error.name}`);
  }
};

const ask = async (form, status) => {
  waiting?.abort();
  say(status, "follow");
  const publicKey = optionsOf(form);
  try {
    const made = form.dataset.passkey === "create";
    send(form, await navigator.credentials[made ? "create" : "get"]({ publicKey }));
    status.textContent = "";
  } catch (error) {
    say(status, why(error));
    if ("autofill" in form.dataset) offer(form);
  }
};

// What this server knows, for browsers that keep their lists of passkeys in order. Whether they do is theirs to say.
const tell = (method, text) => PublicKeyCredential[method]?.(JSON.parse(text)).catch(() => {});

const prepare = (form) => {
  const button = form.querySelector("button");
  const status = form.querySelector("[role=status]");
  button.addEventListener("click", () => ask(form, status));
  button.hidden = false;
  if (form.dataset.unknown) tell("signalUnknownCredential", form.dataset.unknown);
  if ("autofill" in form.dataset) offer(form);
};

if (window.PublicKeyCredential) {
  document.querySelectorAll("form[data-passkey]").forEach(prepare);
  document.querySelectorAll("[data-accepted]").forEach((all) => tell("signalAllAcceptedCredentials", all.dataset.accepted));
} else {
  for (const status of document.querySelectorAll("form[data-passkey]:not([data-autofill]) [role=status]")) {
    say(status, "none");
  }
}
