//! A proxy before each node that does to conditional writes what a network does. It knows frames of the CQL binary
//! protocol version 4 (header of nine bytes: version, flags, stream, opcode, length of the body) and nothing more.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use scylla::{
    errors::TranslationError,
    policies::address_translator::{AddressTranslator, UntranslatedPeer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

/// The opcodes of a batch, of its answer, and of an error.
const BATCH: u8 = 0x0d;
const RESULT: u8 = 0x08;
const ERROR: u8 = 0x00;

/// A stream id that the driver does not reach.
const LATE_STREAM: u16 = 30_000;

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never arrives; the answer is that it timed out.
    DroppedThenTimeout,
    /// It is carried out; the answer is that it timed out.
    AppliedThenTimeout,
    /// The answer is that it timed out; it arrives when [`Proxies::deliver`] is called.
    LateThenTimeout,
    /// It never arrives; the answer is that too few nodes are there to begin with it.
    RefusedAtSerial,
    /// It never arrives; the answer is that too few nodes are there for its last phase.
    DroppedThenUnavailable,
    /// It is carried out; the answer is that too few nodes are there for its last phase.
    AppliedThenUnavailable,
    /// It never arrives; the answer is that nobody knows.
    DroppedThenUnknown,
    /// It is carried out; the answer is that nobody knows.
    AppliedThenUnknown,
    /// The connection breaks before it arrives.
    CutBefore,
    /// It is carried out, and the connection breaks instead of its answer.
    CutAfter,
    /// None: it is carried out and answered.
    Passed,
    /// It never arrives; the answer is that its condition held and it was applied.
    DroppedThenApplied,
    /// It never arrives; the answer is that its condition did not hold.
    DroppedThenConflict,
}

/// A frame as it came.
#[derive(Clone)]
struct Frame {
    header: [u8; 9],
    body: Vec<u8>,
}

impl Frame {
    async fn read(from: &mut OwnedReadHalf) -> io::Result<Self> {
        let mut header = [0; 9];
        from.read_exact(&mut header).await?;
        let length = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        let mut body = vec![0; length as usize];
        from.read_exact(&mut body).await?;
        Ok(Self { header, body })
    }

    fn opcode(&self) -> u8 {
        self.header[4]
    }

    fn stream(&self) -> u16 {
        u16::from_be_bytes([self.header[2], self.header[3]])
    }

    fn with_stream(mut self, stream: u16) -> Self {
        self.header[2..4].copy_from_slice(&stream.to_be_bytes());
        self
    }

    /// An error as the answer to this frame.
    fn refused(&self, error: Error) -> Self {
        self.answered(ERROR, error.body())
    }

    /// The answer to a conditional write, as a node gives it to one that was applied.
    fn judged(&self, applied: bool) -> Self {
        let text = |text: &str| {
            let length = u16::try_from(text.len()).expect("short").to_be_bytes();
            [&length[..], text.as_bytes()].concat()
        };
        // Rows, of one keyspace and table, one column, of type boolean; one row, of one byte.
        let (rows, boolean) = ([0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1], [0, 4]);
        let row = [0, 0, 0, 1, 0, 0, 0, 1, u8::from(applied)];
        let table = [text("keyspace"), text("table"), text("[applied]")].concat();
        self.answered(RESULT, [&rows[..], &table, &boolean, &row].concat())
    }

    fn answered(&self, opcode: u8, body: Vec<u8>) -> Self {
        let mut header = [0x84, 0, self.header[2], self.header[3], opcode, 0, 0, 0, 0];
        header[5..].copy_from_slice(&u32::try_from(body.len()).expect("short").to_be_bytes());
        Self { header, body }
    }

    async fn write(&self, to: &Writer) -> io::Result<()> {
        let bytes = [&self.header[..], &self.body].concat();
        to.lock().await.write_all(&bytes).await
    }
}

/// What a node says of a conditional write that it did not carry out, or does not know of.
#[derive(Clone, Copy)]
enum Error {
    /// `WRITE_TIMEOUT` at `SERIAL`, 1 of 2, type `CAS`.
    Timeout,
    /// `UNAVAILABLE`, 1 of 2, at `SERIAL`: the first phase.
    NoneToBegin,
    /// `UNAVAILABLE`, 1 of 2, at `QUORUM`: the last phase, when the write is decided.
    NoneToEnd,
    /// `CAS_WRITE_UNKNOWN` at `SERIAL`, 1 of 2.
    Unknown,
}

impl Error {
    fn body(self) -> Vec<u8> {
        const SERIAL: u16 = 0x0008;
        const QUORUM: u16 = 0x0004;
        let (code, level, one, two): (u32, _, u32, u32) = match self {
            Self::Timeout => (0x1100, SERIAL, 1, 2),
            Self::NoneToBegin => (0x1000, SERIAL, 2, 1),
            Self::NoneToEnd => (0x1000, QUORUM, 2, 1),
            Self::Unknown => (0x1700, SERIAL, 1, 2),
        };
        let mut body = code.to_be_bytes().to_vec();
        // Without words.
        body.extend_from_slice(&0_u16.to_be_bytes());
        body.extend_from_slice(&level.to_be_bytes());
        body.extend_from_slice(&one.to_be_bytes());
        body.extend_from_slice(&two.to_be_bytes());
        if matches!(self, Self::Timeout) {
            body.extend_from_slice(&3_u16.to_be_bytes());
            body.extend_from_slice(b"CAS");
        }
        body
    }
}

type Writer = Arc<tokio::sync::Mutex<OwnedWriteHalf>>;

/// What becomes of an answer.
enum After {
    Error(Error),
    Cut,
    Swallow(tokio::sync::oneshot::Sender<()>),
}

/// What all connections share.
#[derive(Default)]
struct Shared {
    script: VecDeque<Fault>,
    /// Which nodes batches were sent to, in order.
    batches: Vec<IpAddr>,
    /// What requests hold that meet `marked`.
    mark: &'static str,
    marked: VecDeque<Option<Fault>>,
    held: Vec<(Frame, Writer, Answers)>,
}

type Answers = Arc<Mutex<HashMap<u16, After>>>;

impl Shared {
    /// What a request to this node meets.
    fn fault(&mut self, request: &Frame, node: IpAddr) -> Option<Fault> {
        if request.opcode() == BATCH {
            self.batches.push(node);
            return self.script.pop_front();
        }
        let (mark, body) = (self.mark.as_bytes(), &request.body);
        if mark.is_empty() || !body.windows(mark.len()).any(|part| part == mark) {
            return None;
        }
        self.marked.pop_front().flatten()
    }
}

/// Where the proxy of a node is, by the node's address.
#[derive(Clone)]
pub(crate) struct Addresses(pub(crate) HashMap<IpAddr, SocketAddr>);

#[async_trait]
impl AddressTranslator for Addresses {
    async fn translate_address(&self, peer: &UntranslatedPeer) -> Result<SocketAddr, TranslationError> {
        let node = peer.untranslated_address();
        self.0.get(&node.ip()).copied().ok_or(TranslationError::NoRuleForAddress(node))
    }
}

/// A proxy before each of some nodes.
pub(crate) struct Proxies {
    shared: Arc<Mutex<Shared>>,
    addresses: Addresses,
    _tasks: JoinSet<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxies {
    /// Opens one before each node.
    pub(crate) async fn before(nodes: &[SocketAddr]) -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (mut addresses, mut tasks) = (HashMap::new(), JoinSet::new());
        for node in nodes {
            // Here, wherever the node is.
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
            addresses.insert(node.ip(), listener.local_addr().expect("bound"));
            tasks.spawn(accept(listener, *node, Arc::clone(&shared)));
        }
        Self { shared, addresses: Addresses(addresses), _tasks: tasks }
    }

    /// From a node's address to its proxy's. The cluster tells no ports, so the driver takes that of the node it knows.
    pub(crate) fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// The next batches meet these faults, one each.
    pub(crate) fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.shared).script.extend(faults);
    }

    /// The next requests of any kind with `mark` in them meet these faults, one each; `None` passes.
    pub(crate) fn script_marked(&self, mark: &'static str, faults: impl IntoIterator<Item = Option<Fault>>) {
        let mut shared = lock(&self.shared);
        shared.mark = mark;
        shared.marked.extend(faults);
    }

    /// Which nodes batches were sent to since this was asked last, in order.
    pub(crate) fn batches(&self) -> Vec<IpAddr> {
        std::mem::take(&mut lock(&self.shared).batches)
    }

    /// Are all faults used up?
    pub(crate) fn is_done(&self) -> bool {
        let shared = lock(&self.shared);
        shared.script.is_empty() && shared.marked.is_empty()
    }

    /// Lets the batches arrive that were held, and waits for the answers, which nobody sees; says how many there were.
    pub(crate) async fn deliver(&self) -> usize {
        let held = std::mem::take(&mut lock(&self.shared).held);
        let count = held.len();
        for (frame, node, answers) in held {
            let (answered, answer) = tokio::sync::oneshot::channel();
            lock(&answers).insert(LATE_STREAM, After::Swallow(answered));
            frame.with_stream(LATE_STREAM).write(&node).await.expect("the connection is there");
            answer.await.expect("the node answers");
        }
        count
    }
}

async fn accept(listener: TcpListener, node: SocketAddr, shared: Arc<Mutex<Shared>>) {
    let mut connections = JoinSet::new();
    while let Ok((driver, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            if let Ok(node) = TcpStream::connect(node).await {
                connection(driver, node, shared).await;
            }
        });
    }
}

/// One connection, until either side or a fault ends it.
async fn connection(driver: TcpStream, node: TcpStream, shared: Arc<Mutex<Shared>>) {
    let (from_driver, to_driver) = driver.into_split();
    let Ok(address) = node.peer_addr() else { return };
    let (from_node, to_node) = node.into_split();
    let to_driver = Arc::new(tokio::sync::Mutex::new(to_driver));
    let to_node = Arc::new(tokio::sync::Mutex::new(to_node));
    let answers = Answers::default();
    tokio::select! {
        _ = requests(from_driver, (address.ip(), &to_node), &to_driver, &answers, &shared) => {}
        _ = responses(from_node, &to_driver, &answers) => {}
    }
}

async fn requests(
    mut driver: OwnedReadHalf,
    (address, node): (IpAddr, &Writer),
    back: &Writer,
    answers: &Answers,
    shared: &Mutex<Shared>,
) -> io::Result<()> {
    loop {
        let frame = Frame::read(&mut driver).await?;
        let fault = lock(shared).fault(&frame, address);
        let Some(fault) = fault else {
            frame.write(node).await?;
            continue;
        };
        match fault {
            Fault::DroppedThenTimeout => frame.refused(Error::Timeout).write(back).await?,
            Fault::RefusedAtSerial => frame.refused(Error::NoneToBegin).write(back).await?,
            Fault::DroppedThenUnavailable => frame.refused(Error::NoneToEnd).write(back).await?,
            Fault::DroppedThenUnknown => frame.refused(Error::Unknown).write(back).await?,
            Fault::AppliedThenTimeout => applied(frame, After::Error(Error::Timeout), answers, node).await?,
            Fault::AppliedThenUnavailable => applied(frame, After::Error(Error::NoneToEnd), answers, node).await?,
            Fault::AppliedThenUnknown => applied(frame, After::Error(Error::Unknown), answers, node).await?,
            Fault::CutAfter => applied(frame, After::Cut, answers, node).await?,
            Fault::CutBefore => return Ok(()),
            Fault::Passed => frame.write(node).await?,
            Fault::DroppedThenApplied => frame.judged(true).write(back).await?,
            Fault::DroppedThenConflict => frame.judged(false).write(back).await?,
            Fault::LateThenTimeout => {
                let answer = frame.refused(Error::Timeout);
                lock(shared).held.push((frame, Arc::clone(node), Arc::clone(answers)));
                answer.write(back).await?;
            }
        }
    }
}

/// Lets a frame through, and notes what becomes of its answer.
async fn applied(frame: Frame, after: After, answers: &Answers, node: &Writer) -> io::Result<()> {
    lock(answers).insert(frame.stream(), after);
    frame.write(node).await
}

async fn responses(mut node: OwnedReadHalf, driver: &Writer, answers: &Answers) -> io::Result<()> {
    loop {
        let frame = Frame::read(&mut node).await?;
        let after = lock(answers).remove(&frame.stream());
        match after {
            None => frame.write(driver).await?,
            Some(After::Error(error)) => frame.refused(error).write(driver).await?,
            Some(After::Cut) => return Ok(()),
            Some(After::Swallow(answered)) => drop(answered.send(())),
        }
    }
}
