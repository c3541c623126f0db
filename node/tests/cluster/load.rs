//! People who go on while nodes come and go. Each request goes to the next node, and once more to the one after it if nobody
//! answers or the answer is 503, as a load balancer or a browser's user does.
//!
//! Some keep on using what they have; others lead whole lives (`lives.rs`).

use std::{
    net::SocketAddr,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    application::{Application, Tokens},
    http::{Answer, Gone, Request},
    lives,
    nodes::{Nodes, now},
    person::Person,
};

/// Accounts of which each node of a few owns some.
pub(crate) const STRANGERS: usize = 60;

/// Somebody who is signed in to an application.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) name: String,
    pub(crate) person: Person,
    pub(crate) tokens: Tokens,
    pub(crate) application: Application,
}

impl Visitor {
    /// So many of them, each with a name that begins with `name`.
    pub(crate) fn some(nodes: &Nodes, application: &Application, name: &str, count: usize) -> Vec<Self> {
        let sites = nodes.sites();
        (0..count)
            .map(|number| Self::new(sites[number % sites.len()], application, &format!("{name}-{number}")))
            .collect()
    }

    /// One whose account this node owns.
    pub(crate) fn of(nodes: &Nodes, application: &Application, node: usize) -> Self {
        let mut some = (0..STRANGERS).map(|number| {
            let sites = nodes.sites();
            Self::new(sites[number % sites.len()], application, &format!("{}-{number}", nodes.name(node)))
        });
        some.find(|visitor| nodes.owner(&visitor.name) == nodes.name(node)).expect("it owns some of so many")
    }

    fn new(site: SocketAddr, application: &Application, name: &str) -> Self {
        let mut person = Person::register(site, name).expect("served");
        let code = application.code(&mut person.browser).expect("served");
        let tokens = Tokens::of(&application.redemption(&code).send(site).expect("served")).expect("tokens");
        Self { name: name.to_owned(), person, tokens, application: application.clone() }
    }

    /// Reads what the owner of the account answers, and writes what it commits, in turn.
    fn keep_on(&self, walk: &mut Walk) {
        let requests = [self.tokens.userinfo(), self.application.authorized(&self.person.browser)];
        for request in requests.iter().cycle() {
            walk.ask(request, is_good);
            if walk.over {
                return;
            }
        }
    }
}

/// What people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// They ask who they are, and get codes that nobody redeems.
    KeepOn,
    /// They sign in, redeem codes and refresh, again and again.
    Live,
}

impl Habit {
    /// Between two requests of one person. Passwords are hashed and tokens signed in whole lives, so there is less of them.
    const fn pause(self) -> Duration {
        match self {
            Self::KeepOn => Duration::from_millis(40),
            Self::Live => Duration::from_millis(120),
        }
    }
}

/// One request, with its second try if it had one.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// Was it answered well in the end, or told that its first try had been carried out?
    pub(crate) good: bool,
    /// What came of the first try.
    pub(crate) first: Try,
    /// What came of the second, where there was one.
    pub(crate) second: Option<Try>,
}

impl Sample {
    /// Was the first try answered well?
    fn was_good_at_once(&self) -> bool {
        self.first.came == Came::Well
    }
}

/// A request as it was sent once.
#[derive(Clone, Debug)]
pub(crate) struct Try {
    /// To whom.
    pub(crate) site: SocketAddr,
    pub(crate) ended: Instant,
    pub(crate) came: Came,
}

impl Try {
    fn of(site: SocketAddr, answer: &Result<Answer, Gone>, good: impl Fn(&Answer) -> bool) -> Self {
        let came = match answer {
            Ok(answer) if good(answer) => Came::Well,
            Ok(answer) => Came::Otherwise(answer.to_string()),
            Err(gone) => Came::Lost(format!("{gone:?}")),
        };
        Self { site, ended: now(), came }
    }
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// The answer that was hoped for.
    Well,
    /// Another answer; its status and words.
    Otherwise(String),
    /// No answer, and why.
    Lost(String),
}

/// What became of one person's requests.
pub(crate) struct Story {
    pub(crate) name: String,
    pub(crate) samples: Vec<Sample>,
    /// Second tries.
    again: usize,
    /// One-time things whose answer was lost, so that the second try was refused, as it must be: the person signs in anew.
    anew: usize,
}

/// Nobody's request failed, the second try included.
#[track_caller]
pub(crate) fn nothing_failed(stories: &[Story]) {
    for story in stories {
        let failed: Vec<_> = story.samples.iter().filter(|sample| !sample.good).collect();
        let (failures, all) = (failed.len(), story.samples.len());
        assert!(failed.is_empty(), "{}: {failures} of {all} requests failed: {failed:?}", story.name);
    }
    let sum = |of: fn(&Story) -> usize| stories.iter().map(of).sum::<usize>();
    let (requests, again, anew) = (sum(|story| story.samples.len()), sum(|story| story.again), sum(|story| story.anew));
    println!("{requests} requests, none failed; {again} second tries, {anew} times somebody had to sign in anew");
}

/// Nobody's request failed, and nobody was told at a second try that the first one had been carried out and its answer lost:
/// who stops in order answers what it took. A request that was not taken may have been sent again.
#[track_caller]
pub(crate) fn nothing_was_lost(stories: &[Story]) {
    nothing_failed(stories);
    if let Some(story) = stories.iter().find(|story| story.anew > 0) {
        let again: Vec<_> = story.samples.iter().filter(|sample| !sample.was_good_at_once()).collect();
        panic!("{}: {} answers were lost, among {again:?}", story.name, story.anew);
    }
}

/// Nobody's request failed, and none had to be sent a second time.
#[track_caller]
pub(crate) fn nothing_was_tried_again(stories: &[Story]) {
    nothing_failed(stories);
    for story in stories {
        let again: Vec<_> = story.samples.iter().filter(|sample| !sample.was_good_at_once()).collect();
        assert!(again.is_empty(), "{}: {again:?}", story.name);
    }
}

/// People who go on until they are told to stop.
pub(crate) struct Load {
    stop: Vec<mpsc::Sender<()>>,
    people: Vec<thread::JoinHandle<Story>>,
}

impl Load {
    /// Lets all of them go on, at these nodes.
    pub(crate) fn start(habit: Habit, visitors: &[Visitor], sites: &[SocketAddr]) -> Self {
        let begin = |(first, visitor): (usize, &Visitor)| {
            let (stop, stopped) = mpsc::channel();
            let (visitor, mut walk) = (visitor.clone(), Walk::new(habit.pause(), sites.to_vec(), first, stopped));
            let go_on = move || {
                match habit {
                    Habit::KeepOn => visitor.keep_on(&mut walk),
                    Habit::Live => lives::live(&visitor, &mut walk),
                }
                Story { name: visitor.name, samples: walk.samples, again: walk.again, anew: walk.anew }
            };
            (stop, thread::spawn(go_on))
        };
        let (stop, people) = visitors.iter().enumerate().map(begin).unzip();
        Self { stop, people }
    }

    /// Stops them, and tells what they met.
    pub(crate) fn end(self) -> Vec<Story> {
        drop(self.stop);
        self.people.into_iter().map(|person| person.join().expect("no panic")).collect()
    }
}

/// One person's requests, one after the other.
pub(crate) struct Walk {
    pause: Duration,
    sites: Vec<SocketAddr>,
    turn: usize,
    stopped: mpsc::Receiver<()>,
    /// It is to stop.
    pub(crate) over: bool,
    samples: Vec<Sample>,
    again: usize,
    anew: usize,
}

impl Walk {
    fn new(pause: Duration, sites: Vec<SocketAddr>, first: usize, stopped: mpsc::Receiver<()>) -> Self {
        Self { pause, sites, turn: first, stopped, over: false, samples: Vec::new(), again: 0, anew: 0 }
    }

    /// A request that may be repeated, and must be answered well then. Gives the good answer.
    pub(crate) fn ask(&mut self, request: &Request, good: impl Fn(&Answer) -> bool) -> Option<Answer> {
        self.go(request, good, false)
    }

    /// A request that uses something up. If a second try is refused, the first one had used it: that is no failure, but there
    /// is no good answer.
    pub(crate) fn ask_once(&mut self, request: &Request, good: impl Fn(&Answer) -> bool) -> Option<Answer> {
        self.go(request, good, true)
    }

    fn go(&mut self, request: &Request, good: impl Fn(&Answer) -> bool, uses_up: bool) -> Option<Answer> {
        let began = now();
        let (site, next) = (self.site(self.turn), self.site(self.turn + 1));
        let mut answer = request.send(site);
        let first = Try::of(site, &answer, &good);
        let second = to_be_tried_again(&answer).then(|| {
            answer = request.send(next);
            Try::of(next, &answer, &good)
        });
        let ended = second.as_ref().unwrap_or(&first).ended;
        let answer = answer.ok();
        let is_good = answer.as_ref().is_some_and(&good);
        let again = second.is_some();
        let used = uses_up && again && answer.as_ref().is_some_and(|answer| answer.status < 500);
        self.samples.push(Sample { began, ended, good: is_good || used, first, second });
        self.again += usize::from(again);
        self.anew += usize::from(used && !is_good);
        self.turn += 1;
        self.over = !matches!(self.stopped.recv_timeout(self.pause), Err(RecvTimeoutError::Timeout));
        answer.filter(|_| is_good)
    }

    fn site(&self, turn: usize) -> SocketAddr {
        self.sites[turn % self.sites.len()]
    }
}

fn to_be_tried_again(answer: &Result<Answer, Gone>) -> bool {
    answer.as_ref().map_or(true, |answer| answer.status == 503)
}

/// The claims of the person, or a code for the application.
pub(crate) fn is_good(answer: &Answer) -> bool {
    answer.status == 200 || code_of(answer).is_some()
}

/// The code that a redirect brings to the application.
pub(crate) fn code_of(answer: &Answer) -> Option<String> {
    let to = url::Url::parse(answer.location()?).ok()?;
    to.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned())
}
