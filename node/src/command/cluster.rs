//! `doorward cluster …`: who is in the cluster, by the row in the store; and certificates between nodes.

use std::{collections::BTreeSet, sync::Arc};

use actors::{
    clock::{Clock as _, SystemClock},
    entropy::SystemEntropy,
    stored_view::StoredView,
};
use anyhow::{Context as _, bail};
use cluster::{
    Member, NodeId, Role, View, ViewStore as _,
    certs::{self, CertsOptions},
    keeper,
};
use schema::Timestamp;
use serde_json::json;

use super::{Usage, operator::confirmed};
use crate::{
    cli::{Certs, ClusterVerb, Output},
    config::{Config, store::StoreUrl},
    listen, print, telemetry,
    wire_up::backend::Backend,
};

/// Others may change the view at the same time; then it is looked at again.
const ATTEMPTS: u32 = 20;

/// Does it.
pub(super) fn run(verb: ClusterVerb, config: &Config) -> anyhow::Result<()> {
    telemetry::install_command_logs()?;
    listen::install_tls_provider();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match verb {
        ClusterVerb::Certs(certs) => make_certificates(certs),
        ClusterVerb::Members { print } => runtime.block_on(async {
            let view = row(config).await?.read().await?;
            show(&view, print.output)
        }),
        ClusterVerb::Drain { node, force, print } => {
            let node = name(&node)?;
            runtime.block_on(async {
                let drained = |view: &View| drained(view, &node, force);
                show(&change(&row(config).await?, &node, drained).await?, print.output)
            })
        }
        ClusterVerb::Leave { node, confirm, print } => {
            let node = name(&node)?;
            confirmed(confirm, &format!("take node {node} out of the cluster"))?;
            runtime.block_on(async {
                let removed = |view: &View| Ok(keeper::without(view, &node));
                show(&change(&row(config).await?, &node, removed).await?, print.output)
            })
        }
    }
}

fn name(text: &str) -> anyhow::Result<NodeId> {
    text.parse().map_err(|error| Usage(format!("{text:?}: {error}")).into())
}

/// The view's row.
async fn row(config: &Config) -> anyhow::Result<StoredView> {
    let url @ StoreUrl::Scylla(_) = &config.store.url else {
        bail!("store.url names an embedded store, which one node has to itself; there is no cluster");
    };
    let store = Backend::open(url, &config.store).await?.store();
    Ok(StoredView::new(store, Arc::new(SystemClock::new()), Arc::new(SystemEntropy)))
}

/// Replaces the view by what `next` makes of it, unless that refuses, and gives what holds then.
async fn change(row: &StoredView, node: &NodeId, next: impl Fn(&View) -> anyhow::Result<View>) -> anyhow::Result<View> {
    for _ in 0..ATTEMPTS {
        let view = row.read().await?;
        if view.member(node).is_none() {
            bail!("there is no node {node} in the cluster; `doorward cluster members` lists them");
        }
        let next = next(&view)?;
        if next.members == view.members || row.replace(view.epoch, &next).await? {
            return Ok(next);
        }
    }
    bail!("others changed the view again and again; try once more")
}

/// The view in which that node is drained. Refused, unless by force, if no other owns users: nodes that serve people would
/// answer all of them 503 then. Taking out the last one is not refused: one that lives comes back by itself, and of one that
/// died nobody is served anyway.
fn drained(view: &View, node: &NodeId, force: bool) -> anyhow::Result<View> {
    let mut owners = view.members.iter().filter(|member| member.owns_keys());
    if !force && owners.next().is_some_and(|owner| owner.node == *node) && owners.next().is_none() {
        bail!(
            "{node} is the last node that owns users: with it drained nobody is served. Start another one with the role \
             actors first, or add --force"
        );
    }
    let mut members = view.members.clone();
    members.iter_mut().filter(|member| member.node == *node).for_each(|member| member.draining = true);
    Ok(view.followed_by(members))
}

fn show(view: &View, output: Output) -> anyhow::Result<()> {
    let mut members: Vec<&Member> = view.members.iter().collect();
    members.sort_by(|a, b| a.node.cmp(&b.node));
    match output {
        Output::Json => {
            let member = |member: &&Member| {
                json!({
                    "node": member.node,
                    "generation": member.generation,
                    "roles": member.roles,
                    "address": member.address,
                    "level": member.level,
                    "draining": member.draining,
                })
            };
            let members: Vec<_> = members.iter().map(member).collect();
            print::json(&json!({ "epoch": view.epoch, "members": members }))
        }
        Output::Table => {
            let rows: Vec<Vec<String>> = members.into_iter().map(line).collect();
            let table = print::columns(&["NODE", "STARTED", "ROLES", "ADDRESS", "LEVEL", "STATE"], &rows);
            print::text(&format!("epoch {}\n{table}", view.epoch))
        }
    }
}

fn line(member: &Member) -> Vec<String> {
    let role = |role: &Role| match role {
        Role::Http => "http",
        Role::Actors => "actors",
    };
    // A generation is the time of the start, unless the clock went back in between.
    let started = Timestamp::from_millis(i64::try_from(member.generation.0).unwrap_or(i64::MAX));
    vec![
        member.node.to_string(),
        print::moment(started),
        member.roles.iter().map(role).collect::<Vec<_>>().join(","),
        if member.address.is_empty() { "-".to_owned() } else { print::harmless(&member.address) },
        member.level.to_string(),
        if member.draining { "draining" } else { "in" }.to_owned(),
    ]
}

fn make_certificates(certs: Certs) -> anyhow::Result<()> {
    let Certs { out, nodes, days, overwrite, print } = certs;
    let nodes: BTreeSet<NodeId> = nodes.iter().map(|node| name(node)).collect::<Result<_, _>>()?;
    let nodes: Vec<NodeId> = nodes.into_iter().collect();
    let now = u64::try_from(SystemClock::new().now().as_millis()).context("the clock is before 1970")?;
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_millis(now);
    let options = CertsOptions { node_days: days, overwrite, ..CertsOptions::new(now) };
    let made = certs::make(&out, &nodes, &options)?;
    match print.output {
        Output::Json => print::json(&json!({ "new_ca": made.new_ca, "files": made.files })),
        Output::Table => {
            let files: Vec<String> = made.files.iter().map(|file| file.display().to_string()).collect();
            let files = files.join("\n");
            print::text(&format!(
                "{files}\n\nGive each node ca.crt, its own .crt and its own .key (cluster.tls.ca, cert and key). Keep ca.key \
                 away from the nodes: it is needed only to add one.\n"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use cluster::Generation;

    use super::*;

    fn name(text: &str) -> NodeId {
        text.parse().expect("a name")
    }

    /// A view of these nodes, each with its roles.
    fn view(nodes: &[(&str, &[Role])]) -> View {
        let mut view = View::alone(name("nobody"), Generation(7));
        let like = view.members.remove(0);
        let member =
            |(node, roles): &(&str, &[Role])| Member { node: name(node), roles: roles.to_vec(), ..like.clone() };
        view.members = nodes.iter().map(member).collect();
        view
    }

    fn draining(view: &View) -> Vec<bool> {
        view.members.iter().map(|member| member.draining).collect()
    }

    const BOTH: &[Role] = &[Role::Http, Role::Actors];

    #[test]
    fn draining_changes_one_member_and_the_epoch() {
        let view = view(&[("a", BOTH), ("b", BOTH)]);
        let next = drained(&view, &name("a"), false).expect("b is left");
        assert_eq!(next.epoch, view.epoch + 1);
        assert_eq!(draining(&next), [true, false]);
        assert_eq!(drained(&next, &name("a"), false).expect("it is drained already").members, next.members);
    }

    #[test]
    fn the_last_node_that_owns_users_is_drained_by_force_alone() {
        let view = view(&[("people", &[Role::Http]), ("users", &[Role::Actors]), ("both", BOTH)]);
        let next = drained(&view, &name("both"), false).expect("another one owns users");
        let refused = drained(&next, &name("users"), false).expect_err("it is the last").to_string();
        assert!(refused.starts_with("users is the last node that owns users"), "{refused}");
        assert_eq!(draining(&drained(&next, &name("users"), true).expect("by force")), [false, true, true]);
        assert_eq!(draining(&drained(&next, &name("people"), false).expect("owns nobody")), [true, false, true]);
    }
}
