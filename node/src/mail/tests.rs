//! What is made of a relay that does not take a message, by what it says and when.

use actors::domain::letter::Content;
use api::page::{Branding, Pages};
use lettre::Address;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::*;

const TO: &str = "ada@mail.example";

/// A step of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Greeting,
    Ehlo,
    Auth,
    Mail,
    Rcpt,
    Data,
    Text,
    Quit,
}

/// What a relay does at one of them.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Answers this, with the address of the recipient.
    Says(&'static str),
    /// Says half a line, and ends the connection.
    Breaks,
    /// Resets the connection.
    Resets,
    /// Nothing more.
    IsSilent,
}

/// What a relay says where nothing is wrong.
const fn usual(step: Step) -> &'static str {
    match step {
        Step::Greeting => "220 relay",
        Step::Ehlo => "250-relay\r\n250 AUTH PLAIN",
        Step::Auth => "235 welcome",
        Step::Mail | Step::Rcpt | Step::Text => "250 good",
        Step::Data => "354 go on",
        Step::Quit => "221 bye",
    }
}

/// One conversation, to its end; gives what was said of the message.
async fn converse(stream: TcpStream, (wrong, does): (Step, Does)) -> Vec<String> {
    let mut stream = BufReader::new(stream);
    let (mut step, mut heard) = (Step::Greeting, Vec::new());
    loop {
        let says = match does {
            _ if step != wrong => usual(step).to_owned(),
            Does::Says(answer) => format!("{answer} <{TO}>"),
            Does::Breaks => {
                // Who has gone already hears nothing of it.
                let _ = stream.write_all(b"250-ha").await;
                return heard;
            }
            Does::Resets => {
                stream.get_ref().set_zero_linger().expect("a socket");
                return heard;
            }
            Does::IsSilent => {
                while stream.read_line(&mut String::new()).await.is_ok_and(|read| read > 0) {}
                return heard;
            }
        };
        if stream.write_all(format!("{says}\r\n").as_bytes()).await.is_err() {
            return heard;
        }
        let in_text = step == Step::Data && says.starts_with('3');
        let mut line = String::new();
        loop {
            line.clear();
            if !stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                return heard;
            }
            heard.push(line.clone());
            if !in_text || line == ".\r\n" {
                break;
            }
        }
        step = match line.split([' ', '\r']).next().unwrap_or_default() {
            "EHLO" => Step::Ehlo,
            "AUTH" => Step::Auth,
            "MAIL" => Step::Mail,
            "RCPT" => Step::Rcpt,
            "DATA" => Step::Data,
            "." => Step::Text,
            "QUIT" => Step::Quit,
            other => panic!("{other}"),
        };
    }
}

/// What speaks to the relay at this URL, and has a password for it.
fn smtp(url: &str) -> Smtp {
    let (user, password) = ("me".to_owned(), "hunter2".to_owned());
    let relay = Relay { username: Some(user), password: Some(password.into()), ..Relay::default() };
    let pages = Arc::new(Pages::new(Branding::default()));
    let writer = Writer { pages, origin: "https://id.example".to_owned() };
    let from = Mailbox::new(None, Address::new("doorward", "mail.example").expect("an address"));
    Smtp::new("smtp", (&relay, &url.parse().expect("a URL")), &from, &writer).expect("complete")
}

/// Gives a letter to a relay at this host that does this; also what the relay heard.
async fn carry_to(host: &str, to: &str, wrong: (Step, Does)) -> (Result<(), NotCarried>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let smtp = smtp(&format!("smtp://{host}:{port}"));
    let letter = Letter {
        channel: Channel::Email,
        to: to.to_owned(),
        user_name: "ada".to_owned(),
        lang: None,
        content: Content::Registered,
    };
    let relay = async { converse(listener.accept().await.expect("a connection").0, wrong).await };
    tokio::join!(smtp.carry(&letter), relay)
}

async fn carry(wrong: (Step, Does), to: &str) -> (Result<(), NotCarried>, Vec<String>) {
    carry_to("127.0.0.1", to, wrong).await
}

/// In one word; what is told of it does not repeat the address.
fn kind(carried: Result<(), NotCarried>) -> &'static str {
    let (kind, said) = match carried {
        Ok(()) => return "taken",
        Err(NotCarried::Down(said)) => ("down", said),
        Err(NotCarried::Later(said)) => ("later", said),
        Err(NotCarried::Never(said)) => ("never", said),
    };
    assert!(!said.contains("ada"), "{said}");
    kind
}

#[tokio::test]
async fn what_is_refused_before_the_recipient_is_named_is_refused_to_every_message() {
    for step in [Step::Greeting, Step::Ehlo, Step::Auth, Step::Mail] {
        for code in
            ["421 later", "450 busy", "454 4.7.0 not now", "530 5.7.0 no", "535 5.7.8 no", "550 5.7.1 no", "554 no"]
        {
            let (carried, heard) = carry((step, Does::Says(code)), TO).await;
            assert_eq!(kind(carried), "down", "{code} at {step:?}");
            assert!(!heard.iter().any(|line| line.contains("ada")), "{heard:?}");
        }
    }
}

#[tokio::test]
async fn what_is_refused_from_the_recipient_on_is_about_the_message_unless_its_code_says_otherwise() {
    for step in [Step::Rcpt, Step::Data, Step::Text] {
        for (code, expected) in [
            ("421 closing", "down"),
            ("450 mailbox busy", "later"),
            ("452 full", "later"),
            ("530 authentication required", "down"),
            ("535 credentials expired", "down"),
            ("550 no such user", "never"),
            ("552 too large", "never"),
            ("554 refused", "never"),
        ] {
            let (carried, _) = carry((step, Does::Says(code)), TO).await;
            assert_eq!(kind(carried), expected, "{code} at {step:?}");
        }
    }
}

#[tokio::test]
async fn a_relay_that_goes_away_is_down_whenever_it_does() {
    for step in [Step::Greeting, Step::Ehlo, Step::Auth, Step::Mail, Step::Rcpt, Step::Data, Step::Text] {
        for does in [Does::Breaks, Does::Resets, Does::Says("what")] {
            let (carried, _) = carry((step, does), TO).await;
            assert_eq!(kind(carried), "down", "{does:?} at {step:?}");
        }
    }
}

#[tokio::test]
async fn what_the_relay_has_taken_is_sent_whatever_it_does_then() {
    for does in [Does::Says("221 bye"), Does::Says("421 no"), Does::Breaks, Does::Resets, Does::IsSilent] {
        let (carried, heard) = carry((Step::Quit, does), TO).await;
        assert_eq!(kind(carried), "taken", "{does:?}");
        assert!(heard.iter().any(|line| line == "RCPT TO:<ada@mail.example>\r\n"), "{heard:?}");
    }
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_relay_that_takes_such() {
    let nothing = (Step::Quit, Does::Says("221 bye"));
    assert_eq!(kind(carry(nothing, "ädä@mail.example").await.0), "never");
    let utf8 = (Step::Ehlo, Does::Says("250-relay\r\n250-AUTH PLAIN\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 HELP"));
    let (carried, heard) = carry(utf8, "ädä@mail.example").await;
    assert_eq!(kind(carried), "taken");
    assert!(heard.iter().any(|line| line.starts_with("MAIL FROM:<doorward@mail.example> SMTPUTF8")), "{heard:?}");
}

#[tokio::test]
async fn nobody_logs_in_where_the_relay_offers_no_way_to() {
    let (carried, heard) = carry((Step::Ehlo, Does::Says("250-relay\r\n250 HELP")), TO).await;
    assert_eq!(carried, Err(NotCarried::Down("the relay offers no way to log in".to_owned())));
    assert!(heard.iter().all(|line| line.starts_with("EHLO") || line.starts_with("QUIT")), "{heard:?}");
}

/// A relay on another machine that offers no STARTTLS, or whose offer was taken out on the way.
#[tokio::test]
async fn nothing_is_said_in_the_clear_where_tls_is_not_offered() {
    // It leads here, and is not known for an address of this machine.
    let (carried, heard) = carry_to("0.0.0.0", TO, (Step::Quit, Does::Says("221 bye"))).await;
    assert_eq!(carried, Err(NotCarried::Down("the relay does not offer STARTTLS".to_owned())));
    assert!(heard.iter().all(|line| line.starts_with("EHLO") || line.starts_with("QUIT")), "{heard:?}");
}
