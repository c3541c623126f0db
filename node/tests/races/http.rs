//! HTTP/1.1 as plain as it gets: one request per connection, written in one piece when the barrier opens.

use std::{
    fmt,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use crate::support::PATIENCE;

/// The issuer of a server that is started bare; its listeners are elsewhere.
pub(crate) const ORIGIN: &str = "http://localhost:11080";
const HOST: &str = "localhost:11080";

/// A person sends a request again this often before losing patience.
const AGAIN: usize = 10;

/// The server is not there any more, or the answer broke off: nobody knows what became of the request. With the reason, for
/// whoever reads why a test failed.
#[derive(Debug)]
pub(crate) struct Gone(#[expect(dead_code, reason = "is read in messages")] String);

impl Gone {
    fn at(part: &str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self(format!("{part}: {error}"))
    }
}

/// A request, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Request(String);

impl Request {
    /// A GET, or a POST where there is a form.
    pub(crate) fn new(path: &str, headers: &[(&str, &str)], form: Option<&str>) -> Self {
        let method = if form.is_some() { "POST" } else { "GET" };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n");
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        let length = form.map(|form| format!("{kind}Content-Length: {}\r\n", form.len()));
        let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).chain(length);
        let text = head + &lines.collect::<String>();
        Self(text + "\r\n" + form.unwrap_or_default())
    }

    /// Sends it and reads the answer to its end.
    pub(crate) fn send(&self, site: SocketAddr) -> Result<Answer, Gone> {
        self.begin(site)?.end()
    }

    /// Sends it as a person does: who is told that the server could not serve it just now waits as long as it says, and
    /// sends the same again. A cluster on a busy machine says so; that what was done is not done twice then is its promise.
    pub(crate) fn served(&self, site: SocketAddr) -> Result<Answer, Gone> {
        let mut answer = self.send(site)?;
        for _ in 0..AGAIN {
            let Some(wait) = answer.busy() else { break };
            thread::sleep(wait);
            answer = self.send(site)?;
        }
        Ok(answer)
    }

    /// Sends it; the answer may be read later.
    pub(crate) fn begin(&self, site: SocketAddr) -> Result<Begun, Gone> {
        connect(site)?.begin(self)
    }
}

/// A connection, and what was sent over it.
#[derive(Debug)]
pub(crate) struct Begun(TcpStream);

impl Begun {
    fn begin(mut self, request: &Request) -> Result<Self, Gone> {
        self.0.write_all(request.0.as_bytes()).map_err(Gone::at("write"))?;
        Ok(self)
    }

    /// Reads the answer to its end.
    pub(crate) fn end(mut self) -> Result<Answer, Gone> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).map_err(Gone::at("read"))?;
        Answer::parse(&bytes).ok_or_else(|| Gone(format!("broke off after {} bytes", bytes.len())))
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8(bytes.to_vec()).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let answer = Self { status, headers, body: body.to_owned() };
        let length: usize = answer.header("content-length").map_or(Some(0), |length| length.parse().ok())?;
        (answer.body.len() >= length).then_some(answer)
    }

    /// The first header of a name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All headers of a name.
    pub(crate) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Does it give a cookie whose line begins like this?
    pub(crate) fn gives(&self, cookie: &str) -> bool {
        let gone = |line: &str| line.to_ascii_lowercase().contains("max-age=0");
        self.headers("set-cookie").any(|line| line.starts_with(cookie) && !gone(line))
    }

    /// Was it not even looked at, because too much was tried before?
    pub(crate) fn throttled(&self) -> bool {
        self.status == 429
    }

    /// How long to wait before it is sent again, if the server could not serve it just now.
    fn busy(&self) -> Option<Duration> {
        let wait = self.header("retry-after").filter(|_| self.status == 503)?;
        wait.parse().ok().map(Duration::from_secs)
    }

    /// Where a redirect leads.
    pub(crate) fn location(&self) -> Option<&str> {
        self.header("location").filter(|_| (300..400).contains(&self.status))
    }
}

/// Status and words, for whoever reads why a test failed.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let main = self.body.split("<main").nth(1).unwrap_or(&self.body).split("</main>").next().unwrap_or_default();
        let words =
            main.split('<').filter_map(|part| Some(part.split_once('>')?.1.trim())).filter(|part| !part.is_empty());
        let words: Vec<_> = words.collect();
        let words = if words.is_empty() { main.to_owned() } else { words.join(" ") };
        writeln!(f, "{} {} {words}", self.status, self.location().unwrap_or_default())
    }
}

/// Sends all requests at the same time, each over a connection that is open already, and gives the answers in order. One
/// that could not be served just now is sent again, as its sender would.
pub(crate) fn race(site: SocketAddr, requests: impl IntoIterator<Item = Request>) -> Vec<Answer> {
    let requests: Vec<_> = requests.into_iter().collect();
    let barrier = Arc::new(Barrier::new(requests.len()));
    let runners = requests.into_iter().map(|request| {
        let barrier = Arc::clone(&barrier);
        thread::spawn(move || {
            let connected = connect(site);
            barrier.wait();
            let answer = connected?.begin(&request)?.end()?;
            let Some(wait) = answer.busy() else { return Ok(answer) };
            thread::sleep(wait);
            request.served(site)
        })
    });
    let runners: Vec<_> = runners.collect();
    runners.into_iter().map(|runner| runner.join().expect("no panic").expect("an answer")).collect()
}

fn connect(site: SocketAddr) -> Result<Begun, Gone> {
    let stream = TcpStream::connect(site).map_err(Gone::at("connect"))?;
    stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_nodelay(true)).map_err(Gone::at("set up"))?;
    Ok(Begun(stream))
}
