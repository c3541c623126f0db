//! Names of the kinds of authenticators that people have most, for lists that their owners read. They are the authenticators'
//! own word, so nothing is decided by them.
//!
//! Names and ids are those of the community's list, <https://github.com/passkeydeveloper/passkey-authenticator-aaguids>.

const NAMES: [(&str, &str); 17] = [
    ("08987058-cadc-4b81-b6e1-30de50dcbe96", "Windows Hello"),
    ("0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6", "Keeper"),
    ("2fc0579f-8113-47ea-b116-bb5a8db9202a", "YubiKey 5 Series with NFC"),
    ("50726f74-6f6e-5061-7373-50726f746f6e", "Proton Pass"),
    ("531126d6-e717-415c-9320-3d9aa6981239", "Dashlane"),
    ("53414d53-554e-4700-0000-000000000000", "Samsung Pass"),
    ("771b48fd-d3d4-4f74-9232-fc157ab0507a", "Edge on Mac"),
    ("adce0002-35bc-c60a-648b-0b25f1f05503", "Chrome on Mac"),
    ("b5397666-4885-aa6b-cebf-e52262a439a2", "Chromium Browser"),
    ("b84e4048-15dc-4dd0-8640-f4f60813c8af", "NordPass"),
    ("bada5566-a7aa-401f-bd96-45619a55120d", "1Password"),
    ("d548826e-79b4-db40-a3d8-11116f7e8349", "Bitwarden"),
    ("dd4ec289-e01d-41c9-bb89-70fa845d4bf2", "iCloud Keychain (Managed)"),
    ("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4", "Google Password Manager"),
    ("ee882879-721c-4913-9775-3dfcce97072a", "YubiKey 5 Series"),
    ("fbfc3007-154e-4ecc-8c0b-6e020557d7bd", "Apple Passwords"),
    ("fdb141b2-5d84-443e-8a35-4698c205a502", "KeePassXC"),
];

/// What an authenticator of this kind is called, if it is one of the best known.
pub fn name(aaguid: &str) -> Option<&'static str> {
    NAMES.iter().find(|(id, _)| *id == aaguid).map(|(_, name)| *name)
}

/// An AAGUID as records have it; `None` for what is none, or names no kind.
pub fn normal(text: &str) -> Option<String> {
    let read = uuid::Uuid::try_parse(text).ok().filter(|aaguid| !aaguid.is_nil());
    read.map(|aaguid| aaguid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_one_name_and_is_written_as_ids_are() {
        assert!(NAMES.is_sorted_by(|(a, _), (b, _)| a < b));
        let written = |id: &str| uuid::Uuid::parse_str(id).map(|id| id.to_string());
        assert!(NAMES.iter().all(|(id, _)| written(id).as_deref() == Ok(*id)));
        assert_eq!(name("d548826e-79b4-db40-a3d8-11116f7e8349"), Some("Bitwarden"));
        assert_eq!(name("00000000-0000-0000-0000-000000000000"), None);
    }
}
