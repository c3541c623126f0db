//! Samples of the page that confirms an operation.

use crate::page::{OperationLine, OperationLines, OperationPage, ScopeLine};

use super::{Gallery, Texts};

pub(super) fn add(gallery: &mut Gallery<'_>, text: &Texts) {
    let line = |name: &str, value: &str| OperationLine { name: text.of(name), value: text.of(value) };
    let transfer = OperationLines {
        kind: text.of("wire.transfer"),
        lines: vec![
            line("instructedAmount › amount", "123.50"),
            line("instructedAmount › currency", "EUR"),
            line("creditorName", "Merchant A"),
            line("creditorAccount › iban", "DE02100100109307118603"),
            line(
                "remittanceInformationUnstructured",
                "Ref number of the merchant: 4711-0815-A, due before the end of the year",
            ),
        ],
    };
    let close = OperationLines { kind: text.of("https://bank.example/types#account-closing"), lines: Vec::new() };
    let page = |operations, scopes| OperationPage {
        login: text.of("lgn234"),
        client: text.client(),
        user_name: text.of("amelia"),
        operations,
        scopes,
    };
    gallery.add(&text.name("operation"), &page(vec![transfer.clone()], Vec::new()));
    let scopes = ["openid", "email"].map(ScopeLine::new).to_vec();
    gallery.add(&text.name("operation-consent"), &page(vec![transfer, close], scopes));
}
