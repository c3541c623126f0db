//! From a key to where its owner is.

use std::sync::{Arc, RwLock};

use crate::{NodeId, View, placement};

/// Where a call goes. One hop at most: who is called as the owner and is not answers so, and does not pass it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The owner is this node.
    Local,
    /// The owner is that node.
    Remote(NodeId),
    /// No member of the view owns keys.
    Nowhere,
}

/// Answers where a key's owner is, by the view that was last set.
#[derive(Debug)]
pub struct Router {
    me: NodeId,
    view: RwLock<Arc<View>>,
}

impl Router {
    /// A router of node `me`.
    pub fn new(me: NodeId, view: View) -> Self {
        Self { me, view: RwLock::new(Arc::new(view)) }
    }

    /// This node.
    pub fn me(&self) -> &NodeId {
        &self.me
    }

    /// The view in force.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Puts a newer view in force; an older one is ignored.
    pub fn set_view(&self, view: View) {
        let mut current = self.view.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if view.epoch > current.epoch {
            *current = Arc::new(view);
        }
    }

    /// Where the owner of `key` is.
    pub fn route(&self, key: &[u8]) -> Route {
        match placement::owner(&self.view(), key) {
            Some(owner) if owner.node == self.me => Route::Local,
            Some(owner) => Route::Remote(owner.node.clone()),
            None => Route::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Generation;

    fn node(name: &str) -> NodeId {
        name.parse().expect("a node name")
    }

    #[test]
    fn a_node_that_is_alone_owns_every_key() {
        let router = Router::new(node("a"), View::alone(node("a"), Generation(1)));
        assert_eq!(router.route(b"any key"), Route::Local);
    }

    #[test]
    fn an_older_view_is_ignored() {
        let router = Router::new(node("a"), View::alone(node("a"), Generation(1)));
        router.set_view(View { epoch: 3, members: vec![] });
        router.set_view(View { epoch: 2, ..View::alone(node("a"), Generation(1)) });
        assert_eq!(router.route(b"any key"), Route::Nowhere);
    }
}
