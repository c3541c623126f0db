//! The users of a run: named by the seed, registered and enrolled through the pages as people are.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use data_encoding::{BASE32_NOPAD_NOCASE, HEXLOWER};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest as _, Sha256};
use tokio::{sync::Mutex, task::JoinSet};
use totp_rs::{Builder, Totp};

use crate::{
    http::{Browser, Failure, Http},
    machine,
    page::{self, Form},
    scenario::Tokens,
};

/// Registrations at the same time: enough to keep the hash threads of a small machine busy.
const AT_ONCE: usize = 8;
/// Seconds of a TOTP step.
const STEP: u64 = 30;

/// Somebody with a password, an authenticator app and a browser that is signed in.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: String,
    /// The browser in which the user registered.
    pub(crate) browser: Browser,
    /// The newest tokens, for scenarios that begin with some.
    pub(crate) tokens: Mutex<Option<Tokens>>,
    totp: Totp,
    last_step: AtomicU64,
}

impl User {
    /// A code that was not used yet: of the current step or the next, which the server accepts as well.
    pub(crate) fn code(&self) -> Result<String, Failure> {
        let now = machine::unix_secs() / STEP;
        let next = |last: u64| Some((last + 1).max(now)).filter(|step| *step <= now + 1);
        let last = self.last_step.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
        let last = last.map_err(|_| Failure::new("no fresh TOTP code: more --users for this rate"))?;
        Ok(code(&self.totp, next(last).unwrap_or(now)))
    }
}

/// Registers and enrols users `0..count` of `seed`, with a progress bar on a terminal.
pub(crate) async fn register(http: &Http, seed: u64, count: usize) -> anyhow::Result<Vec<Arc<User>>> {
    let style = ProgressStyle::with_template("registering {bar:40} {pos}/{len} {eta}")?;
    let bar = ProgressBar::new(count as u64).with_style(style);
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE.min(count) {
        let (http, bar, next) = (http.clone(), bar.clone(), Arc::clone(&next));
        workers.spawn(async move {
            let mut users = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::SeqCst);
                if index >= count {
                    return Ok::<_, Failure>(users);
                }
                users.push((index, Arc::new(enrolled(&http, seed, index).await?)));
                bar.inc(1);
            }
        });
    }
    let mut users = Vec::with_capacity(count);
    while let Some(worker) = workers.join_next().await {
        users.extend(worker??);
    }
    bar.finish_and_clear();
    users.sort_by_key(|(index, _)| *index);
    Ok(users.into_iter().map(|(_, user)| user).collect())
}

async fn enrolled(http: &Http, seed: u64, index: usize) -> Result<User, Failure> {
    let (name, password) = (format!("load-{seed}-{index}"), secret(seed, index, "password"));
    let mut browser = Browser::new(http);
    let page = browser.open("register", "/register").await?.page("register")?;
    let fields = [("user_name", name.as_str()), ("password", &password)];
    browser.submit("register (is the seed used up?)", Form::find(&page, "/register", ""), &fields).await?;
    let page = browser.open("enrol", "/account/mfa").await?.page("enrol")?;
    let form = Form::find(&page, "/account/mfa/totp", "totp");
    let page = browser.submit("enrol", form, &[("name", "Phone")]).await?.page("enrol")?;
    let totp = page::totp_key(&page).and_then(|key| authenticator(&key)).ok_or(Failure::new("enrol: no key"))?;
    let step = machine::unix_secs() / STEP;
    let (form, code) = (Form::find(&page, "/account/mfa/totp/", "/confirm"), code(&totp, step));
    let page = browser.submit("confirm", form, &[("code", &code)]).await?;
    let form = Form::find(&page.page("confirm")?, "/account/mfa/backup-codes/saved", "");
    browser.submit("backup codes", form, &[("saved", "yes")]).await?;
    Ok(User { name, password, browser, tokens: Mutex::default(), totp, last_step: AtomicU64::new(step) })
}

/// A secret of a user: 128 bits that only the seed decides.
pub(crate) fn secret(seed: u64, index: usize, purpose: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(format!("{seed}/{index}/{purpose}"))[..16])
}

fn authenticator(key: &str) -> Option<Totp> {
    let seed = BASE32_NOPAD_NOCASE.decode(key.as_bytes()).ok()?;
    Builder::new().with_secret(seed).build().ok()
}

fn code(totp: &Totp, step: u64) -> String {
    totp.generate(step * STEP).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_one_seed_have_secrets_of_their_own_and_the_same_ones_each_time() {
        assert_eq!(secret(1, 2, "password"), secret(1, 2, "password"));
        assert_ne!(secret(1, 2, "password"), secret(1, 3, "password"));
        assert_ne!(secret(1, 2, "password"), secret(2, 2, "password"));
        assert_eq!(secret(1, 2, "password").len(), 32);
    }

    #[test]
    fn the_authenticator_shows_the_codes_of_rfc_6238() {
        let key = BASE32_NOPAD_NOCASE.encode(b"12345678901234567890");
        // RFC 6238, appendix B: 94287082 at 59 s, of which six digits are shown.
        assert_eq!(code(&authenticator(&key).unwrap(), 1), "287082");
        assert!(authenticator("not base32!").is_none());
    }

    #[test]
    fn a_user_has_a_code_for_this_step_and_one_for_the_next_and_then_none() {
        let browser = Browser::new(&Http::new("http://127.0.0.1:1".parse().unwrap()));
        let totp = authenticator("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
        // The clock may enter a new step meanwhile, which gives one code more.
        let user = User {
            name: String::new(),
            password: String::new(),
            browser,
            tokens: Mutex::default(),
            totp,
            last_step: AtomicU64::new(0),
        };
        let codes = (0..4).map_while(|_| user.code().ok()).count();
        assert!((2..=3).contains(&codes), "{codes}");
    }
}
