//! `doorward store …`

use std::{
    net::ToSocketAddrs as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use actors::{
    clock::{Clock as _, SystemClock},
    domain::restore::Terms,
    entropy::{Entropy, SystemEntropy},
    restored::{self, Tools},
};
use anyhow::{Context as _, bail, ensure};
use cluster::keeper::LONGEST_WAIT;
use schema::{
    Store,
    export::copy::{Copy, CopyError, give_up},
    fence::{self, Seen},
    record::{Standing, ViewMember},
    scylla::{ScyllaOptions, ScyllaStore},
    standing::{self, NotServing},
};

use super::{backup::told, course::Course, operator::confirmed, progress};
use crate::{
    cli::{Confirm, StoreCopy, StoreVerb},
    config::{Config, store::StoreUrl},
    print, telemetry,
    wire_up::backend::{Backend, scylla_options},
};

/// What to do about a node that is alive.
const STOP: &str = "stop every node first. They answer from memory what the store is about to forget";
/// A node that is alive and was taken out of the view is back within this: the longest that it waits, and time for it to
/// read and to write, with a store that is slow.
const COME_BACK: Duration = LONGEST_WAIT.saturating_add(Duration::from_secs(6));
/// How often is looked who is back.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a member may take to answer a knock.
const KNOCK: Duration = Duration::from_secs(2);

/// Runs a verb.
pub(super) fn run(verb: StoreVerb, config: &Config) -> anyhow::Result<()> {
    telemetry::install_command_logs()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match verb {
            StoreVerb::Copy(copy) if copy.give_up => Box::pin(given_up(&copy, config)).await,
            StoreVerb::Copy(copy) => Box::pin(copied(&copy, config)).await,
            StoreVerb::Restored { require_password_reset, confirm } => {
                Box::pin(restored(require_password_reset, confirm, config)).await
            }
        }
    })
}

/// Opens a store that is there, or with `make` a new one, and only one that is [`fit`].
async fn open(url: &StoreUrl, config: &Config, make: bool) -> anyhow::Result<Backend> {
    if let StoreUrl::Embedded(path) = url {
        ensure!(make || path.join("store").exists(), "there is no store in {}", path.display());
    }
    fit(Backend::open(url, &config.store).await, url).await
}

/// Opens a store that was put back. Each copy of a shared one may be of another moment, and what a majority does not know
/// may show later, when another majority is asked: so all of them are read (HAZARDS H14).
async fn open_restored(config: &Config) -> anyhow::Result<Backend> {
    let StoreUrl::Scylla(url) = &config.store.url else { return open(&config.store.url, config, false).await };
    let options = ScyllaOptions { every_copy: true, ..scylla_options(url, &config.store)? };
    let opened = ScyllaStore::connect(&options).await.map(|store| Backend::Scylla(store.into()));
    fit(opened.map_err(Into::into), &config.store.url).await
}

/// Refuses a shared store that cannot keep what a store promises, and a machine whose time is not the store's: what is
/// written here is dated, and all nodes go by that (HAZARDS H3, H14).
async fn fit(opened: anyhow::Result<Backend>, url: &StoreUrl) -> anyhow::Result<Backend> {
    let tested = async {
        let backend = opened?;
        backend.self_test().await?;
        Ok::<_, anyhow::Error>(backend)
    };
    tested.await.with_context(|| format!("cannot open {url}"))
}

/// Makes sure that no node serves from this store. An embedded one is locked by whoever has it open, which is us. Of a
/// shared one every member that its view names is knocked at: who answers is alive. Then all are taken out: who is alive
/// and was not reached comes back by itself. Who was taken out before, by others or by this command, comes back too, but
/// later each time; so this waits for the longest, also where the view is empty.
async fn refuse_served(backend: &Backend) -> anyhow::Result<()> {
    let Backend::Scylla(_) = backend else { return Ok(()) };
    let store = backend.store();
    let before = match fence::look(store.as_ref()).await? {
        // Nobody was ever a member; or all of this was done before the fence was raised.
        Seen::Nobody | Seen::Fence => return Ok(()),
        Seen::Members(members) => members,
    };
    for member in before {
        let alive = answers(&member.address).await;
        ensure!(!alive, "the node {} answers at {}: {STOP}", member.node, print::harmless(&member.address));
    }
    fence::clear(store.as_ref(), SystemClock::new().now()).await?;
    eprintln!("looking for {} s whether a node is alive …", COME_BACK.as_secs());
    let back = tokio::time::timeout(COME_BACK, who_is_back(store.as_ref())).await;
    back.map_or(Ok(()), Err)
}

/// Ends when somebody is in the view again.
async fn who_is_back(store: &dyn Store) -> anyhow::Error {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        match fence::look(store).await {
            Ok(Seen::Members(back)) => match refuse(&back) {
                Ok(()) => {}
                Err(alive) => return alive,
            },
            Ok(_) => {}
            Err(error) => return error.into(),
        }
    }
}

/// No node comes in from now on. Lowered when the command is done or given up.
async fn raise_fence(backend: &Backend) -> anyhow::Result<()> {
    let Backend::Scylla(_) = backend else { return Ok(()) };
    refuse(&fence::raise(backend.store().as_ref(), SystemClock::new().now()).await?)
}

fn refuse(alive: &[ViewMember]) -> anyhow::Result<()> {
    let names: Vec<_> = alive.iter().map(|member| print::harmless(&member.node)).collect();
    ensure!(alive.is_empty(), "alive: {}; {STOP}", names.join(", "));
    Ok(())
}

async fn answers(address: &str) -> bool {
    let address = address.to_owned();
    let addresses = tokio::task::spawn_blocking(move || address.to_socket_addrs().map(Vec::from_iter)).await;
    let Ok(Ok(addresses)) = addresses else { return false };
    let knock = tokio::time::timeout(KNOCK, tokio::net::TcpStream::connect(&addresses[..])).await;
    matches!(knock, Ok(Ok(_)))
}

async fn copied(copy: &StoreCopy, config: &Config) -> anyhow::Result<()> {
    let to_url = copy.to.as_ref().context("--to names the target")?;
    if *to_url == copy.from {
        bail!("{to_url} is both source and target");
    }
    let from = open(&copy.from, config, false).await?;
    refuse_served(&from).await?;
    let to = open(to_url, config, true).await?;
    refuse_served(&to).await?;
    raise_fence(&from).await?;
    let (from_text, to_text) = (copy.from.to_string(), to_url.to_string());
    let counting = progress::bar(0, "counting");
    let course = Mutex::new(Course::new(counted(&from).await, counted(&to).await));
    counting.finish_and_clear();
    let bar = progress::bar(0, "");
    let (source, target): (std::sync::Arc<dyn Store>, std::sync::Arc<dyn Store>) = (from.store(), to.store());
    let moved = Copy {
        from: source.as_ref(),
        from_url: &from_text,
        to: target.as_ref(),
        to_url: &to_text,
        seed: (&SystemEntropy as &dyn Entropy).array(),
        now: &|| SystemClock::new().now(),
        progress: &|step, done| {
            progress::show(&bar, course.lock().unwrap_or_else(PoisonError::into_inner).at(step, done));
        },
    };
    let tally = match moved.run().await {
        Ok(tally) => tally,
        Err(error) => {
            lower_unused_fence(source.as_ref(), &error).await?;
            return Err(error.into());
        }
    };
    bar.finish_and_clear();
    drop((source, target));
    from.close().await;
    to.close().await;
    let row = |(name, count): (&String, &schema::export::Count)| {
        vec![name.clone(), count.entries.to_string(), count.items.to_string()]
    };
    print::text(&print::columns(&["KIND", "ENTRIES", "ITEMS"], &tally.0.iter().map(row).collect::<Vec<_>>()))?;
    print::text(&format!(
        "{from_text} was copied to {to_text}, compared, and retired.\nSet store.url to the new one; the master key ring \
         stays the same, and everybody stays signed in.\n"
    ))
}

/// How much there is, for the bar alone: a store that does not say it may be copied all the same.
async fn counted(backend: &Backend) -> u64 {
    let counted = backend.count().await;
    counted.inspect_err(|error| tracing::warn!(%error, "a store could not be counted")).unwrap_or(0)
}

/// Where nothing began, the source is served from as before.
async fn lower_unused_fence(source: &dyn Store, error: &CopyError) -> anyhow::Result<()> {
    let given_up = matches!(error, CopyError::GivenUp(_));
    if !given_up && standing::read(source).await?.1 == Standing::Serving {
        fence::lower(source, SystemClock::new().now()).await?;
    }
    Ok(())
}

async fn given_up(copy: &StoreCopy, config: &Config) -> anyhow::Result<()> {
    let from = open(&copy.from, config, false).await?;
    let was = give_up(from.store().as_ref(), SystemClock::new().now()).await?;
    from.close().await;
    ensure!(was, "no copying of {} was cut short", copy.from);
    print::text(&format!("{} may be served from again; empty the target before you use it for anything\n", copy.from))
}

async fn restored(passwords: bool, confirm: Confirm, config: &Config) -> anyhow::Result<()> {
    confirmed(confirm, &format!("sign everybody out and void all backup codes in {}", config.store.url))?;
    let backend = open_restored(config).await?;
    let store = backend.store();
    match standing::check(store.as_ref()).await {
        Ok(()) | Err(NotServing::Restoring) => {}
        Err(error) => return Err(error.into()),
    }
    refuse_served(&backend).await?;
    raise_fence(&backend).await?;
    let bar = progress::bar(0, "ending what was under way");
    let tools = Tools { store: store.as_ref(), entropy: &SystemEntropy, progress: &|done| bar.set_position(done) };
    let terms = Terms { at: SystemClock::new().now(), passwords };
    let ended = restored::finish(tools, terms).await?;
    bar.finish_and_clear();
    drop(store);
    backend.close().await;
    print::text(&told(&ended, passwords))
}
