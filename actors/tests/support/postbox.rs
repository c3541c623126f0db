//! A provider of messages to test with: keeps what it takes, and takes nothing when it is told so.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actors::{
    domain::{
        factor::totp::Code,
        letter::{Content, Letter, Notice},
    },
    notifier::{Carrier, NotCarried},
    secret::Secret,
};
use async_trait::async_trait;
use parking_lot::Mutex;
use schema::record::Channel;
use tokio::sync::Notify;

/// The provider.
#[derive(Default)]
pub(crate) struct Postbox {
    /// Those that ask for something.
    letters: Mutex<Vec<Letter>>,
    /// The others: to whom, what, and in which language, if one is asked for.
    notices: Mutex<Vec<(String, Notice, Option<String>)>>,
    /// What it says in place of taking a letter.
    pub(crate) refusal: Mutex<Option<NotCarried>>,
    asked: AtomicUsize,
    changed: Notify,
}

impl Postbox {
    /// One that takes everything.
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// One that answers this.
    pub(crate) fn refusing(refusal: NotCarried) -> Arc<Self> {
        Arc::new(Self { refusal: Mutex::new(Some(refusal)), ..Self::default() })
    }

    /// How many letters it was offered.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// How many letters it took.
    pub(crate) fn taken(&self) -> usize {
        self.letters.lock().len()
    }

    /// The notices that it took.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.notices.lock().iter().map(|(_, notice, _)| *notice).collect()
    }

    /// Whom it told this, in the order of their addresses.
    pub(crate) fn told(&self, wanted: Notice) -> Vec<String> {
        let notices = self.notices.lock();
        let mut told: Vec<_> =
            notices.iter().filter(|(_, notice, _)| *notice == wanted).map(|(to, ..)| to.clone()).collect();
        told.sort_unstable();
        told
    }

    /// In which languages it told this.
    pub(crate) fn languages(&self, wanted: Notice) -> Vec<Option<String>> {
        let notices = self.notices.lock();
        notices.iter().filter(|(_, notice, _)| *notice == wanted).map(|(.., lang)| lang.clone()).collect()
    }

    /// Letter number `n` that is no notice, counted from 1, once it is there.
    pub(crate) async fn letter(&self, n: usize) -> Letter {
        self.until(|postbox| postbox.taken() >= n).await;
        self.letters.lock()[n - 1].clone()
    }

    /// The code in letter number `n`.
    pub(crate) async fn code(&self, n: usize) -> Code {
        match self.letter(n).await.content {
            Content::SignInCode { code, .. }
            | Content::ActivationCode { code, .. }
            | Content::AddressCode { code }
            | Content::RecoveryCode { code, .. } => code,
            other => panic!("no code in letter {n}: {other:?}"),
        }
    }

    /// The token of the link in letter number `n`.
    pub(crate) async fn token(&self, n: usize) -> Secret<String> {
        match self.letter(n).await.content {
            Content::SignInCode { link: Some(link), .. } | Content::ActivationCode { link: Some(link), .. } => link.0,
            other => panic!("no link in letter {n}: {other:?}"),
        }
    }

    /// Waits until something is true of it.
    pub(crate) async fn until(&self, is_true: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            if is_true(self) {
                return;
            }
            changed.await;
        }
    }
}

#[async_trait]
impl Carrier for Postbox {
    fn name(&self) -> &'static str {
        "postbox"
    }

    fn carries(&self, _: Channel) -> bool {
        true
    }

    async fn carry(&self, letter: &Letter) -> Result<(), NotCarried> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.refusal.lock().clone().map_or(Ok(()), Err);
        match &letter.content {
            _ if answer.is_err() => {}
            Content::Notice { notice } => {
                self.notices.lock().push((letter.to.clone(), *notice, letter.lang.clone()));
            }
            _ => self.letters.lock().push(letter.clone()),
        }
        self.changed.notify_waiters();
        answer
    }
}
