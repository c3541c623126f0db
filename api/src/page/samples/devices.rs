//! What the pages of all devices share: what a removal comes to.

use crate::{
    locale::{Text, text as say},
    page::{Removal, TotpRemovePage, TotpRenamePage},
};

use super::{FormError, Gallery, Texts};

/// The removals that there are, each with the end of its sample's name.
pub(super) fn removals() -> [(&'static str, Removal); 4] {
    let needed = || Text::one_of(vec![say("needed-app"), say("needed-passkey")]);
    [
        ("-remove", Removal { last: false, needed: None }),
        ("-remove-last", Removal { last: true, needed: None }),
        ("-remove-needed", Removal { last: false, needed: needed() }),
        ("-remove-last-needed", Removal { last: true, needed: needed() }),
    ]
}

pub(super) fn apps(gallery: &mut Gallery<'_>, text: &Texts) {
    for (end, removal) in removals() {
        let page = TotpRemovePage { factor: text.of("fac1"), name: text.of("Phone"), removal };
        gallery.add(&text.name(&format!("totp{end}")), &page);
    }
    let rename = |error| TotpRenamePage { factor: text.of("fac1"), name: text.of("Phone"), error };
    gallery.add(&text.name("totp-rename"), &rename(None));
    gallery.add(&text.name("totp-rename-error"), &rename(Some(FormError::field("name", say("totp-nameless")))));
}
