//! What each command says of itself.

use super::*;

/// A new command must be decided on here too.
#[test]
fn it_is_known_of_each_command_whether_it_revokes() {
    let named = |revokes: bool| {
        let all = Body::REVOKING.iter().filter(move |(_, r)| *r == revokes).map(|(name, _)| *name);
        all.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        named(true),
        "cancel_recovery change_password change_role complete_recovery confirm_email confirm_address_by_link confirm_own_address confirm_passkey confirm_totp disable_user enable_user \
         end_all_sessions end_session forget_trusted judge_password redeem_code refresh remove_email remove_passkey remove_totp replace_backup_codes \
         require_mfa reset_mfa reset_password revoke_device revoke_token"
    );
    assert_eq!(
        named(false),
        "authorize begin_email begin_own_address begin_passkey begin_recovery begin_registration begin_totp check_session \
         check_token complete_registration decline_mfa explain_policies issue_reset judge_backup_code \
         judge_session mail_registered mail_reset overview raise_session record_delivery register remind_recovery \
         rename_address rename_passkey rename_totp resend_email save_backup_codes send_login_code send_recovery_code show_email \
         show_login_code show_login_passkeys show_own_address show_passkey show_recovery show_registration show_sent_link show_totp \
         take_message verify_email_code verify_sent_link verify_passkey verify_totp"
    );
}

#[test]
fn these_only_look() {
    let looking = Body::LOOKING.iter().filter(|(_, looks)| *looks).map(|(name, _)| *name);
    assert_eq!(
        looking.collect::<Vec<_>>().join(" "),
        "check_session check_token explain_policies judge_session overview show_email show_login_code \
         show_login_passkeys show_own_address show_passkey show_recovery show_registration show_sent_link show_totp"
    );
}

/// A new command that changes what guards the account, or shows what will, belongs here, and asks `sensitive` or `overview::is_fresh`.
#[test]
fn policies_of_operations_reach_the_commands_that_change_what_guards_the_account() {
    let sensitive = Body::SENSITIVE.iter().filter(|(_, sensitive)| *sensitive).map(|(name, _)| *name);
    assert_eq!(
        sensitive.collect::<Vec<_>>().join(" "),
        "begin_email begin_own_address begin_passkey begin_totp change_password confirm_email confirm_address_by_link \
         confirm_own_address confirm_passkey confirm_totp remove_email remove_passkey remove_totp replace_backup_codes resend_email \
         show_passkey show_totp"
    );
}

#[test]
fn a_refresh_revokes_only_where_it_ends_the_family() {
    let raw = |outcome: &RedeemOutcome| serde_json::value::to_raw_value(outcome).expect("JSON");
    assert!(revoked::<Refresh>(&raw(&RedeemOutcome::Refused(Refusal::Reused))));
    assert!(!revoked::<Refresh>(&raw(&RedeemOutcome::Refused(Refusal::Expired))));
    assert!(!revoked::<CheckSession>(RawValue::NULL));
}
