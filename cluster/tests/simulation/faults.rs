//! What goes wrong.

use rand::RngExt;

use crate::{
    node::Node,
    world::{Event, NodeIx, World},
};

/// What is put right after a while.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The node is down and starts again.
    Down(NodeIx),
    /// The node's clock is off.
    ClockOff(NodeIx),
    /// The node stood still.
    Paused(NodeIx),
}

impl World {
    /// One more thing goes wrong.
    pub(crate) fn fault(&mut self) {
        let (count, now) = (self.nodes.len(), self.net.now);
        let rng = &mut self.net.rng;
        let (node, other) = (rng.random_range(0..count), rng.random_range(0..count));
        let until = now + rng.random_range(300..5_000);
        let kind = rng.random_range(0..9);
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
            6 => {
                for other in 0..count {
                    self.net.links.cut.insert((node, other), until);
                    self.net.links.cut.insert((other, node), until);
                }
            }
            7 => drop(self.net.links.suspects.insert((node, other), until)),
            _ if self.net.rng.random_bool(0.5) => {
                self.nodes[node].authority.suspend(true);
                self.net.heal_later(until, Fault::ClockOff(node));
            }
            _ => self.net.later((node, self.nodes[node].generation), now, Event::ClockJump),
        }
    }

    /// Something is put right.
    pub(crate) fn heal(&mut self, fault: Fault) {
        match fault {
            Fault::Down(node) => {
                let generation = self.nodes[node].generation + 1;
                self.nodes[node] = Node::new(node, generation, self.nodes[node].is_old);
                self.net.later((node, generation), self.net.now, Event::Read);
            }
            Fault::ClockOff(node) => self.nodes[node].authority.suspend(false),
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
