//! A store moves to another place, of the same backend or another one. It can be cut short at any point and gone on with.
//!
//! 1. Source: nobody serves from it (the caller has made sure), and from now on nobody begins to: it is *moving*. Target:
//!    it holds nothing, and is *copying*. Both name the same copying, drawn at random.
//! 2. Page by page into the target, which notes how far it is. Before each page the source is asked whether it is still
//!    *moving*, by this very copying and at the same revision: somebody may have given it up and serve from it.
//! 3. Both are walked through and compared: every kind and every stream by count and digest.
//!    A store that does not answer is asked again, from step 1 on, which finds how far it is. Only a source that was given up
//!    meanwhile is left alone then.
//! 4. Source: *retired*, for ever, if it is as it was in step 1. Only then target: *serving*. So there is no moment at
//!    which both are served from, and whatever is consumed is consumed in one place.
//!
//! Because of that a copy is no restore: nothing can have been consumed behind its back, so sessions, codes and tokens
//! live on, under the same incarnation (HAZARDS H14 asks for a new one where consumption may have been forgotten).

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use data_encoding::HEXLOWER;
use thiserror::Error;

use super::{Contents, Entry, Importer, Place, Tally, Walk};
use crate::{Revision, Store, StoreError, Timestamp, fence, record::Standing, standing};

/// What a store may collect while the two are compared is left out of the comparison, if that takes no longer than this.
const MARGIN: Duration = Duration::from_hours(12);
/// Failures of a store in a row, without a page in between, after which it is given up.
const FAILURES: u32 = 8;
/// The pause after the first of them; after each further one it is as much longer.
const PAUSE: Duration = Duration::from_millis(250);

/// A copying.
#[derive(Clone, Copy)]
pub struct Copy<'a> {
    /// What is copied. Nobody serves from it.
    pub from: &'a dyn Store,
    /// Its URL, for the target's word about itself.
    pub from_url: &'a str,
    /// Where it goes.
    pub to: &'a dyn Store,
    /// Its URL, for the source's word about itself.
    pub to_url: &'a str,
    /// 16 random bytes.
    pub seed: [u8; 16],
    /// The time.
    pub now: &'a (dyn Fn() -> Timestamp + Send + Sync),
    /// Is told how many entries are done, in which step.
    pub progress: &'a (dyn Fn(Step, u64) + Send + Sync),
}

impl std::fmt::Debug for Copy<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Copy({} to {})", self.from_url, self.to_url)
    }
}

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into the target.
    Copying,
    /// The source is summed up.
    ReadingSource,
    /// The target is summed up.
    ReadingTarget,
}

/// Why it was not copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// A store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source is elsewhere already.
    #[error("{from} was moved to {to} and is retired; nothing is left to copy")]
    Retired {
        /// The source.
        from: String,
        /// Where it went.
        to: String,
    },
    /// It is being copied elsewhere.
    #[error("{from} is being copied to {to}; finish that, or give it up with `doorward store copy --give-up`")]
    Elsewhere {
        /// The source.
        from: String,
        /// Where it goes.
        to: String,
    },
    /// The source is not what it was when this copying began.
    #[error(
        "the copying of {0} was given up meanwhile, or begun anew; empty the target before you use it for anything"
    )]
    GivenUp(String),
    /// The source cannot be copied as it is.
    #[error("{0} is not whole: finish the restore or the copying into it first")]
    Unfinished(String),
    /// The target holds something.
    #[error("{0} is not empty; name an empty target")]
    NotEmpty(String),
    /// The target holds a part of another copying.
    #[error("{0} holds a part of another copying; empty it, or name another target")]
    OtherCopy(String),
    /// The two are not alike after the copying.
    #[error(
        "the copy is not like its source in: {}; the source is unchanged. Run the same command again: it compares and \
         copies everything once more. If it stays so, empty the target",
        .0.join(", ")
    )]
    Different(Vec<String>),
    /// An entry could not be written as JSON.
    #[error("an entry cannot be summed up: {0}")]
    Encoding(#[from] serde_json::Error),
}

impl Copy<'_> {
    /// Copies, compares, retires the source and opens the target.
    pub async fn run(&self) -> Result<Tally, CopyError> {
        let (pages, mut begun) = (AtomicU64::new(0), None);
        let (mut seen, mut failures) = (0, 0);
        loop {
            let error = match self.attempt(&mut begun, &pages).await {
                Err(CopyError::Store(error @ (StoreError::Unavailable(_) | StoreError::Unknown(_)))) => error,
                ended => return ended,
            };
            let so_far = pages.load(Ordering::Relaxed);
            failures = if so_far > seen { 1 } else { failures + 1 };
            seen = so_far;
            if failures > FAILURES {
                return Err(error.into());
            }
            tracing::warn!(%error, failures, "a store did not answer; the copying goes on in a moment");
            tokio::time::sleep(PAUSE * failures).await;
        }
    }

    /// Goes on from where it is. `begun`: the copying that an attempt before this one was at. Counts `pages`.
    async fn attempt(&self, begun: &mut Option<String>, pages: &AtomicU64) -> Result<Tally, CopyError> {
        let (hold, place) = match self.begin(begun.as_deref()).await? {
            Begun::Copy { hold, place } => (hold, place),
            Begun::Compared { copy } => {
                self.open(&copy).await?;
                let as_of = (self.now)().after(MARGIN);
                return self.sum(self.to, (Step::ReadingTarget, as_of), None, pages).await;
            }
        };
        *begun = Some(hold.copy.clone());
        self.fill(&hold, place, pages).await?;
        // One moment for both, or what ends in between counts in one of them alone.
        let as_of = (self.now)().after(MARGIN);
        let source = self.sum(self.from, (Step::ReadingSource, as_of), Some(&hold), pages).await?;
        let target = self.sum(self.to, (Step::ReadingTarget, as_of), Some(&hold), pages).await?;
        let differences = source.differences(&target);
        if !differences.is_empty() {
            let (revision, _) = standing::read(self.to).await?;
            self.note(revision, &hold, Place::default()).await?;
            return Err(CopyError::Different(differences));
        }
        self.still_moving(&hold).await?;
        let retired = Standing::Retired { to: self.to_url.to_owned(), copy: hold.copy.clone(), at: (self.now)() };
        standing::write(self.from, hold.revision, retired, (self.now)()).await?;
        self.open(&hold.copy).await?;
        Ok(target)
    }

    /// Is the source still being moved, by this copying and nobody else?
    async fn still_moving(&self, hold: &Hold) -> Result<(), CopyError> {
        let (revision, said) = standing::read(self.from).await?;
        match said {
            Standing::Moving { copy, .. } if copy == hold.copy && revision == hold.revision => Ok(()),
            _ => Err(CopyError::GivenUp(self.from_url.to_owned())),
        }
    }

    /// Step 1: finds out how far it is, and begins what has not begun. What `begun` names must go on still.
    async fn begin(&self, begun: Option<&str>) -> Result<Begun, CopyError> {
        let (from_revision, source) = standing::read(self.from).await?;
        let (to_revision, target) = standing::read(self.to).await?;
        let other = || CopyError::OtherCopy(self.to_url.to_owned());
        let (moving, since) = match source {
            Standing::Serving if begun.is_some() => return Err(CopyError::GivenUp(self.from_url.to_owned())),
            Standing::Moving { ref copy, .. } if begun.is_some_and(|begun| begun != copy) => {
                return Err(CopyError::GivenUp(self.from_url.to_owned()));
            }
            Standing::Serving => (None, (self.now)()),
            Standing::Moving { copy, since, to } => (Some((Hold { copy, since, revision: from_revision }, to)), since),
            Standing::Retired { copy, to, .. } => {
                return match target {
                    Standing::Copying { copy: filled, .. } if filled == copy => Ok(Begun::Compared { copy }),
                    _ => Err(CopyError::Retired { from: self.from_url.to_owned(), to }),
                };
            }
            Standing::Copying { .. } | Standing::Restoring { .. } => {
                return Err(CopyError::Unfinished(self.from_url.to_owned()));
            }
        };
        match (moving, target) {
            (Some((hold, _)), Standing::Copying { copy: filled, place, .. }) if filled == hold.copy => {
                if place == Place::default() {
                    self.prune(&hold).await?;
                }
                Ok(Begun::Copy { hold, place })
            }
            (Some((_, to)), Standing::Serving) if to != self.to_url => {
                Err(CopyError::Elsewhere { from: self.from_url.to_owned(), to })
            }
            (moving, Standing::Serving) => {
                self.refuse_filled().await?;
                let hold = if let Some((hold, _)) = moving {
                    hold
                } else {
                    let copy = HEXLOWER.encode(&self.seed);
                    let moving = Standing::Moving { to: self.to_url.to_owned(), copy: copy.clone(), since };
                    let revision = Some(standing::write(self.from, from_revision, moving, since).await?);
                    Hold { copy, since, revision }
                };
                self.note(to_revision, &hold, Place::default()).await?;
                Ok(Begun::Copy { hold, place: Place::default() })
            }
            (_, Standing::Copying { .. }) => Err(other()),
            (_, Standing::Moving { .. } | Standing::Retired { .. } | Standing::Restoring { .. }) => {
                Err(CopyError::NotEmpty(self.to_url.to_owned()))
            }
        }
    }

    async fn refuse_filled(&self) -> Result<(), CopyError> {
        let walk = Walk::new(self.to, (self.now)());
        let mut place = Place::default();
        while let Some(page) = walk.page(&place).await? {
            if !page.entries.is_empty() {
                return Err(CopyError::NotEmpty(self.to_url.to_owned()));
            }
            place = page.next;
        }
        Ok(())
    }

    /// Step 2.
    async fn fill(&self, hold: &Hold, mut place: Place, pages: &AtomicU64) -> Result<(), CopyError> {
        let walk = Walk::new(self.from, (self.now)());
        let importer = self.importer();
        let (mut revision, mut done) = (standing::read(self.to).await?.0, 0);
        while place != Place::End {
            self.still_moving(hold).await?;
            let Some(page) = walk.page(&place).await? else { break };
            let count = page.entries.len() as u64;
            importer.put(page.entries).await?;
            place = page.next;
            if count > 0 || place == Place::End {
                revision = Some(self.note(revision, hold, place.clone()).await?);
            }
            done += count;
            pages.fetch_add(1, Ordering::Relaxed);
            (self.progress)(Step::Copying, done);
        }
        Ok(())
    }

    /// Before everything is copied once more: takes out of the target what the source does not have, or no longer.
    async fn prune(&self, hold: &Hold) -> Result<(), CopyError> {
        let (now, importer) = ((self.now)(), self.importer());
        let (walk, mut place) = (Walk::new(self.to, now), Place::default());
        while let Place::Partitions { .. } = place {
            self.still_moving(hold).await?;
            let Some(page) = walk.page(&place).await? else { break };
            for entry in page.entries {
                let Entry::Partition(there) = entry else { continue };
                let here = self.from.load(&there.key(), &[""]).await?;
                if Contents::of(there.kind, there.id.clone(), here, now).is_none() {
                    importer.remove(&there).await?;
                }
            }
            place = page.next;
        }
        Ok(())
    }

    fn importer(&self) -> Importer<'_> {
        Importer::new(self.to, self.seed, (self.now)())
    }

    async fn note(&self, revision: Option<Revision>, hold: &Hold, place: Place) -> Result<Revision, StoreError> {
        let (copy, since) = (hold.copy.clone(), hold.since);
        let copying = Standing::Copying { from: self.from_url.to_owned(), copy, since, place };
        standing::write(self.to, revision, copying, (self.now)()).await
    }

    /// Step 3, for one of the two.
    async fn sum(
        &self,
        store: &dyn Store,
        (step, as_of): (Step, Timestamp),
        hold: Option<&Hold>,
        pages: &AtomicU64,
    ) -> Result<Tally, CopyError> {
        let walk = Walk::new(store, as_of);
        let (mut tally, mut place) = (Tally::default(), Place::default());
        while place != Place::End {
            if let Some(hold) = hold {
                self.still_moving(hold).await?;
            }
            let Some(page) = walk.page(&place).await? else { break };
            for entry in &page.entries {
                tally.see(entry)?;
            }
            place = page.next;
            pages.fetch_add(1, Ordering::Relaxed);
            (self.progress)(step, tally.entries());
        }
        Ok(tally)
    }

    /// The end of step 4.
    async fn open(&self, copy: &str) -> Result<(), CopyError> {
        let (revision, said) = standing::read(self.to).await?;
        match said {
            Standing::Copying { copy: filled, .. } if filled == copy => {
                standing::write(self.to, revision, Standing::Serving, (self.now)()).await?;
                Ok(())
            }
            _ => Err(CopyError::OtherCopy(self.to_url.to_owned())),
        }
    }
}

/// The source's mark of this copying.
struct Hold {
    copy: String,
    since: Timestamp,
    /// At which the source says so.
    revision: Option<Revision>,
}

enum Begun {
    /// It is to be gone on with from here.
    Copy { hold: Hold, place: Place },
    /// It is compared, and the source is retired.
    Compared { copy: String },
}

/// Gives a copying up: the source may be served from again, the target is worth nothing. Says whether there was one, or
/// at least the fence before one.
pub async fn give_up(from: &dyn Store, now: Timestamp) -> Result<bool, StoreError> {
    let (revision, said) = standing::read(from).await?;
    match said {
        // The fence first: cut short in between, the store still says that it is moving, and this can be done again.
        Standing::Serving => fence::lower(from, now).await,
        Standing::Moving { .. } => {
            fence::lower(from, now).await?;
            standing::write(from, revision, Standing::Serving, now).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}
