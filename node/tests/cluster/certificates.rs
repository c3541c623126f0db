//! The certificates between nodes: made by the command line, and replaced while nodes run.

use std::{
    fs,
    io::{self, Read as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
};

use cluster::transport::NODE_DOMAIN;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};

use crate::{
    application::Application,
    load::{Habit, Load, Visitor, nothing_was_lost},
    nodes::{Nodes, finished, until},
    support,
};

const PEOPLE: usize = 6;

/// Where the files of a node are.
#[derive(Clone, Debug)]
struct Files {
    ca: PathBuf,
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    /// Those that a node uses.
    fn of(nodes: &Nodes, node: usize) -> Self {
        let file = |name| nodes.file(node, &format!("DOORWARD__CLUSTER__TLS__{name}"));
        Self { ca: file("CA"), cert: file("CERT"), key: file("KEY") }
    }

    /// Those that were made for a node in a folder.
    fn made(folder: &Path, name: &str) -> Self {
        let file = |name: String| folder.join(name);
        Self { ca: file("ca.crt".to_owned()), cert: file(format!("{name}.crt")), key: file(format!("{name}.key")) }
    }

    fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(&self.cert).expect("a certificate")
    }

    /// Puts these where those are.
    fn replace(&self, those: &Self) {
        fs::copy(&self.cert, &those.cert).expect("copied");
        fs::copy(&self.key, &those.key).expect("copied");
    }
}

/// A connection to the port of a node for other nodes, as the caller who has these files; the handshake is over.
fn connect(nodes: &Nodes, node: usize, caller: &Files) -> (ClientConnection, TcpStream) {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&caller.ca).expect("readable") {
        roots.add(certificate.expect("a certificate")).expect("of an authority");
    }
    let key = PrivateKeyDer::from_pem_file(&caller.key).expect("a key");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("known")
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![caller.certificate()], key)
        .expect("they belong together");
    let name = ServerName::try_from(format!("{}.{NODE_DOMAIN}", nodes.name(node))).expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let address: SocketAddr = nodes.setting(node, "DOORWARD__CLUSTER__LISTEN").parse().expect("an address");
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(support::PATIENCE)).expect("set");
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).expect("who knows the authority believes the node");
    }
    (connection, stream)
}

/// The certificate that a node shows to another one that connects.
fn shown(nodes: &Nodes, node: usize) -> CertificateDer<'static> {
    let caller = (node + 1) % nodes.count();
    let (connection, _) = connect(nodes, node, &Files::of(nodes, caller));
    connection.peer_certificates().expect("the handshake is over")[0].clone()
}

/// How a node ends the connection of a caller whom it does not believe. In TLS 1.3 the caller learns of it by reading.
fn refusal(nodes: &Nodes, node: usize, caller: &Files) -> io::Error {
    let (mut connection, mut stream) = connect(nodes, node, caller);
    let read = rustls::Stream::new(&mut connection, &mut stream).read(&mut [0; 1]);
    read.expect_err("the node says nothing first, unless it refuses")
}

/// Tells these nodes to read their certificates again, and waits until they have.
fn reload(nodes: &Nodes, which: impl IntoIterator<Item = usize>) {
    for node in which {
        nodes.server(node).signal("HUP");
        nodes.server(node).wait_for("the certificates of cluster.tls were read again");
    }
}

#[test]
fn one_flag_names_as_many_nodes_as_follow_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let certs = |line: &[&str]| {
        let mut command = support::alone(folder.path());
        command.args(["cluster", "certs", "--out", "certs"]).args(line);
        command
    };
    finished(&mut certs(&["--node", "a", "b", "--days", "30", "--node", "c"]));
    let entries = fs::read_dir(folder.path().join("certs")).expect("a folder");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.crt", "a.key", "b.crt", "b.key", "c.crt", "c.key", "ca.crt", "ca.key"]);
    for nobody in [&["--node"][..], &["--node", "--overwrite"], &[]] {
        let output = certs(nobody).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(2), "{nobody:?}");
    }
}

#[test]
#[ignore = "needs a CQL cluster"]
fn a_node_shows_a_new_certificate_after_sighup_and_takes_none_that_cannot_be_used() {
    let nodes = Nodes::start();
    let files = Files::of(&nodes, 0);
    let first = shown(&nodes, 0);
    assert_eq!(first, files.certificate());
    let folder = files.cert.parent().and_then(Path::to_str).expect("a folder");
    nodes.json(&["cluster", "certs", "--out", folder, "--node", nodes.name(0), "--overwrite", "--output", "json"]);
    assert_eq!(shown(&nodes, 0), first, "nobody has told it");
    reload(&nodes, [0]);
    let second = shown(&nodes, 0);
    assert_eq!(second, files.certificate());
    assert_ne!(second, first);

    fs::write(&files.cert, "no certificate").expect("written");
    nodes.server(0).signal("HUP");
    nodes.server(0).wait_for("cluster.tls stays as it was");
    assert_eq!(shown(&nodes, 0), second);
    nodes.until_ready();
}

#[test]
#[ignore = "needs a CQL cluster"]
fn the_authority_is_replaced_in_three_steps_and_nobodys_request_fails() {
    let mut nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let mut visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    // So that the one which comes back at the end is asked by others, and asks others.
    visitors.extend([0, 1].map(|node| Visitor::of(&nodes, &application, node)));
    let load = Load::start(Habit::Live, &visitors, &nodes.sites());
    let all = 0..nodes.count();
    let aside = tempfile::tempdir().expect("a folder");
    let (old, new) = (Files::made(aside.path(), "old"), aside.path().join("new"));
    let in_use = Files::of(&nodes, 0);
    // All of them name the same file, as they have the same authority.
    fs::copy(&in_use.ca, &old.ca).expect("copied");
    Files::of(&nodes, 2).replace(&old);
    let names: Vec<_> = all.clone().map(|node| nodes.name(node).to_owned()).collect();
    let line = ["cluster", "certs", "--out", new.to_str().expect("a path"), "--output", "json", "--node"];
    nodes.json(&line.into_iter().chain(names.iter().map(String::as_str)).collect::<Vec<_>>());

    // 1. Everybody believes both authorities.
    let [before, after] = [&old.ca, &new.join("ca.crt")].map(|file| fs::read_to_string(file).expect("read"));
    fs::write(&in_use.ca, before + &after).expect("written");
    reload(&nodes, all.clone());
    // 2. Everybody shows a certificate of the new one.
    for node in all.clone() {
        let made = Files::made(&new, nodes.name(node));
        assert_ne!(shown(&nodes, node), made.certificate());
        made.replace(&Files::of(&nodes, node));
        reload(&nodes, [node]);
        assert_eq!(shown(&nodes, node), made.certificate());
    }
    // 3. Nobody believes the old one any more.
    let old = Files { ca: in_use.ca.clone(), ..old };
    fs::write(&in_use.ca, after).expect("written");
    reload(&nodes, all);
    let refused = refusal(&nodes, 0, &old).to_string();
    assert!(refused.contains("alert"), "{refused}");

    // To and from a node that comes back there are new connections only. The others have the new authority by the signal.
    nodes.stop(1);
    nodes.start_again(1);
    let counts =
        [r#"doorward_peer_served_total{outcome="answered"}"#, r#"doorward_remote_calls_total{result="answered"}"#];
    until(|| counts.map(|name| nodes.metric(1, name)), |counts| counts.iter().all(|count| *count > 0));
    nothing_was_lost(&load.end());
}
