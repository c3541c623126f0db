//! What the nodes themselves have counted, from their `/metrics`.

use anyhow::ensure;

use super::nodes::Nodes;

/// Sums over the nodes of a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counters {
    /// Calls to other nodes.
    pub(super) hops: f64,
    /// Bytes of gossip sent.
    pub(super) gossip_bytes: f64,
    /// Bytes written to other nodes: calls, answers, heartbeats.
    pub(super) peer_bytes: f64,
    /// Reads of the view and of the generations.
    pub(super) reads: f64,
}

impl Counters {
    /// Asks every node.
    pub(super) async fn read(nodes: &Nodes) -> anyhow::Result<Self> {
        let mut sum = Self::default();
        for node in nodes.management()? {
            let answer = node.send("metrics", "/metrics", &[], None).await?;
            ensure!(answer.status.is_success(), "metrics: {}", answer.status);
            let of = |name, label| total(&answer.body, name, label);
            sum.hops += of("doorward_remote_calls_total", "");
            sum.gossip_bytes += of("doorward_gossip_bytes_total", "direction=\"sent\"");
            sum.peer_bytes += of("doorward_peer_bytes_total", "direction=\"out\"");
            sum.reads += of("doorward_cluster_view_reads_total", "") + of("doorward_generation_reads_total", "");
        }
        Ok(sum)
    }

    /// What was counted in between.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            hops: self.hops - before.hops,
            gossip_bytes: self.gossip_bytes - before.gossip_bytes,
            peer_bytes: self.peer_bytes - before.peer_bytes,
            reads: self.reads - before.reads,
        }
    }
}

/// The sum of all lines of a metric that have this label. A counter that nothing was counted in yet is not shown.
fn total(text: &str, name: &str, label: &str) -> f64 {
    let lines = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        let whole = labels.is_empty() || labels.starts_with('{');
        (whole && labels.contains(label)).then(|| value.parse::<f64>().ok()).flatten()
    });
    lines.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE bytes_total counter\nbytes_total{direction=\"sent\"} 40\n\
        bytes_total{direction=\"received\"} 5\nbytes_total_more 7\nreads_total 3\n";

    #[test]
    fn the_lines_of_a_metric_are_added_up() {
        let of = |name| total(TEXT, name, "");
        let sent = total(TEXT, "bytes_total", "direction=\"sent\"");
        assert_eq!((of("bytes_total"), sent, of("reads_total"), of("reads")), (45.0, 40.0, 3.0, 0.0));
    }
}
