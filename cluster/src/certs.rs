//! Makes the certificates by which nodes know each other: an authority of the cluster's own, and one certificate per node.
//!
//! The authority lives 10 years and can sign nothing but names of nodes. A node's certificate lives a year unless told
//! otherwise; it serves both ends of a connection. Keys are ECDSA P-256. Everything begins an hour ago, for clocks that
//! differ.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::pki_types::UnixTime;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    NodeId,
    transport::{NODE_DOMAIN, TlsError, TlsFiles, check_files, server_name},
};

/// How long an authority lives, in days.
const CA_DAYS: u32 = 3653;

/// How long before now a certificate begins.
const SKEW: Duration = Duration::from_hours(1);

const DAY: Duration = Duration::from_hours(24);

/// What to make.
#[derive(Clone, Debug)]
pub struct CertsOptions {
    /// How long a node's certificate lives, in days.
    pub node_days: u32,
    /// Replace certificates and keys of these nodes that are there already. The authority is never replaced.
    pub overwrite: bool,
    /// The time now.
    pub now: SystemTime,
}

impl CertsOptions {
    /// A year, and nothing is replaced.
    pub fn new(now: SystemTime) -> Self {
        Self { node_days: 365, overwrite: false, now }
    }
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Was the authority made now? Otherwise the one in the folder has signed.
    pub new_ca: bool,
    /// The files that were written.
    pub files: Vec<PathBuf>,
}

/// Certificates were not made. Files that were written before the failure stay.
#[derive(Debug, Error)]
pub enum CertsError {
    /// No file is replaced unless asked for.
    #[error("{0} is there already; it is replaced only when asked for")]
    Exists(PathBuf),
    /// Half an authority: its certificate without its key, or the other way round.
    #[error("{0} is missing, though the other half of the authority is there")]
    HalfCa(PathBuf),
    /// The authority's key cannot be used.
    #[error("{0} is not the key of an authority")]
    CaKey(PathBuf, #[source] rcgen::Error),
    /// The authority in the folder was not made here, or its key is another one's: it does not verify what was signed.
    #[error("what was signed is not valid by the authority in the folder")]
    Unverified(#[source] TlsError),
    /// The node's name cannot be in a certificate.
    #[error(transparent)]
    Name(TlsError),
    /// A certificate cannot be signed.
    #[error("cannot sign")]
    Sign(#[from] rcgen::Error),
    /// The file system refuses.
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] io::Error),
}

/// The files of a node in a folder that [`make`] has filled: what `cluster.tls.ca`, `cert` and `key` name.
pub fn files(dir: &Path, node: &NodeId) -> TlsFiles {
    TlsFiles { ca: dir.join("ca.crt"), cert: dir.join(format!("{node}.crt")), key: dir.join(format!("{node}.key")) }
}

/// Makes one certificate and key per node, and the authority first if the folder has none. Keep `ca.key` away from the
/// nodes: it is needed only to add one.
pub fn make(dir: &Path, nodes: &[NodeId], options: &CertsOptions) -> Result<Made, CertsError> {
    for node in nodes {
        server_name(node).map_err(CertsError::Name)?;
        let TlsFiles { cert, key, .. } = files(dir, node);
        let there = [cert, key].into_iter().find(|path| path.exists());
        if let Some(path) = there.filter(|_| !options.overwrite) {
            return Err(CertsError::Exists(path));
        }
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| CertsError::Write(dir.to_owned(), error))?;
    let mut made = Made { new_ca: false, files: Vec::new() };
    let issuer = authority(dir, options.now, &mut made)?;
    for node in nodes {
        let key = KeyPair::generate()?;
        let certificate = node_params(node, options)?.signed_by(&key, &issuer)?;
        let paths = files(dir, node);
        write(&paths.key, &Zeroizing::new(key.serialize_pem()), options.overwrite)?;
        write(&paths.cert, &certificate.pem(), options.overwrite)?;
        check_files(&paths, node, unix(options.now)).map_err(CertsError::Unverified)?;
        made.files.extend([paths.cert, paths.key]);
    }
    Ok(made)
}

/// The authority of the folder, made if there is none.
fn authority(dir: &Path, now: SystemTime, made: &mut Made) -> Result<Issuer<'static, KeyPair>, CertsError> {
    let (cert_path, key_path) = (dir.join("ca.crt"), dir.join("ca.key"));
    let params = ca_params(now);
    match (cert_path.exists(), key_path.exists()) {
        (true, false) => return Err(CertsError::HalfCa(key_path)),
        (false, true) => return Err(CertsError::HalfCa(cert_path)),
        (true, true) => {
            let pem = fs::read_to_string(&key_path).map_err(|error| CertsError::Write(key_path.clone(), error))?;
            let key = KeyPair::from_pem(&Zeroizing::new(pem)).map_err(|error| CertsError::CaKey(key_path, error))?;
            return Ok(Issuer::new(params, key));
        }
        (false, false) => {}
    }
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    write(&key_path, &Zeroizing::new(key.serialize_pem()), false)?;
    write(&cert_path, &certificate.pem(), false)?;
    made.new_ca = true;
    made.files.extend([cert_path, key_path]);
    Ok(Issuer::new(params, key))
}

/// The same name for every authority: which one it is, its key's identifier says.
fn ca_params(now: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = called("Doorward cluster CA");
    params.not_before = (now - SKEW).into();
    params.not_after = (now + DAY * CA_DAYS).into();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(NODE_DOMAIN.to_owned())],
        excluded_subtrees: Vec::new(),
    });
    params
}

fn node_params(node: &NodeId, options: &CertsOptions) -> Result<CertificateParams, CertsError> {
    let mut params = CertificateParams::new([format!("{node}.{NODE_DOMAIN}")])?;
    params.distinguished_name = called(node.as_str());
    params.not_before = (options.now - SKEW).into();
    params.not_after = (options.now + DAY * options.node_days).into();
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn called(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn unix(now: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// Writes a file that only its owner reads. One that is replaced is replaced whole: a node may be reading it.
fn write(path: &Path, text: &str, replace: bool) -> Result<(), CertsError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => CertsError::Exists(path.to_owned()),
        _ => CertsError::Write(path.to_owned(), error),
    };
    let mut open = OpenOptions::new();
    open.write(true).mode(0o600);
    let write = |mut file: File| file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if !replace {
        return open.create_new(true).open(path).and_then(write).map_err(failed);
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let _ = fs::remove_file(&beside);
    open.create_new(true).open(&beside).and_then(write).and_then(|()| fs::rename(&beside, path)).map_err(failed)
}
