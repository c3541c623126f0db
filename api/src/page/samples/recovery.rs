//! The pages of an account whose second factors are all lost.

use crate::{
    locale::text as say,
    page::{Concealed, Cooldown, FormError, RecoveryCancelPage, RecoveryCancelledPage, RecoveryPage, RecoveryStage},
};

use super::{Gallery, NOW, Texts, when};

pub(super) fn recoveries(gallery: &mut Gallery<'_>, text: &Texts) {
    let page = |stage, error| RecoveryPage {
        login: text.of("lgn234"),
        client: Some(text.client()),
        stage,
        ways: text.next_step(text.ways()),
        error,
    };
    let due =
        |sent, again| RecoveryStage::Due { until: when(0), to: text.of("a•••@m•••.example"), sent, again };
    let samples = [
        ("recovery", RecoveryStage::Open { days: 3 }),
        ("recovery-one-day", RecoveryStage::Open { days: 1 }),
        ("recovery-not-offered", RecoveryStage::NotOffered),
        ("recovery-waiting", RecoveryStage::Waiting { begun: when(86_400), due: when(0) }),
        ("recovery-due", due(false, None)),
        ("recovery-code", due(true, Some(Cooldown::starting(NOW, 60)))),
        ("recovery-closed", RecoveryStage::Closed { until: None }),
        ("recovery-paused", RecoveryStage::Closed { until: Some(when(0)) }),
    ];
    for (name, stage) in samples {
        gallery.add(&text.name(name), &page(stage, None));
    }
    let wrong = FormError::field("code", say("sent-wrong"));
    gallery.add(&text.name("recovery-code-error"), &page(due(true, None), Some(wrong)));
    let gone = FormError::whole(say("recovery-ended"));
    gallery.add(&text.name("recovery-code-refused"), &page(due(false, None), Some(gone)));
    let cancel = RecoveryCancelPage {
        token: Concealed::from(text.of("token-of-the-link")),
        user_name: text.of("amelia"),
        begun: when(86_400),
        due: when(0),
    };
    gallery.add(&text.name("recovery-cancel"), &cancel);
    gallery.add(&text.name("recovery-cancelled"), &RecoveryCancelledPage { forgot: !text.hostile });
}
