//! Configuration, as the parts want it.

use std::{num::NonZero, sync::Arc, time::Duration};

use actors::{
    ServicesOptions,
    clock::Clock,
    domain::{
        context::Settings,
        factor::{password::Lengths, totp::Window},
    },
    entropy::Entropy,
    hasher::Argon2Params,
    key_ring::Rotation,
    notifier::{Carrier, MAX_WAITING},
    vault::MasterKeys,
};
use anyhow::Context as _;
use api::{
    ApiSettings, Network,
    limits::{LimitSettings, Rate},
};
use cluster::{Authority, Caller};
use schema::Store;

use crate::config::{Config, registration::RegistrationBy, totp::TotpWindow, value::Cidr};

/// An account's actor lives this long after its last use; then its record goes into the warm cache.
const ACTOR_IDLE: Duration = Duration::from_secs(20);

/// What services stand on.
pub(super) struct Foundations {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) master_keys: MasterKeys,
    pub(super) authority: Arc<Authority>,
    pub(super) carriers: Vec<Arc<dyn Carrier>>,
    pub(super) peers: Arc<dyn Caller>,
    /// Does this process run account actors?
    pub(super) serves: bool,
}

/// What services are built from, on these foundations.
pub(super) fn options(config: &Config, base: Foundations) -> anyhow::Result<ServicesOptions> {
    let password = &config.password;
    Ok(ServicesOptions {
        store: base.store,
        clock: base.clock,
        entropy: base.entropy,
        master_keys: base.master_keys,
        authority: base.authority,
        peers: base.peers,
        serves: base.serves,
        carriers: base.carriers,
        messages_waiting: MAX_WAITING,
        settings: settings(config)?,
        sms: config.sms.policy(),
        password_lengths: Lengths {
            alone: password.min_length_single_factor.into(),
            with_second_factor: password.min_length_second_factor().into(),
            ..Lengths::default()
        },
        argon2: Argon2Params { m_kib: password.argon2.m_kib, t: password.argon2.t, p: password.argon2.p },
        hash_threads: password.threads.and_then(|threads| NonZero::new(threads.into())),
        hash_queue: password.queue as usize,
        rotation: Rotation {
            every: config.keys.rotate_every.get(),
            lead: config.keys.publish_ahead.get(),
            retain: config.keys.retire_after.get(),
        },
        max_in_flight: config.http.max_in_flight as usize,
        cache_bytes: config.limits.warm_cache_mib as usize * 1024 * 1024,
        idle: ACTOR_IDLE,
    })
}

pub(super) fn surface(config: &Config) -> anyhow::Result<ApiSettings> {
    let network = |range: &Cidr| Network { address: range.address, bits: range.bits };
    let rate = |burst| Rate { burst, window: config.limits.window.get() };
    let defaults = ApiSettings::new(config.issuer.as_str().parse().context("issuer")?);
    Ok(ApiSettings {
        trusted_proxies: config.http.trusted_proxies.iter().map(network).collect(),
        json_token_requests: config.oauth.json_token_requests,
        failure_floor: Duration::from_millis(config.password.failure_floor_ms.into()),
        request_deadline: config.http.request_timeout.get(),
        max_in_flight: config.http.max_in_flight as usize,
        trusted_days: config.trusted_device.days,
        registration: match config.registration.by {
            RegistrationBy::UserName => api::RegistrationBy::UserName,
            RegistrationBy::Email => api::RegistrationBy::Email,
            RegistrationBy::Either => api::RegistrationBy::Either,
        },
        limits: LimitSettings {
            failures: rate(config.limits.failures_per_address),
            registrations: rate(config.limits.registrations_per_address),
            messages: rate(config.limits.messages_per_address),
            ..defaults.limits.clone()
        },
        ..defaults
    })
}

fn settings(config: &Config) -> anyhow::Result<Settings> {
    Ok(Settings {
        issuer: config.issuer.as_str().to_owned(),
        // Said by the providers that there are.
        sends_mail: false,
        sends_text: false,
        trust_lifetime: Duration::from_hours(24 * u64::from(config.trusted_device.days)),
        recovery_wait: Duration::from_hours(24 * u64::from(config.recovery.waiting_days)),
        allow_synced_passkeys: config.passkeys.allow_synced,
        attestation: config
            .passkeys
            .demand()
            .map_err(|error| anyhow::anyhow!("passkeys.attestation_roots: {error}"))?,
        totp_window: match config.totp.window {
            TotpWindow::Both => Window::Both,
            TotpWindow::Back => Window::Back,
            TotpWindow::Strict => Window::Strict,
        },
        session_absolute: config.session.absolute.get(),
        session_idle: config.session.idle.get(),
        code_lifetime: config.token.code.get(),
        access_token_lifetime: config.token.access.get(),
        id_token_lifetime: config.token.id.get(),
        refresh_absolute: config.token.refresh_absolute.get(),
        refresh_idle: config.token.refresh_idle.get(),
    })
}
