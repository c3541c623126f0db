// Offers the code of a text message that ends with this site's name (WebOTP). It fills in the field and sends nothing: that is left
// to the button. Without this script, or where the browser knows no such thing, the code is typed.

const field = document.getElementById("code");
if (field && "OTPCredential" in window) {
  const over = new AbortController();
  field.form.addEventListener("submit", () => over.abort());
  navigator.credentials
    .get({ otp: { transport: ["sms"] }, signal: over.signal })
    .then((credential) => {
      if (credential && field.value === "") field.value = credential.code;
    })
    // Nothing came, or it is not wanted: the field is there all the same.
    .catch(() => {});
}
