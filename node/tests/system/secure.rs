//! A store that lets in nobody it does not know: `CQL_SECURE=mutual CQL_HOME=… CQL_NET=… .ci/cql-cluster up 1`, with the same
//! `CQL_HOME` and `DOORWARD_TEST_CQL` in the environment of this test.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{
    backup::{done, refused},
    support::{alone, run_alone},
};

struct Secure {
    folder: tempfile::TempDir,
    url: String,
    tls: PathBuf,
}

impl Secure {
    fn new() -> Self {
        let node = std::env::var("DOORWARD_TEST_CQL").expect("DOORWARD_TEST_CQL names the node");
        let home = std::env::var("CQL_HOME").expect("CQL_HOME is where it is");
        let random: [u8; 8] = std::array::from_fn(|_| rand::random());
        let keyspace = format!("secure_{}", data_encoding::HEXLOWER.encode(&random));
        let folder = tempfile::tempdir().expect("a folder");
        secret(&folder.path().join("keys"), "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
        secret(&folder.path().join("password"), "cassandra");
        secret(&folder.path().join("wrong"), "cassandro");
        Self { folder, url: format!("scylla://{node}/{keyspace}?replication=1"), tls: Path::new(&home).join("tls") }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with everything that it needs to be let in.
    fn known(&self) -> Command {
        let mut command = alone(self.folder.path());
        command.envs([("DOORWARD__STORE__URL", &*self.url), ("DOORWARD__STORE__USERNAME", "cassandra")]);
        command.envs([
            ("DOORWARD_MASTER_KEYS_FILE", self.file("keys")),
            ("DOORWARD__STORE__PASSWORD_FILE", self.file("password")),
            ("DOORWARD__STORE__TLS__CA", self.tls.join("ca.crt")),
            ("DOORWARD__STORE__TLS__CERT", self.tls.join("client.crt")),
            ("DOORWARD__STORE__TLS__KEY", self.tls.join("client.key")),
        ]);
        command
    }
}

fn secret(file: &Path, text: &str) {
    fs::write(file, text).expect("written");
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("closed");
}

fn check(mut command: Command) -> Output {
    command.args(["migrate", "check"]).output().expect("the program runs")
}

#[test]
#[ignore = "needs a secure node: .ci/cql-cluster"]
fn a_store_lets_in_who_has_authority_certificate_and_password_and_says_what_is_missing() {
    let secure = Secure::new();
    done(&secure.known().args(["migrate", "up"]).output().expect("the program runs"));
    done(&check(secure.known()));
    done(&secure.known().args(["user", "list"]).output().expect("the program runs"));

    done(&run_alone(secure.folder.path(), &["cluster", "certs", "--out", "others", "--node", "n1"]));
    let mut foreign = secure.known();
    foreign.env("DOORWARD__STORE__TLS__CA", secure.file("others/ca.crt"));
    refused(&check(foreign), "store.tls.ca is not the authority");
    let mut stranger = secure.known();
    stranger.env("DOORWARD__STORE__TLS__CERT", secure.file("others/n1.crt"));
    stranger.env("DOORWARD__STORE__TLS__KEY", secure.file("others/n1.key"));
    refused(&check(stranger), "does not take our certificate, see store.tls.cert");
    let mut nobody = secure.known();
    nobody.env_remove("DOORWARD__STORE__TLS__CERT").env_remove("DOORWARD__STORE__TLS__KEY");
    refused(&check(nobody), "does not take our certificate, see store.tls.cert");
    let mut wrong = secure.known();
    wrong.env("DOORWARD__STORE__PASSWORD_FILE", secure.file("wrong"));
    refused(&check(wrong), "does not know this user or password, see store.username");
    let mut nameless = secure.known();
    nameless.env_remove("DOORWARD__STORE__USERNAME").env_remove("DOORWARD__STORE__PASSWORD_FILE");
    refused(&check(nameless), "wants a user and a password, see store.username");
    let mut open = secure.known();
    open.env_remove("DOORWARD__STORE__TLS__CA");
    open.env_remove("DOORWARD__STORE__TLS__CERT").env_remove("DOORWARD__STORE__TLS__KEY");
    refused(&check(open), "cannot connect to");
}
