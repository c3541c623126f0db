//! The command socket (HAZARDS H20): how a verb of the command line asks the server that holds the store.
//!
//! 1. Before any thread runs, the server binds a socket under umask 0177 and a name of its own in the data folder, which
//!    is of mode 0700. Both ends reach it through `/proc/self/fd/N/…`, so the length of the path does not matter and the
//!    folder cannot be swapped.
//! 2. Once the store's lock is held, the socket takes its public name, in the place of what a killed server left.
//! 3. A connection is one question: a version byte, the length in four bytes, JSON; and one answer in the same form.
//!    Both ends check that the other is the owner of the folder or root. The uid is handed on for the audit.
//!
//! What the bytes mean is for the handler.

use std::{io, os::unix::net::UnixListener as StdListener, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use rustix::{fs::Mode, process::umask};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    task::JoinSet,
    time::timeout,
};

use crate::data_folder::DataFolder;

/// The public name of the socket.
pub const SOCKET: &str = "control.sock";
/// Version of the form of questions and answers.
const VERSION: u8 = 1;
/// The longest question, in bytes.
const MAX_QUESTION: u32 = 256 * 1024;
/// The longest answer, in bytes.
const MAX_ANSWER: u32 = 64 * 1024 * 1024;
/// How long one question may take, from connecting to the answer.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Questions served at the same time; others wait in the backlog.
const CONCURRENT: usize = 8;

/// How long a long answer may stand still.
const STALL: Duration = Duration::from_mins(1);

/// What a question is answered with.
pub enum Answer {
    /// One frame.
    Whole(Vec<u8>),
    /// A frame for each piece, and an empty one at the end. Where it fails, the connection just ends.
    Pieces(Box<dyn Pieces>),
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer")
    }
}

/// A piece of a long answer, once it is made.
pub type NextPiece<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Option<Vec<u8>>>> + Send + 'a>>;

/// A long answer, made piece by piece. No piece is empty.
pub trait Pieces: Send {
    /// The next one; `None` after the last.
    fn next(&mut self) -> NextPiece<'_>;
}

/// A bound socket that does not have its public name yet.
#[derive(Debug)]
pub struct Bound {
    listener: StdListener,
    name: Name,
}

/// An entry of the folder that goes away with this value.
#[derive(Debug)]
struct Name {
    folder: Arc<DataFolder>,
    name: String,
}

impl Drop for Name {
    fn drop(&mut self) {
        if let Err(error) = self.folder.remove(&self.name) {
            tracing::warn!(%error, "the command socket could not be removed");
        }
    }
}

/// The socket under its public name, which goes away with this value.
#[derive(Debug)]
pub struct Published {
    listener: UnixListener,
    name: Name,
}

impl Bound {
    /// Binds under a name of this process. Changes the umask of the process for a moment, so call it while no other
    /// thread makes files.
    pub fn new(folder: &Arc<DataFolder>) -> anyhow::Result<Self> {
        let name = Name { folder: Arc::clone(folder), name: format!("control.{}.sock", std::process::id()) };
        folder.remove(&name.name).context("cannot remove an old command socket")?;
        let before = umask(Mode::from_raw_mode(0o177));
        let listener = StdListener::bind(folder.entry(&name.name));
        umask(before);
        let listener =
            listener.with_context(|| format!("cannot bind the command socket in {}", folder.path().display()))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, name })
    }

    /// Gives the socket its public name. Only for who holds the store's lock, and inside the runtime.
    pub fn publish(self) -> anyhow::Result<Published> {
        let folder = &self.name.folder;
        folder.rename(&self.name.name, SOCKET).context("cannot publish the command socket")?;
        // What servers left that were killed before they came this far.
        for entry in folder.entries()? {
            if let Some(name) = entry.to_str().filter(|name| name.starts_with("control.") && *name != SOCKET) {
                folder.remove(name).context("cannot remove an old command socket")?;
            }
        }
        let name = Name { folder: Arc::clone(folder), name: SOCKET.to_owned() };
        Ok(Published { listener: UnixListener::from_std(self.listener)?, name })
    }
}

/// Answers questions, each by `answer(uid, question)`, until the future is dropped.
pub async fn serve<H, F>(socket: Published, answer: H)
where
    H: Fn(u32, Vec<u8>) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let owner = socket.name.folder.owner();
    let answer = Arc::new(answer);
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            Some(_) = open.join_next() => continue,
            accepted = socket.listener.accept(), if open.len() < CONCURRENT => accepted,
        };
        match accepted {
            Ok((stream, _)) => _ = open.spawn(attend(stream, owner, Arc::clone(&answer))),
            Err(error) => {
                tracing::warn!(%error, "the command socket could not accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// One connection, from its first byte to its end.
async fn attend<H, F>(stream: UnixStream, owner: u32, answer: Arc<H>)
where
    H: Fn(u32, Vec<u8>) -> F,
    F: Future<Output = Answer>,
{
    let conversed = match timeout(DEADLINE, converse(stream, owner, &*answer)).await {
        Ok(Ok(Some((stream, pieces)))) => Ok(hand_out(stream, pieces).await),
        Ok(Ok(None)) => Ok(Ok(())),
        Ok(Err(error)) => Ok(Err(error)),
        Err(late) => Err(late),
    };
    match conversed {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::info!(error = format!("{error:#}"), "a command was refused"),
        Err(_) => tracing::warn!("a command took too long"),
    }
}

/// Gives back what is still to be handed out.
async fn converse<H, F>(
    mut stream: UnixStream,
    owner: u32,
    answer: &H,
) -> anyhow::Result<Option<(UnixStream, Box<dyn Pieces>)>>
where
    H: Fn(u32, Vec<u8>) -> F,
    F: Future<Output = Answer>,
{
    let uid = trusted_peer(&stream, owner)?;
    // Who only wants to know whether anybody is there says nothing.
    let Some(question) = read_frame(&mut stream, MAX_QUESTION).await.context("the question")? else { return Ok(None) };
    match answer(uid, question).await {
        Answer::Whole(answer) => write_frame(&mut stream, &answer).await.context("the answer").map(|()| None),
        Answer::Pieces(pieces) => Ok(Some((stream, pieces))),
    }
}

/// A long answer has no deadline, but whoever asked must go on reading.
async fn hand_out(mut stream: UnixStream, mut pieces: Box<dyn Pieces>) -> anyhow::Result<()> {
    while let Some(piece) = pieces.next().await? {
        timeout(STALL, write_frame(&mut stream, &piece)).await.context("nobody reads the answer")??;
    }
    timeout(STALL, write_frame(&mut stream, &[])).await.context("nobody reads the answer")?
}

/// Connects to the server that serves this folder. `None`: nobody listens.
async fn connect(folder: &DataFolder) -> anyhow::Result<Option<UnixStream>> {
    let stream = match UnixStream::connect(folder.entry(SOCKET)).await {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot reach the server in {}", folder.path().display()));
        }
    };
    trusted_peer(&stream, folder.owner())?;
    Ok(Some(stream))
}

/// Does a server serve this folder?
pub async fn is_served(folder: &DataFolder) -> anyhow::Result<bool> {
    Ok(connect(folder).await?.is_some())
}

/// Asks the server that serves this folder.
pub async fn ask(folder: &DataFolder, question: &[u8]) -> anyhow::Result<Vec<u8>> {
    let exchange = async {
        let mut stream = connect(folder).await?.context("the server has gone")?;
        write_frame(&mut stream, question).await?;
        let answer = read_frame(&mut stream, MAX_ANSWER).await.context("the server broke off")?;
        answer.context("the server broke off; its log says why")
    };
    timeout(DEADLINE, exchange).await.context("the server did not answer in time")?
}

/// A long answer on its way.
#[derive(Debug)]
pub struct Incoming(UnixStream);

impl Incoming {
    /// The next piece; `None` after the last.
    pub async fn next(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let frame = timeout(STALL, read_frame(&mut self.0, MAX_ANSWER)).await.context("the server fell silent")?;
        let piece = frame.context("the server broke off")?.context("the server broke off; its log says why")?;
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

/// Asks the server that serves this folder a question with a long answer.
pub async fn ask_for_pieces(folder: &DataFolder, question: &[u8]) -> anyhow::Result<Incoming> {
    let mut stream = connect(folder).await?.context("the server has gone")?;
    write_frame(&mut stream, question).await?;
    Ok(Incoming(stream))
}

/// The uid at the other end, if it is the folder's owner or root.
fn trusted_peer(stream: &UnixStream, owner: u32) -> anyhow::Result<u32> {
    let uid = stream.peer_cred().context("the other end of the command socket is not known")?.uid();
    ensure!(
        is_trusted(uid, owner),
        "the other end of the command socket is uid {uid}, who is neither root nor uid {owner}"
    );
    Ok(uid)
}

const fn is_trusted(uid: u32, owner: u32) -> bool {
    uid == 0 || uid == owner
}

/// `None`: nothing at all was said.
async fn read_frame(stream: &mut UnixStream, max: u32) -> anyhow::Result<Option<Vec<u8>>> {
    let version = match stream.read_u8().await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        version => version?,
    };
    ensure!(version == VERSION, "is of version {version}, this is version {VERSION}; use one version of the program");
    let length = stream.read_u32().await?;
    if length > max {
        bail!("is of {length} bytes, more than {max}");
    }
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes).await?;
    Ok(Some(bytes))
}

async fn write_frame(stream: &mut UnixStream, bytes: &[u8]) -> anyhow::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_ANSWER).context("too long")?;
    stream.write_u8(VERSION).await?;
    stream.write_u32(length).await?;
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}

#[cfg(test)]
mod tests {
    use rustix::process::geteuid;

    use super::*;

    /// What a client says, as bytes; what comes back, as bytes.
    async fn exchange(said: &[u8], owner: u32) -> (anyhow::Result<()>, Vec<u8>) {
        let (mut client, server) = UnixStream::pair().expect("a pair");
        let (result, heard) = tokio::join!(
            converse(server, owner, &|uid, mut question: Vec<u8>| async move {
                question.extend_from_slice(format!(" from {uid}").as_bytes());
                Answer::Whole(question)
            }),
            async {
                client.write_all(said).await.expect("sent");
                client.shutdown().await.expect("ended");
                let mut heard = Vec::new();
                client.read_to_end(&mut heard).await.map(|_| heard).unwrap_or_default()
            }
        );
        (result.map(|_| ()), heard)
    }

    #[tokio::test]
    async fn a_question_is_answered_with_the_askers_uid_at_hand() {
        let me = geteuid().as_raw();
        let (result, heard) = exchange(b"\x01\0\0\0\x02hi", me).await;
        result.expect("answered");
        assert_eq!(heard[5..], *format!("hi from {me}").as_bytes());
    }

    #[test]
    fn only_the_owner_and_root_are_trusted() {
        assert!(is_trusted(0, 998) && is_trusted(998, 998));
        assert!(!is_trusted(1000, 998) && !is_trusted(1000, 0));
    }

    #[tokio::test]
    async fn a_question_that_is_too_long_or_of_another_version_is_not_read() {
        let me = geteuid().as_raw();
        for (said, complaint) in [(&b"\x01\xff\xff\xff\xff"[..], "more than"), (b"\x02\0\0\0\0", "version 2")] {
            let (result, heard) = exchange(said, me).await;
            assert!(format!("{:#}", result.expect_err("refused")).contains(complaint));
            assert!(heard.is_empty());
        }
    }

    #[tokio::test]
    async fn a_question_that_breaks_off_is_not_answered() {
        let (result, heard) = exchange(b"\x01\0\0\0\x09hi", geteuid().as_raw()).await;
        result.expect_err("broken off");
        assert!(heard.is_empty());
    }
}
