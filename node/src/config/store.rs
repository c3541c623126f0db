//! Section `store`: where state is kept.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    address::HostPort,
    report::Report,
    secrets::{Secrets, text_or_file},
    value::{SecretText, Span, written_as_text},
};

/// Where state is kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `embedded:PATH`: the built-in store in this folder, which is created with mode 0700; one node alone can use it. A
    /// path that does not begin with `/` is taken from the folder in which the server is started.
    /// `scylla://HOST:PORT,HOST:PORT/KEYSPACE?replication=3`: a keyspace of ScyllaDB or Apache Cassandra, which many
    /// nodes share. `replication` counts when `doorward migrate up` makes the keyspace: a number is that many copies in
    /// each data centre, `dc1:3,dc2:3` names them; 3 if it is left out.
    /// An existing keyspace must have the same.
    pub url: StoreUrl,
    /// The user to log in as. For ScyllaDB and Cassandra, as all keys below.
    pub username: Option<String>,
    /// The password of that user.
    pub password: Option<SecretText>,
    /// A file with the password of that user; a newline at its end is dropped.
    #[schemars(with = "Option<String>")]
    pub password_file: Option<PathBuf>,
    /// The data centre whose nodes are asked first. If `replication` names it alone, a majority there is enough.
    pub local_dc: Option<String>,
    /// How long one request to the store may take. Longer than the time-outs of the store itself (usually 2s), so that
    /// its answer, which says more, comes first.
    pub timeout: Span,
    /// Encrypted connections to the store.
    pub tls: StoreTls,
}

/// Encrypted connections to the store.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreTls {
    /// PEM file with the authorities that sign the certificates of the store's nodes. Turns encryption on; a
    /// certificate must name the address of its node.
    #[schemars(with = "Option<String>")]
    pub ca: Option<PathBuf>,
    /// PEM file with the certificate that is shown to the store, where it asks for one.
    #[schemars(with = "Option<String>")]
    pub cert: Option<PathBuf>,
    /// PEM file with the private key of that certificate.
    #[schemars(with = "Option<String>")]
    pub key: Option<PathBuf>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: StoreUrl::default(),
            username: None,
            password: None,
            password_file: None,
            local_dc: None,
            timeout: Span(std::time::Duration::from_millis(2500)),
            tls: StoreTls::default(),
        }
    }
}

impl Store {
    pub(super) fn check(&self, secrets: &Secrets, report: &mut Report<'_>) {
        if self.password.is_some() && self.password_file.is_some() {
            report.refuse("store.password", "is set both as text and as a file; unset one of the two");
        }
        if let Err(error) = self.password() {
            report.refuse("store.password_file", error);
        }
        let both = |here: &Option<PathBuf>, there: &Option<PathBuf>| here.is_some() && there.is_none();
        let tls = &self.tls;
        report.refuse_if(both(&tls.cert, &tls.key), "store.tls.cert", "has no key; set store.tls.key as well");
        report.refuse_if(both(&tls.key, &tls.cert), "store.tls.key", "has no certificate; set store.tls.cert as well");
        report.refuse_if(
            both(&tls.cert, &tls.ca),
            "store.tls.cert",
            "is of no use without store.tls.ca, which turns encryption on",
        );
        for (file, key) in [(&tls.ca, "store.tls.ca"), (&tls.cert, "store.tls.cert"), (&tls.key, "store.tls.key")] {
            report.refuse_unreadable(file.as_deref(), key);
        }
        report.refuse_if(self.timeout.get().is_zero(), "store.timeout", "must be longer than nothing");
        let ringless = secrets.master_keys.is_none() && secrets.master_keys_file.is_none();
        if matches!(self.url, StoreUrl::Scylla(_)) && ringless {
            report.refuse(
                "secrets.master_keys",
                "is unset; with this store.url every node needs the same master key ring, and none is generated. Make \
                 one with `echo \"k1:$(openssl rand -base64 32)\"`, put it into a file of mode 0600 on every node and \
                 name that in DOORWARD_MASTER_KEYS_FILE",
            );
        }
    }

    /// The password that is configured, if one is.
    pub fn password(&self) -> Result<Option<SecretText>, String> {
        text_or_file(self.password.as_ref(), self.password_file.as_deref())
    }
}

/// A store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum StoreUrl {
    /// The built-in store in this folder.
    Embedded(PathBuf),
    /// A keyspace that many nodes share.
    Scylla(ScyllaUrl),
}

/// A keyspace of ScyllaDB or Cassandra.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScyllaUrl {
    /// Some of its nodes.
    pub nodes: Vec<HostPort>,
    /// The keyspace.
    pub keyspace: String,
    /// Copies of each partition.
    pub replication: Replication,
}

/// How many copies of each partition there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replication {
    /// This many in every data centre.
    EachDc(u32),
    /// This many in each data centre named.
    PerDc(Vec<(String, u32)>),
}

impl StoreUrl {
    /// The folder of the built-in store.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Embedded(path) => Some(path),
            Self::Scylla(_) => None,
        }
    }
}

impl Default for StoreUrl {
    fn default() -> Self {
        Self::Embedded("./doorward-data".into())
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(path) => write!(f, "embedded:{}", path.display()),
            Self::Scylla(url) => url.fmt(f),
        }
    }
}

impl fmt::Display for ScyllaUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<_> = self.nodes.iter().map(HostPort::as_str).collect();
        write!(f, "scylla://{}/{}?replication=", nodes.join(","), self.keyspace)?;
        match &self.replication {
            Replication::EachDc(copies) => write!(f, "{copies}"),
            Replication::PerDc(centres) => {
                let centres: Vec<_> = centres.iter().map(|(name, copies)| format!("{name}:{copies}")).collect();
                f.write_str(&centres.join(","))
            }
        }
    }
}

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("embedded", "")) => {
                Err("names no folder; write embedded:PATH, such as embedded:/var/lib/doorward".to_owned())
            }
            Some(("embedded", path)) => Ok(Self::Embedded(path.into())),
            Some(("scylla", rest)) => rest.parse().map(Self::Scylla),
            _ => Err("is not the URL of a store; write embedded:PATH, such as embedded:/var/lib/doorward, or \
                      scylla://HOST:PORT,HOST:PORT/KEYSPACE?replication=3"
                .to_owned()),
        }
    }
}

impl FromStr for ScyllaUrl {
    type Err = String;

    /// Reads what follows `scylla:`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |what: &str| format!("{what}; write scylla://HOST:PORT,HOST:PORT/KEYSPACE?replication=3");
        let (nodes, rest) =
            text.strip_prefix("//").and_then(|text| text.split_once('/')).ok_or_else(|| wrong("names no keyspace"))?;
        if nodes.contains('@') {
            return Err(wrong("has a user or password in it, which belong into store.username and store.password"));
        }
        let nodes: Vec<HostPort> = nodes.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let (keyspace, query) = rest.split_once('?').unwrap_or((rest, "replication=3"));
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if keyspace.len() > 48
            || !keyspace.starts_with(|c: char| c.is_ascii_lowercase())
            || !keyspace.bytes().all(legal)
        {
            return Err(wrong("a keyspace is 1 to 48 of a-z, 0-9 and _, a letter first"));
        }
        let replication = query.strip_prefix("replication=").and_then(replication).ok_or_else(|| {
            wrong("replication is a number from 1 to 9, or one for each data centre, such as replication=dc1:3,dc2:3")
        })?;
        Ok(Self { nodes, keyspace: keyspace.to_owned(), replication })
    }
}

fn replication(text: &str) -> Option<Replication> {
    let copies = |text: &str| text.parse::<u32>().ok().filter(|copies| (1..=9).contains(copies));
    if let Some(copies) = copies(text) {
        return Some(Replication::EachDc(copies));
    }
    let named = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let centre = |part: &str| {
        let (name, count) = part.rsplit_once(':')?;
        let fits = !name.is_empty() && name.bytes().all(named);
        Some((name.to_owned(), copies(count)?)).filter(|_| fits)
    };
    text.split(',').map(centre).collect::<Option<_>>().map(Replication::PerDc)
}

written_as_text!(StoreUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_reads_back_as_it_is_written() {
        for good in [
            "embedded:./data",
            "scylla://10.0.0.1:9042/doorward?replication=3",
            "scylla://a:9042,[fd00::1]:9142/door_1?replication=dc1:3,dc2:2",
        ] {
            assert_eq!(good.parse::<StoreUrl>().expect(good).to_string(), good);
        }
        let short = "scylla://a:9042/doorward".parse::<StoreUrl>().expect("three copies");
        assert_eq!(short.to_string(), "scylla://a:9042/doorward?replication=3");
    }

    #[test]
    fn what_is_wrong_with_a_url_is_told_with_the_fix() {
        for (bad, expected) in [
            ("embedded:", "names no folder"),
            ("postgres://a", "is not the URL of a store"),
            ("scylla://a:9042", "names no keyspace"),
            ("scylla://a/doorward", "\"a\" is not a host with a port"),
            ("scylla://me:pw@a:1/doorward", "belong into store.username and store.password"),
            ("scylla://a:1/Door", "a keyspace is 1 to 48 of"),
            ("scylla://a:1/door?replication=0", "replication is a number from 1 to 9"),
            ("scylla://a:1/door?replication=dc1", "replication is a number from 1 to 9"),
            ("scylla://a:1/door?copies=3", "replication is a number from 1 to 9"),
        ] {
            let error = bad.parse::<StoreUrl>().expect_err(bad);
            assert!(error.contains(expected) && !error.contains("pw"), "{bad}: {error}");
        }
    }
}
