//! Which tokens are believed, and which are not. The tokens in `testdata` were signed by another implementation (PyJWT); their
//! private keys are gone.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Clock, Timestamp};
use proptest::prelude::*;
use serde_json::json;
use sha2::{Sha256, Sha384, Sha512};

use super::{signed::TOKEN_BYTES_MAX, *};

const NOW_S: i64 = 1_800_000_000;
const RSA: &str = include_str!("testdata/rsa.pem");
const RSA_PKCS1: &str = include_str!("testdata/rsa_pkcs1.pem");
const P256: &str = include_str!("testdata/es256.pem");
const P384: &str = include_str!("testdata/es384.pem");
const KEYS: &str = include_str!("testdata/keys.json");
const TOKENS: &str = include_str!("testdata/tokens.txt");

struct At(Mutex<i64>);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(*self.0.lock().unwrap() * 1_000)
    }
}

fn clock() -> Arc<At> {
    Arc::new(At(Mutex::new(NOW_S)))
}

fn with(settings: TokenSettings) -> Verifier {
    Verifier::new(&settings, None, clock()).unwrap()
}

fn secret() -> TokenSettings {
    TokenSettings { hmac_secret_key: "secret".into(), ..TokenSettings::default() }
}

fn part(value: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn sign_as(algorithm: &str, key: &[u8], claims: &serde_json::Value) -> String {
    let message = format!("{}.{}", part(&json!({"alg": algorithm, "typ": "JWT"})), part(claims));
    fn mac<M: Mac + KeyInit>(key: &[u8], message: &str) -> Vec<u8> {
        <M as KeyInit>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
    }
    let signature = match algorithm {
        "HS384" => mac::<Hmac<Sha384>>(key, &message),
        "HS512" => mac::<Hmac<Sha512>>(key, &message),
        _ => mac::<Hmac<Sha256>>(key, &message),
    };
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn sign(claims: &serde_json::Value) -> String {
    sign_as("HS256", b"secret", claims)
}

fn signed_elsewhere() -> Vec<(&'static str, &'static str)> {
    TOKENS.lines().map(|line| line.split_once(' ').unwrap()).collect()
}

#[tokio::test]
async fn a_connection_token_says_who_and_how_long() {
    let verifier = with(secret());
    let claims = json!({"sub": "42", "exp": NOW_S + 60, "info": {"a": 1}, "channels": ["x"], "meta": {"b": 2},
        "subs": {"y": {"info": [1], "data": 7, "override": {"presence": {"value": true}}}}});
    for algorithm in ["HS256", "HS384", "HS512"] {
        let told = verifier.connection(&sign_as(algorithm, b"secret", &claims)).await.unwrap();
        assert_eq!((told.user.as_str(), told.info.as_deref()), ("42", Some(&br#"{"a":1}"#[..])));
        assert_eq!(told.expires_at, Some(Timestamp::from_millis((NOW_S + 60) * 1_000)));
        assert_eq!(told.subscriptions.keys().collect::<Vec<_>>(), ["x", "y"]);
        let y = &told.subscriptions["y"];
        assert_eq!((y.info.as_deref(), y.data.as_deref()), (Some(&b"[1]"[..]), Some(&b"7"[..])));
        assert_eq!(y.overrides.presence, Some(true));
    }
    let never =
        verifier.connection(&sign(&json!({"exp": NOW_S + 60, "expire_at": 0, "b64info": "eyJhIjoxfQ=="}))).await;
    let never = never.unwrap();
    assert_eq!((never.expires_at, never.info.as_deref()), (None, Some(&br#"{"a":1}"#[..])));
    let later = verifier.connection(&sign(&json!({"exp": NOW_S + 60, "expire_at": NOW_S + 90}))).await.unwrap();
    assert_eq!(later.expires_at, Some(Timestamp::from_millis((NOW_S + 90) * 1_000)));
    assert_eq!(verifier.connection(&sign(&json!({"sub": "", "exp": NOW_S}))).await, Err(TokenError::Expired));
    assert_eq!(verifier.connection(&sign(&json!({"nbf": NOW_S + 1}))).await, Err(TokenError::Invalid));
    assert_eq!(verifier.connection(&sign(&json!({"sub": 42}))).await, Err(TokenError::Invalid));
    assert_eq!(verifier.connection(&sign(&json!({"b64info": "?"}))).await, Err(TokenError::Invalid));
}

#[tokio::test]
async fn a_subscription_token_says_for_which_channel() {
    let verifier = with(secret());
    let claims = json!({"sub": "42", "channel": "x", "exp": NOW_S + 9, "info": {}, "override": {"join_leave": {"value": false}}});
    let told = verifier.subscription(&sign(&claims)).await.unwrap();
    assert_eq!((told.user.as_str(), told.channel.as_str(), told.client.as_str()), ("42", "x", ""));
    assert_eq!(told.options.info.as_deref(), Some(&b"{}"[..]));
    assert_eq!(told.options.overrides.join_leave, Some(false));
}

#[tokio::test]
async fn what_others_signed_is_believed_by_its_key_alone() {
    let settings = |rsa: &str, ecdsa: &str| TokenSettings {
        rsa_public_key: rsa.into(),
        ecdsa_public_key: ecdsa.into(),
        ..TokenSettings::default()
    };
    let verifiers =
        [with(settings(RSA, "")), with(settings(RSA_PKCS1, "")), with(settings("", P256)), with(settings("", P384))];
    for (algorithm, token) in signed_elsewhere() {
        let good = match algorithm {
            "ES256" => [false, false, true, false],
            "ES384" => [false, false, false, true],
            _ => [true, true, false, false],
        };
        for (verifier, good) in verifiers.iter().zip(good) {
            let told = verifier.connection(token).await;
            assert_eq!(told.map(|told| told.user).ok(), good.then(|| "42".to_owned()), "{algorithm}");
        }
    }
}

#[tokio::test]
async fn no_algorithm_stands_in_for_another() {
    let both = TokenSettings { rsa_public_key: RSA.into(), ..secret() };
    let verifier = with(both);
    let claims = json!({"sub": "admin"});
    // The public key as a secret: the oldest of these tricks.
    for key in [RSA.as_bytes(), RSA.trim().as_bytes(), b""] {
        assert_eq!(verifier.connection(&sign_as("HS256", key, &claims)).await, Err(TokenError::Invalid));
    }
    // The right secret, under the name of an algorithm that has none.
    for algorithm in ["RS256", "PS256", "ES256", "ES384"] {
        assert_eq!(verifier.connection(&sign_as(algorithm, b"secret", &claims)).await, Err(TokenError::Invalid));
    }
    let good = sign(&claims);
    let (_, signature) = good.rsplit_once('.').unwrap();
    for algorithm in ["none", "None", "", "hs256", "HS1", "RS256", "ES256", "HS512", "EdDSA"] {
        let message = format!("{}.{}", part(&json!({"alg": algorithm})), part(&claims));
        for token in [format!("{message}."), format!("{message}.{signature}"), message] {
            assert_eq!(verifier.connection(&token).await, Err(TokenError::Invalid), "{algorithm}");
        }
    }
    assert_eq!(verifier.connection(&sign_as("HS256", b"Secret", &claims)).await, Err(TokenError::Invalid));
    let critical = format!("{}.{}", part(&json!({"alg": "HS256", "crit": ["b64"]})), part(&claims));
    let signature = <Hmac<Sha256> as KeyInit>::new_from_slice(b"secret").unwrap().chain_update(&critical).finalize();
    let critical = format!("{critical}.{}", URL_SAFE_NO_PAD.encode(signature.into_bytes()));
    assert_eq!(verifier.connection(&critical).await, Err(TokenError::Invalid));
    let long = sign(&json!({"sub": "a".repeat(TOKEN_BYTES_MAX)}));
    assert_eq!(verifier.connection(&long).await, Err(TokenError::Invalid));
    assert_eq!(with(TokenSettings::default()).connection(&good).await, Err(TokenError::Invalid));
}

#[tokio::test]
async fn a_token_for_others_is_not_believed() {
    let strict = with(TokenSettings { audience: "us".into(), issuer: "them".into(), ..secret() });
    for (claims, good) in [
        (json!({"aud": "us", "iss": "them"}), true),
        (json!({"aud": ["others", "us"], "iss": "them"}), true),
        (json!({"aud": ["others"], "iss": "them"}), false),
        (json!({"aud": "us"}), false),
        (json!({"iss": "them"}), false),
        (json!({}), false),
    ] {
        assert_eq!(strict.connection(&sign(&claims)).await.is_ok(), good, "{claims}");
    }
}

#[test]
fn a_key_that_cannot_be_used_is_named() {
    let error = |settings| Verifier::new(&settings, None, clock()).err().unwrap_or_default();
    assert!(error(TokenSettings { rsa_public_key: "x".into(), ..secret() }).contains("rsa_public_key"));
    assert!(error(TokenSettings { rsa_public_key: P256.into(), ..secret() }).contains("another kind"));
    assert!(error(TokenSettings { ecdsa_public_key: RSA.into(), ..secret() }).contains("another kind"));
    assert!(error(TokenSettings { ecdsa_public_key: "AAAA".into(), ..secret() }).contains("ecdsa_public_key"));
}

struct Source {
    document: Mutex<Result<Bytes, String>>,
    fetches: AtomicU32,
}

#[async_trait]
impl KeySource for Source {
    async fn fetch(&self) -> Result<Bytes, String> {
        self.fetches.fetch_add(1, SeqCst);
        self.document.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_one_is_missing() {
    let clock = clock();
    let source = Arc::new(Source { document: Mutex::new(Err("down".into())), fetches: AtomicU32::new(0) });
    let verifier = Verifier::new(&TokenSettings::default(), Some(source.clone()), clock.clone()).unwrap();
    assert!(verifier.has_keys());
    let tokens = signed_elsewhere();
    let good = tokens[0].1;
    assert_eq!(verifier.connection(good).await, Err(TokenError::Unavailable));
    *source.document.lock().unwrap() = Ok(KEYS.into());
    assert_eq!(verifier.connection(good).await, Err(TokenError::Unavailable), "it was tried just now");
    *clock.0.lock().unwrap() += 11;
    for (algorithm, token) in &tokens {
        assert_eq!(verifier.connection(token).await.unwrap().user, "42", "{algorithm}");
    }
    assert_eq!(source.fetches.load(SeqCst), 2);
    // Invented keys make us fetch once in a while, no more; a set's symmetric key signs nothing.
    for _ in 0..20 {
        let unknown = format!("{}.{}.AAAA", part(&json!({"alg": "RS256", "kid": "new"})), part(&json!({})));
        assert_eq!(verifier.connection(&unknown).await, Err(TokenError::Invalid));
        assert_eq!(verifier.connection(&sign(&json!({"sub": "x"}))).await, Err(TokenError::Invalid));
    }
    assert_eq!(source.fetches.load(SeqCst), 2);
    *source.document.lock().unwrap() = Err("down".into());
    *clock.0.lock().unwrap() += 7_200;
    assert!(verifier.connection(good).await.is_ok(), "the last set is good while it cannot be fetched");
    *clock.0.lock().unwrap() += 86_400;
    assert_eq!(verifier.connection(good).await, Err(TokenError::Unavailable));
}

/// Answers the first time, and then not before it is told to.
struct HangingSource {
    answers: tokio::sync::Semaphore,
    fetches: AtomicU32,
}

#[async_trait]
impl KeySource for HangingSource {
    async fn fetch(&self) -> Result<Bytes, String> {
        self.fetches.fetch_add(1, SeqCst);
        self.answers.acquire().await.map_err(|error| error.to_string())?.forget();
        Ok(KEYS.into())
    }
}

#[tokio::test]
async fn a_fetch_that_hangs_keeps_nobody_waiting_whose_key_is_known() {
    let clock = clock();
    let source = Arc::new(HangingSource { answers: tokio::sync::Semaphore::new(1), fetches: AtomicU32::new(0) });
    let verifier = Arc::new(Verifier::new(&TokenSettings::default(), Some(source.clone()), clock.clone()).unwrap());
    let good = signed_elsewhere()[0].1;
    assert!(verifier.connection(good).await.is_ok());
    *clock.0.lock().unwrap() += 11;

    let strangers: Vec<_> = (0..50)
        .map(|number| {
            let unknown = part(&json!({"alg": "RS256", "kid": format!("invented {number}")}));
            let (verifier, unknown) = (verifier.clone(), format!("{unknown}.{}.AAAA", part(&json!({}))));
            tokio::spawn(async move { verifier.connection(&unknown).await })
        })
        .collect();
    while source.fetches.load(SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    for wait_s in [0, 11, 7_200] {
        *clock.0.lock().unwrap() += wait_s;
        assert!(verifier.connection(good).await.is_ok(), "known, and fetched {wait_s} s ago or more");
    }
    assert!(strangers.iter().all(|stranger| !stranger.is_finished()), "the fetch hangs");
    assert_eq!(source.fetches.load(SeqCst), 2, "one fetch at a time, however long it takes");

    source.answers.add_permits(1);
    for stranger in strangers {
        assert_eq!(stranger.await.unwrap(), Err(TokenError::Invalid));
    }
    assert_eq!(source.fetches.load(SeqCst), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_change_to_a_token_goes_unseen(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let verifier = with(TokenSettings { rsa_public_key: RSA.into(), ecdsa_public_key: P256.into(), ..secret() });
        let claims = json!({"sub": "42", "exp": NOW_S + 60});
        let elsewhere = signed_elsewhere();
        for token in [sign(&claims), elsewhere[0].1.to_owned(), elsewhere[6].1.to_owned()] {
            let decoded = |token: &str| token.rsplit_once('.').map(|(signed, signature)| {
                (signed.to_owned(), URL_SAFE_NO_PAD.decode(signature).ok())
            });
            let mut bytes = token.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte & 0x7f;
            let changed = String::from_utf8(bytes).unwrap();
            let shorter = &token[..cut.index(token.len())];
            for other in [changed.as_str(), shorter] {
                let believed = runtime.block_on(verifier.connection(other)).is_ok();
                prop_assert_eq!(believed, decoded(other) == decoded(&token), "{}", other);
            }
        }
    }

    #[test]
    fn nothing_that_is_sent_as_a_token_or_a_key_panics(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert!(runtime.block_on(with(secret()).connection(&text)).is_err());
        let pem = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let _ = super::public_key::PublicKey::from_pem(&pem);
    }
}
