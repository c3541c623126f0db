//! The certificates between nodes, replaced while a node runs.

use std::fs;

use crate::nodes::Nodes;

#[test]
#[ignore = "needs a CQL cluster"]
fn a_node_reads_its_certificates_again_on_sighup_and_takes_none_that_cannot_be_used() {
    let nodes = Nodes::start();
    let (cert, server) = (nodes.file(0, "DOORWARD__CLUSTER__TLS__CERT"), nodes.server(0));
    let good = fs::read(&cert).expect("read");
    server.signal("HUP");
    server.wait_for("the certificates of cluster.tls were read again");
    fs::write(&cert, "no certificate").expect("written");
    server.signal("HUP");
    server.wait_for("cluster.tls stays as it was");
    fs::write(&cert, good).expect("written");
    server.signal("HUP");
    server.wait_for("the certificates of cluster.tls were read again");
    nodes.until_ready();
}
