//! What goes wrong.

use rand::RngExt;

use crate::{
    node::{Node, OFF_BY},
    world::{Event, NodeIx, World},
};

/// What is put right after a while.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The node is down, with its memory gone, and starts again.
    Down(NodeIx),
    /// The node found its clock too far off to decide anything.
    Suspended(NodeIx),
    /// The node stood still.
    Paused(NodeIx),
}

impl World {
    /// One more thing goes wrong.
    pub(crate) fn fault(&mut self) {
        let (count, now) = (self.nodes.len(), self.net.now);
        let rng = &mut self.net.rng;
        let (node, other) = (rng.random_range(0..count), rng.random_range(0..count));
        let longest = if rng.random_ratio(1, 10) { 30_000 } else { 5_000 };
        let until = now + rng.random_range(300..longest);
        let kind = rng.random_range(0..11);
        let step = rng.random_range(-OFF_BY..=OFF_BY);
        let noticed = now + rng.random_range(0..1_000);
        self.net.log(|| format!("fault {kind} at node {node} (and {other}) until {until}"));
        match kind {
            0 | 1 => {
                self.nodes[node].paused_until = Some(until);
                self.net.heal_later(until, Fault::Paused(node));
            }
            2 if !self.nodes[node].is_down => {
                self.nodes[node].is_down = true;
                self.net.heal_later(until, Fault::Down(node));
            }
            3 => drop(self.net.links.cut_from_store.insert(node, until)),
            4 => drop(self.net.links.slow_store.insert(node, until)),
            5 => {
                for pair in [(node, other), (other, node)] {
                    self.net.links.cut.insert(pair, until);
                }
            }
            // One way.
            6 => drop(self.net.links.cut.insert((node, other), until)),
            7 => {
                for other in 0..count {
                    self.net.links.cut.insert((node, other), until);
                    self.net.links.cut.insert((other, node), until);
                }
            }
            8 => drop(self.net.links.suspects.insert((node, other), until)),
            9 => {
                self.nodes[node].authority.suspend(true);
                self.net.heal_later(until.min(now + 5_000), Fault::Suspended(node));
            }
            _ => {
                self.nodes[node].clock_off = step;
                let to = self.nodes[node].me();
                self.net.later(to, noticed, Event::ClockJump);
            }
        }
    }

    /// Something is put right.
    pub(crate) fn heal(&mut self, fault: Fault) {
        match fault {
            Fault::Down(node) => {
                let generation = self.nodes[node].generation + 1;
                let people = self.net.users.len();
                self.nodes[node] = Node::new(&mut self.net, (node, generation), people);
                self.net.later((node, generation), self.net.now, Event::Read);
            }
            Fault::Suspended(node) => self.nodes[node].authority.suspend(false),
            Fault::Paused(node) => {
                let node = &mut self.nodes[node];
                if node.paused_until.is_some_and(|until| until <= self.net.now) {
                    node.paused_until = None;
                    node.keeper.stood_still(self.net.instant());
                }
            }
        }
    }
}
