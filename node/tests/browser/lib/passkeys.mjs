// Authenticators for passkeys, by Chromium's own virtual ones: they make keys, count, and verify their user or not, as they are told.

/** A phone or password manager: its passkeys are in a backup. */
export const PHONE = {
  transport: 'internal', hasUserVerification: true, isUserVerified: true, defaultBackupEligibility: true, defaultBackupState: true,
};

/** A security key with a PIN. */
export const KEY_WITH_PIN = { transport: 'usb', hasUserVerification: true, isUserVerified: true };

/** A security key without one. */
export const PLAIN_KEY = { transport: 'usb', hasResidentKey: false, hasUserVerification: false };

/** In the page: notes what the browser is asked, and what of it was called off. */
function noteQuestions() {
  window.questions = [];
  const get = CredentialsContainer.prototype.get;
  CredentialsContainer.prototype.get = function asked(options) {
    const question = { mediation: options.mediation ?? 'click', calledOff: false };
    options.signal?.addEventListener('abort', () => { question.calledOff = true; });
    window.questions.push(question);
    return get.call(this, options);
  };
}

/** Waits until the page offers passkeys for the name field, where the browser has some to offer. */
export const offered = (tab) => tab.waitForFunction(async () => {
  const asked = window.questions.some(({ mediation }) => mediation === 'conditional');
  return asked || !(await PublicKeyCredential.isConditionalMediationAvailable());
});

/** What the page has asked the browser so far. */
export const questions = (tab) => tab.evaluate(() => window.questions);

/** One authenticator that a tab's browser has. */
export class Passkeys {
  constructor(cdp, id) {
    this.cdp = cdp;
    this.id = id;
  }

  /** Plugs one in. `patient` ones do nothing until they are touched. */
  static async plug(tab, traits, { patient = false } = {}) {
    await tab.addInitScript(noteQuestions);
    const cdp = await tab.context().newCDPSession(tab);
    await cdp.send('WebAuthn.enable', { enableUI: false });
    const options = { protocol: 'ctap2', hasResidentKey: true, automaticPresenceSimulation: !patient, ...traits };
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options });
    return new Passkeys(cdp, authenticatorId);
  }

  #send(method, parameters = {}) {
    return this.cdp.send(`WebAuthn.${method}`, { authenticatorId: this.id, ...parameters });
  }

  /** From now on it is touched whenever it asks for it, or never. */
  touched(always) {
    return this.#send('setAutomaticPresenceSimulation', { enabled: always });
  }

  /** From now on its user is verified, or fails to be. */
  verifies(user) {
    return this.#send('setUserVerified', { isUserVerified: user });
  }

  /** The passkeys in it. */
  async all() {
    return (await this.#send('getCredentials')).credentials;
  }

  /** Puts a passkey back as it was copied. */
  async restore(copy) {
    await this.#send('removeCredential', { credentialId: copy.credentialId });
    await this.#send('addCredential', { credential: copy });
  }

  /** Pulls it out. */
  unplug() {
    return this.#send('removeVirtualAuthenticator');
  }
}
