//! Where the servers of a run send text messages and mail: an HTTP gateway and an SMTP relay that take everything, and write each
//! message as one line into a file.
//!
//! A process of its own beside each node, and never hurt: servers send without TLS to their own machine only, and each may have a
//! network of its own.

use std::{
    fs::File,
    io::Write as _,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::{TcpListener, TcpStream},
};

/// No message is longer.
const MAX_BYTES: usize = 64 * 1024;

/// Where to listen, and where messages are written.
#[derive(Debug, Args)]
pub(crate) struct Gateway {
    /// The HTTP gateway, which takes `{"to": …, "text": …}`.
    #[arg(long)]
    http: SocketAddr,
    /// The SMTP relay.
    #[arg(long)]
    smtp: SocketAddr,
    /// One message a line.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// A message as it arrived.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) to: String,
    pub(super) text: String,
}

/// Takes messages until the process is ended.
pub(crate) async fn run(gateway: &Gateway) -> anyhow::Result<()> {
    let out = File::options().create(true).append(true).open(&gateway.out);
    let out = Arc::new(Mutex::new(out.with_context(|| gateway.out.display().to_string())?));
    let (http, smtp) = (TcpListener::bind(gateway.http).await?, TcpListener::bind(gateway.smtp).await?);
    loop {
        let (stream, mail) = tokio::select! {
            accepted = http.accept() => (accepted?.0, false),
            accepted = smtp.accept() => (accepted?.0, true),
        };
        let mut line = BufStream::new(stream);
        let out = Arc::clone(&out);
        tokio::spawn(async move {
            // A server that is killed hangs up in the middle; what it had not handed over is not there.
            let _ = if mail { take_mail(&mut line, &out).await } else { take_texts(&mut line, &out).await };
        });
    }
}

type Line = BufStream<TcpStream>;

/// Writes a message down, in one piece, before it is acknowledged.
fn keep(out: &Mutex<File>, message: &Message) -> anyhow::Result<()> {
    let line = serde_json::to_string(message)? + "\n";
    Ok(out.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())?)
}

async fn line_of(stream: &mut Line) -> anyhow::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 || line.len() > MAX_BYTES {
        bail!("the other side is gone");
    }
    Ok(line.trim_end().to_owned())
}

async fn say(stream: &mut Line, text: &str) -> anyhow::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    Ok(stream.flush().await?)
}

/// Requests of HTTP/1.1, one after the other.
async fn take_texts(stream: &mut Line, out: &Mutex<File>) -> anyhow::Result<()> {
    loop {
        let mut length = 0;
        loop {
            let line = line_of(stream).await?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse::<usize>()?.min(MAX_BYTES);
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        keep(out, &serde_json::from_slice(&body)?)?;
        say(stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    }
}

/// One session of SMTP (RFC 5321).
async fn take_mail(stream: &mut Line, out: &Mutex<File>) -> anyhow::Result<()> {
    say(stream, "220 gateway\r\n").await?;
    let mut to = String::new();
    loop {
        let line = line_of(stream).await?;
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                address.clone_into(&mut to);
                say(stream, "250 ok\r\n").await?;
            }
            "DATA" => {
                say(stream, "354 go on\r\n").await?;
                let mut text = String::new();
                loop {
                    let line = line_of(stream).await?;
                    if line == "." || text.len() > MAX_BYTES {
                        break;
                    }
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    text.push('\n');
                }
                keep(out, &Message { to: std::mem::take(&mut to), text: plain(&text) })?;
                say(stream, "250 ok\r\n").await?;
            }
            "QUIT" => return say(stream, "221 bye\r\n").await,
            _ => say(stream, "250 ok\r\n").await?,
        }
    }
}

/// A mail without what was done to its text for the way (RFC 2045, 6.7), as far as links and codes need it.
fn plain(mail: &str) -> String {
    if mail.to_ascii_lowercase().contains("content-transfer-encoding: quoted-printable") {
        mail.replace("=\n", "").replace("=3D", "=")
    } else {
        mail.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_a_mail_is_whole_again() {
        let mail = "Content-Transfer-Encoding: quoted-printable\n\nhttp://localhost/x?t=3Da=\nb\n";
        assert!(plain(mail).ends_with("\n\nhttp://localhost/x?t=ab\n"));
        assert_eq!(plain("a=3D"), "a=3D", "what was sent as it is stays so");
    }
}
