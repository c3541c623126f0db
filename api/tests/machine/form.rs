//! What a browser in a [`Scene`] sends to a door.

use axum::body::Body;
use http::header;
use schema::FactorId;

use crate::{
    doors::{Belongs, Device, Door, Typed},
    scene::Scene,
    state::Carried,
    support::{Answer, PASSWORD, encode},
};

/// The name of a cookie in the jar.
pub(crate) fn full(name: &str) -> String {
    format!("__Host-{name}")
}

impl Scene<'_> {
    /// Everything as it should be.
    pub(crate) fn rightly(&self, door: &Door) -> Carried {
        let (own, pending, amelia) = (&self.own, &self.pending, &self.amelia);
        let csrf = match door.belongs {
            Belongs::Browser => &own.browser,
            Belongs::Login => &own.login,
            Belongs::Session => &own.session,
        };
        Carried {
            csrf: Some(csrf.clone()),
            l: (door.belongs == Belongs::Login).then(|| own.l.clone()),
            factor: match door.device {
                Device::None => "",
                Device::Totp => &amelia.totp,
                Device::Email => &amelia.email,
                Device::Phone => &amelia.phone,
                Device::Passkey => &amelia.passkey,
                Device::PendingTotp => &pending.totp,
                Device::PendingEmail => &pending.email,
                Device::PendingPhone => &pending.phone,
                Device::PendingPasskey => &pending.passkey,
            }
            .to_owned(),
            ceremony: own.ceremony.clone(),
            session: self.other_session.clone(),
            trusted: self.trusted.clone(),
            token: door.link().map(|link| self.links.best(link)).unwrap_or_default(),
            sent: self.sent.clone(),
            cookies: Vec::new(),
            same_origin: true,
        }
    }

    /// A device of somebody else of the same kind.
    pub(crate) fn foreign_device(&self, device: Device) -> &str {
        let (theirs, mallory) = (&self.theirs, &self.mallory);
        match device {
            Device::None => "",
            Device::Totp => &mallory.totp,
            Device::Email => &mallory.email,
            Device::Phone => &mallory.phone,
            Device::Passkey => &mallory.passkey,
            Device::PendingTotp => &theirs.totp,
            Device::PendingEmail => &theirs.email,
            Device::PendingPhone => &theirs.phone,
            Device::PendingPasskey => &theirs.passkey,
        }
    }

    /// A device in another state, or one that there is not.
    pub(crate) fn other_device(&self, device: Device) -> String {
        match device {
            Device::PendingTotp => self.amelia.totp.clone(),
            Device::PendingEmail => self.amelia.email.clone(),
            Device::PendingPhone => self.amelia.phone.clone(),
            Device::PendingPasskey => self.amelia.passkey.clone(),
            _ => FactorId::from_bytes([9; 16]).to_string(),
        }
    }

    /// What is typed by who has everything.
    pub(crate) fn typed(&self, typed: Typed, carried: &Carried) -> (&'static str, String) {
        let (app, pending) = (self.app, &self.pending);
        let text = |text: &str| text.to_owned();
        match typed {
            Typed::Text(name, value) => (name, text(value)),
            Typed::UserName => ("username", text(self.amelia.name)),
            Typed::Password(name) => (name, text(PASSWORD)),
            Typed::NewName => ("user_name", text("newcomer")),
            Typed::Totp => ("code", app.code(&self.amelia.seed)),
            Typed::Backup => ("code", self.amelia.backup[0].clone()),
            Typed::Sent => ("code", carried.sent.clone()),
            Typed::Ceremony => ("ceremony", carried.ceremony.clone()),
            Typed::Assertion => ("answer", self.own.assertion.clone()),
            Typed::PendingTotp => ("code", app.code(&pending.seed)),
            Typed::PendingEmail => ("code", pending.email_code.clone()),
            Typed::PendingPhone => ("code", pending.phone_code.clone()),
            Typed::OwnAddress => ("code", pending.own_code.clone()),
            Typed::PendingKey => ("answer", pending.making.clone()),
            Typed::OtherSession => ("session", carried.session.clone()),
            Typed::TrustedDevice => ("device", carried.trusted.clone()),
            Typed::Token(_) => ("token", carried.token.clone()),
        }
    }

    /// Sends a form with all the right proofs.
    pub(crate) async fn knock(&mut self, door: &Door, carried: &Carried) -> Answer {
        let typed = door.typed.iter().map(|typed| self.typed(*typed, carried)).collect();
        self.send(door, carried, typed).await
    }

    /// Sends a form. Cookies that are not the browser's own are in it for this time only.
    pub(crate) async fn send(&mut self, door: &Door, carried: &Carried, typed: Vec<(&'static str, String)>) -> Answer {
        let own = self.browser.jar.clone();
        self.browser.jar.extend(carried.cookies.iter().map(|(name, value)| (full(name), value.clone())));
        let answer = self.send_with_cookies(door, carried, typed).await;
        if !carried.cookies.is_empty() {
            self.browser.jar = own;
        }
        answer
    }

    async fn send_with_cookies(
        &mut self,
        door: &Door,
        carried: &Carried,
        typed: Vec<(&'static str, String)>,
    ) -> Answer {
        let mut fields: Vec<(String, String)> = Vec::new();
        let hidden = [("csrf", &carried.csrf), ("l", &carried.l)];
        fields.extend(hidden.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))));
        fields.extend(typed.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let path = door.path.replace("{factor}", &carried.factor);
        if carried.same_origin {
            return self.browser.post(&path, &fields).await;
        }
        let request = self.browser.form_request(&path).header(header::ORIGIN, "https://evil.example");
        self.browser.send(request.body(Body::from(encode(&fields))).expect("a well-formed request")).await
    }
}
