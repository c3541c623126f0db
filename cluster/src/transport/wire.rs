//! Reading and writing one connection, the same on both of its ends: frames, the heartbeat, and what may wait.

use std::{fmt, io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use metrics::Counter;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use tokio_util::codec::{Decoder, LengthDelimitedCodec};

use super::{
    frame::{Frame, MAX_FRAME, MAX_HELLO, Malformed, lengths},
    limits::{BEAT, MAX_KIB, MAX_QUEUED, SILENCE},
};

/// Room that is made for reading at once, mostly anew for each frame: so little that jemalloc has it in a bin, and does not look for
/// pages.
const READ_AHEAD: usize = 8 * 1024;

/// Frames that are written at once, at most.
const BATCH: usize = 128;

/// A batch is written when it has this many bytes, so that one of long frames stays bounded.
const BATCH_BYTES: usize = 64 * 1024;

/// Why a connection ended.
#[derive(Debug, Error)]
pub(super) enum Ended {
    #[error("the peer closed it")]
    Closed,
    #[error("the peer was silent for {} ms", SILENCE.as_millis())]
    Silent,
    #[error("the peer takes nothing any more")]
    Stalled,
    #[error("the peer does not speak this protocol")]
    Protocol,
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<Malformed> for Ended {
    fn from(_: Malformed) -> Self {
        Self::Protocol
    }
}

/// Reads frames. Nothing longer than a bound is ever held.
#[derive(Debug)]
pub(super) struct Reader<R> {
    io: R,
    lengths: LengthDelimitedCodec,
    buffer: BytesMut,
    bytes: Counter,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(io: R, bytes: Counter) -> Self {
        Self { io, lengths: lengths(MAX_FRAME), buffer: BytesMut::new(), bytes }
    }

    /// What is inside of the next length. Any byte counts as a sign of life.
    pub(super) async fn next(&mut self) -> Result<Bytes, Ended> {
        loop {
            if let Some(frame) = self.lengths.decode(&mut self.buffer).map_err(|_| Ended::Protocol)? {
                return Ok(frame.freeze());
            }
            self.buffer.reserve(READ_AHEAD);
            match timeout(SILENCE, self.io.read_buf(&mut self.buffer)).await {
                Err(_) => return Err(Ended::Silent),
                Ok(Ok(0)) => return Err(Ended::Closed),
                Ok(Ok(read)) => self.bytes.increment(read as u64),
                Ok(Err(error)) => return Err(error.into()),
            }
        }
    }
}

/// A frame that waits to be written, with the room that it takes.
pub(super) struct Queued {
    pub(super) frame: Frame,
    _room: OwnedSemaphorePermit,
}

/// There is no room, or the connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unqueued {
    Full,
    Ended,
}

/// Where frames wait to be written: bounded in number and in bytes.
#[derive(Clone)]
pub(super) struct Outbox {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("free", &self.queue.capacity()).finish_non_exhaustive()
    }
}

impl Outbox {
    pub(super) fn new() -> (Self, mpsc::Receiver<Queued>) {
        let (queue, waiting) = mpsc::channel(MAX_QUEUED);
        (Self { queue, room: Arc::new(Semaphore::new(MAX_KIB)) }, waiting)
    }

    /// Queues a frame if there is room now.
    pub(super) fn offer(&self, frame: Frame) -> Result<(), Unqueued> {
        let room = room(&self.room, frame.weight()).ok_or(Unqueued::Full)?;
        self.queue.try_send(Queued { frame, _room: room }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Unqueued::Full,
            mpsc::error::TrySendError::Closed(_) => Unqueued::Ended,
        })
    }

    /// Queues a frame once there is room.
    pub(super) async fn put(&self, frame: Frame) -> Result<(), Unqueued> {
        let kib = kib(frame.weight());
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await.map_err(|_| Unqueued::Ended)?;
        self.queue.send(Queued { frame, _room: room }).await.map_err(|_| Unqueued::Ended)
    }
}

/// Takes room for this many bytes, if there is.
pub(super) fn room(of: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    Arc::clone(of).try_acquire_many_owned(kib(bytes)).ok()
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// Writes what is queued, and a heartbeat when nothing is, until the connection ends. `pick` sees every batch before any of
/// it is written and may take frames out.
pub(super) async fn write_all<W: AsyncWrite + Unpin>(
    mut io: W,
    mut queue: mpsc::Receiver<Queued>,
    bytes: Counter,
    mut pick: impl FnMut(&mut Vec<Queued>),
) -> Ended {
    let (mut batch, mut out) = (Vec::with_capacity(BATCH), BytesMut::new());
    loop {
        batch.clear();
        match timeout(BEAT, queue.recv_many(&mut batch, BATCH)).await {
            Ok(0) => {
                let _ = timeout(SILENCE, io.shutdown()).await;
                return Ended::Closed;
            }
            Ok(_) => pick(&mut batch),
            Err(_) => Frame::Beat.write(&mut out),
        }
        for queued in batch.drain(..) {
            queued.frame.write(&mut out);
            if out.len() >= BATCH_BYTES
                && let Err(ended) = write(&mut io, &mut out, &bytes).await
            {
                return ended;
            }
        }
        if let Err(ended) = write(&mut io, &mut out, &bytes).await {
            return ended;
        }
        if out.capacity() > 2 * BATCH_BYTES {
            out = BytesMut::new();
        }
    }
}

/// Reads one greeting, and not a byte more.
pub(super) async fn read_greeting<R: AsyncRead + Unpin>(io: &mut R) -> Result<Bytes, Ended> {
    let length = io.read_u32().await? as usize;
    if length > MAX_HELLO {
        return Err(Ended::Protocol);
    }
    let mut greeting = vec![0; length];
    io.read_exact(&mut greeting).await?;
    Ok(greeting.into())
}

/// Writes one greeting.
pub(super) async fn write_greeting<W: AsyncWrite + Unpin>(io: &mut W, greeting: &[u8]) -> Result<(), Ended> {
    io.write_all(greeting).await?;
    Ok(io.flush().await?)
}

/// Writes `out` and empties it; each step within the time in which a living peer takes something.
async fn write<W: AsyncWrite + Unpin>(io: &mut W, out: &mut BytesMut, bytes: &Counter) -> Result<(), Ended> {
    bytes.increment(out.len() as u64);
    while !out.is_empty() {
        if within(SILENCE, io.write_buf(out)).await? == 0 {
            return Err(Ended::Closed);
        }
    }
    within(SILENCE, io.flush()).await
}

async fn within<T>(limit: Duration, step: impl Future<Output = io::Result<T>>) -> Result<T, Ended> {
    Ok(timeout(limit, step).await.map_err(|_| Ended::Stalled)??)
}
