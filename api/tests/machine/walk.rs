//! A long walk: somebody who knows the password, every hidden value that the pages of its owner ever had, and every mailed link that is
//! good no more or elsewhere, sends anything to any door, while the [`owner`](crate::owner) comes and goes, also between the steps of
//! what the owner does. Everything is drawn from a seed.

use std::collections::BTreeMap;

use actors::entropy::{Entropy, SeededEntropy};

use crate::{
    doors::{Belongs, DOORS, Device, Door, Link, Typed},
    owner::Deed,
    scene::{Scene, hidden, server},
    state::{Carried, Hidden, State},
    support::Browser,
};

/// Tries between two things that the owner does.
const TRIES: usize = 9;
/// Links for a forgotten password that are asked for; more of them would leave none to the owner.
const FORGOTTEN: usize = 3;

/// Draws.
pub(crate) struct Dice(SeededEntropy);

impl Dice {
    pub(crate) fn below(&self, n: usize) -> usize {
        let entropy: &dyn Entropy = &self.0;
        let bytes: [u8; 4] = entropy.array();
        usize::try_from(u32::from_be_bytes(bytes)).expect("64 bits") % n
    }

    fn of<'t, T>(&self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

/// Everything that pages ever said, and links that are good for nothing in this browser.
#[derive(Default)]
pub(crate) struct Heard {
    csrf: Vec<String>,
    labels: Vec<String>,
    ceremonies: Vec<String>,
    assertions: Vec<String>,
    pub(crate) tokens: Vec<String>,
}

impl Heard {
    pub(crate) fn of(&mut self, hidden: &Hidden) {
        self.csrf.extend([&hidden.browser, &hidden.login, &hidden.session].map(String::clone));
        self.labels.push(hidden.l.clone());
        self.ceremonies.push(hidden.ceremony.clone());
    }
}

/// Somebody who knows the password, the owner, and what was seen of both.
pub(crate) struct Walk<'a> {
    pub(crate) dice: Dice,
    pub(crate) scene: Scene<'a>,
    pub(crate) home: Browser<'a>,
    pub(crate) heard: Heard,
    /// How often the owner went through a door.
    pub(crate) taken: BTreeMap<&'static str, usize>,
    /// What the other one has moved: logins, messages to the owner, recoveries that wait.
    moved: usize,
    forgotten: usize,
    seed: u64,
    tried: usize,
}

impl<'a> Walk<'a> {
    /// Anything that was heard, with something made up now and then.
    fn anything(&self, door: &Door) -> Carried {
        let (dice, scene, heard) = (&self.dice, &self.scene, &self.heard);
        let right = scene.rightly(door);
        let or_nothing = |text: &String| match dice.below(12) {
            0 => None,
            1 => Some(String::new()),
            _ => Some(text.clone()),
        };
        let foreign = scene.foreign_device(door.device).to_owned();
        let factors = [right.factor.clone(), foreign, scene.other_device(door.device)];
        let own = dice.below(2) == 0;
        Carried {
            csrf: if own { right.csrf } else { or_nothing(dice.of(&heard.csrf)) },
            l: match door.belongs {
                Belongs::Login if own => right.l,
                Belongs::Login => or_nothing(dice.of(&heard.labels)),
                Belongs::Browser | Belongs::Session => None,
            },
            factor: if door.device == Device::None { String::new() } else { dice.of(&factors).clone() },
            ceremony: dice.of(&heard.ceremonies).clone(),
            session: dice.of(&[scene.other_session.clone(), scene.ended_session.clone()]).clone(),
            trusted: dice.of(&[scene.trusted.clone(), scene.mallory.totp.clone()]).clone(),
            token: if dice.below(12) == 0 { "x".to_owned() } else { dice.of(&heard.tokens).clone() },
            sent: dice.of(&[scene.foreign_sent.clone(), "12345".to_owned()]).clone(),
            cookies: Vec::new(),
            same_origin: dice.below(20) > 0,
        }
    }

    /// What somebody types who knows the password and no second proof. Few codes are guessed: a hundred would close the way.
    fn typed(&self, carried: &Carried, field: Typed) -> (&'static str, String) {
        let (dice, scene) = (&self.dice, &self.scene);
        let guessed = dice.below(12) == 0;
        match field {
            Typed::Totp | Typed::PendingTotp | Typed::PendingEmail | Typed::PendingPhone | Typed::OwnAddress => {
                ("code", if guessed { scene.app.code(&scene.mallory.seed) } else { "12345".to_owned() })
            }
            Typed::Sent => ("code", if guessed { carried.sent.clone() } else { "12345".to_owned() }),
            Typed::Backup => ("code", if guessed { scene.mallory.backup[0].clone() } else { "none".to_owned() }),
            Typed::Assertion => ("answer", dice.of(&self.heard.assertions).clone()),
            Typed::PendingKey => ("answer", scene.theirs.making.clone()),
            Typed::NewName => ("user_name", "amelia".to_owned()),
            other => scene.typed(other, carried),
        }
    }

    /// Tries a door, and sees what came of it.
    async fn try_a_door(&mut self) {
        let door = self.dice.of(&DOORS);
        if door.path == "/forgot" {
            self.forgotten += 1;
            if self.forgotten > FORGOTTEN {
                return;
            }
        }
        self.tried += 1;
        let carried = self.anything(door);
        let fields = door.typed.iter().map(|field| self.typed(&carried, *field)).collect();
        let (before, signed_in) = (self.scene.look().await, self.home.is_signed_in().await);
        let answer = self.scene.send(door, &carried, fields).await;
        let changes = before.changes(&self.scene.look().await);
        let told = format!("seed {}, try {}: POST {} {carried:?}: {}", self.seed, self.tried, door.path, answer.status);
        for (whose, changes) in &changes {
            self.moved += changes.len();
            let moves = |change: &String| may_move(door.path, whose, change);
            assert!(changes.iter().all(moves), "{told}: {whose} {changes:?}");
        }
        assert_eq!(self.scene.who().await, None, "{told}");
        assert_eq!(self.home.is_signed_in().await, signed_in, "{told}");
    }

    /// So many doors are tried, by whom the password gets as far as it goes.
    pub(crate) async fn others_try(&mut self, times: usize) {
        for _ in 0..times {
            let scene = &mut self.scene;
            if !scene.browser.jar.keys().any(|name| name.contains("login")) || self.dice.below(10) == 0 {
                let page = scene.amelia.type_password(&mut scene.browser).await;
                scene.own = hidden(&mut scene.browser, &page, &mut scene.amelia).await;
                self.heard.of(&scene.own);
            }
            self.try_a_door().await;
        }
    }

    async fn new(app: &'a crate::support::TestApp, seed: u64) -> Self {
        let scene = Scene::new(app, State::Awaiting).await;
        let mut heard = Heard::default();
        for hidden in [&scene.own, &scene.older, &scene.foreign] {
            heard.of(hidden);
        }
        // Answers of keys are heard only after they were used, or by the browser of another.
        heard.assertions = vec![scene.foreign.assertion.clone(), "{}".to_owned()];
        heard.tokens.extend(scene.links.kept());
        let (dice, home) = (Dice(SeededEntropy::new(seed)), app.browser());
        Self { dice, scene, home, heard, taken: BTreeMap::new(), moved: 0, forgotten: 0, seed, tried: 0 }
    }
}

/// What somebody may move by a right password alone: logins begin, codes are sent for them, and a recovery begins to wait, of which the
/// owner is told. And whoever comes has mail sent to owners of addresses.
fn may_move(path: &str, whose: &str, change: &str) -> bool {
    match (whose, path) {
        ("amelia", "/forgot") => change.ends_with("reset"),
        ("amelia", "/login/recovery") => change == "+recovery",
        ("amelia", "/login/recovery/send") => matches!(change, "~login" | "~recovery"),
        ("amelia", _) => change.ends_with("login"),
        ("others", "/register/email") => change == "+registration",
        _ => false,
    }
}

async fn walk(seed: u64) {
    let app = server().await;
    let mut walk = Walk::new(&app, seed).await;
    let mut deeds = [Deed::ALL, Deed::ALL].concat();
    while !deeds.is_empty() {
        walk.others_try(TRIES).await;
        let deed = deeds.swap_remove(walk.dice.below(deeds.len()));
        walk.does(deed).await;
    }
    walk.others_try(TRIES).await;
    assert!(walk.moved > 0, "the walk stood still");
    // The owner is where the owner was, and gets in.
    walk.does(Deed::SignIn).await;
    assert!(walk.home.is_signed_in().await);
    // What was tried beside stands for something only if those doors do open.
    let links = Link::ALL.iter().map(|link| link.path());
    let beside = ["/register/email", "/forgot", "/login/recovery", "/login/recovery/send", "/login/recovery/complete"];
    for path in links.chain(beside).chain(["/account/recovery/cancel", "/login/totp"]) {
        assert!(walk.taken.get(path).is_some_and(|times| *times > 1), "seed {seed}: the owner never took {path}");
    }
}

#[tokio::test]
async fn who_knows_the_password_and_all_hidden_values_gets_nowhere() {
    for seed in 1..=3 {
        walk(seed).await;
    }
}
