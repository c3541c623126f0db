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
    notices: Mutex<Vec<Notice>>,
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
        self.notices.lock().clone()
    }

    /// Letter number `n` that is no notice, counted from 1, once it is there.
    pub(crate) async fn letter(&self, n: usize) -> Letter {
        self.until(|postbox| postbox.taken() >= n).await;
        self.letters.lock()[n - 1].clone()
    }

    /// The code in letter number `n`.
    pub(crate) async fn code(&self, n: usize) -> Code {
        match self.letter(n).await.content {
            Content::SignInCode { code } | Content::ActivationCode { code } => code,
            Content::PasswordReset { .. } | Content::Notice { .. } => panic!("no code in letter {n}"),
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
            Content::Notice { notice } => self.notices.lock().push(*notice),
            _ => self.letters.lock().push(letter.clone()),
        }
        self.changed.notify_waiters();
        answer
    }
}
