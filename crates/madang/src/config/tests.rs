//! What is set, and what is refused.

use super::*;
use crate::cli::ServeArguments;

/// The settings with these variables.
pub(super) fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    load(&ServeArguments::default(), variables.into_iter())
}

#[test]
fn the_default_file_says_what_the_components_say() {
    let config = with(&[]).unwrap();
    assert_eq!(config.api, api::Settings::default());
    assert_eq!(config.people, people::Settings::default());
    assert_eq!(config.live, live::Settings::default());
    assert_eq!(config.chat, chat::Settings::default());
    assert_eq!(config.gateway, gateway::Settings::default());
    assert_eq!(config.media, media::MediaSettings::default());
    assert_eq!(config.ingest, media::ingest::IngestSettings::default());
}

#[test]
fn a_variable_is_a_setting() {
    let config = with(&[("MADANG_HTTP", "127.0.0.1:9"), ("MADANG_ENGINES_SQL_CONNECTIONS", "3")]).unwrap();
    assert_eq!(config.http.port(), 9);
    assert_eq!(config.engines.sql_connections, 3);
}

#[test]
fn every_setting_of_the_default_file_is_a_variable_of_its_own() {
    fn collect(settings: &toml::Table, prefix: &str, found: &mut Vec<(String, String)>) {
        for (key, value) in settings {
            match value {
                toml::Value::Table(inner) => collect(inner, &format!("{prefix}{key}_"), found),
                toml::Value::Array(list) => {
                    let list: Vec<_> = list.iter().map(|item| item.as_str().unwrap()).collect();
                    found.push((format!("{prefix}{key}"), list.join(",")));
                }
                toml::Value::String(text) => found.push((format!("{prefix}{key}"), text.clone())),
                toml::Value::Integer(number) => found.push((format!("{prefix}{key}"), number.to_string())),
                toml::Value::Float(number) => found.push((format!("{prefix}{key}"), number.to_string())),
                toml::Value::Boolean(on) => found.push((format!("{prefix}{key}"), on.to_string())),
                toml::Value::Datetime(_) => panic!("{key}: no variable can be a date"),
            }
        }
    }
    let mut settings = Vec::new();
    collect(&layers::DEFAULTS.parse().unwrap(), "MADANG_", &mut settings);
    let names: std::collections::BTreeSet<_> = settings.iter().map(|(name, _)| name.to_uppercase()).collect();
    assert!(names.len() > 100 && names.len() == settings.len(), "no two settings have the same variable");
    for (name, value) in settings {
        let name = name.to_uppercase();
        if let Err(error) = with(&[(&name, &value)]) {
            panic!("{name}={value}: {error}");
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (name, value) in [
        ("MADANG_NO_SUCH_THING", "1"),
        ("MADANG_ENGINES_SQL_CONNECTIONS", "many"),
        ("MADANG_HTTP", "here"),
        ("MADANG_CHAT_RATE", "often"),
    ] {
        let error = with(&[(name, value)]).unwrap_err().to_string().to_lowercase();
        let setting = name.trim_start_matches("MADANG_").to_lowercase();
        let last = setting.rsplit('_').next().unwrap_or_default();
        assert!(error.contains(&name.to_lowercase()) || error.contains(last), "{name}: {error}");
    }
    let error = with(&[("MADANG_ENGINES_KAFKA", "b:9092")]).unwrap_err().to_string();
    let told = if cfg!(feature = "kafka") { "kafka://" } else { "built without" };
    assert!(error.contains("engines.kafka") && error.contains(told), "{error}");
    let error = with(&[("MADANG_ENGINES_CASSANDRA", "postgres://host/rooms")]).unwrap_err().to_string();
    let told = if cfg!(feature = "cassandra") { "cassandra://" } else { "built without" };
    assert!(error.contains("engines.cassandra") && error.contains(told), "{error}");
}

#[test]
fn tls_needs_both_files_and_rtmps_needs_tls() {
    let both = [("MADANG_TLS_CERTIFICATE", "chain.pem"), ("MADANG_TLS_KEY", "key.pem")];
    let rtmps = [("MADANG_RTMPS", "0.0.0.0:1936")];
    assert!(with(&[both.as_slice(), &rtmps].concat()).is_ok() && with(&both).unwrap().rtmps.is_none());
    for (variables, told) in [
        (&both[..1], "tls.key"),
        (&both[1..], "tls.certificate"),
        (&rtmps, "rtmps cannot be used: it needs a certificate"),
        (&[("MADANG_RTMPS", "here")], "\"here\" is no address"),
    ] {
        let error = with(variables).unwrap_err().to_string();
        assert!(error.contains(told), "{told}: {error}");
    }
}

#[test]
fn blobs_are_kept_in_one_place() {
    assert_eq!(
        with(&[("MADANG_ENGINES_BLOBS_FOLDER", "/mnt/blobs")]).unwrap().engines.blobs_folder,
        PathBuf::from("/mnt/blobs")
    );
    let both = [("MADANG_ENGINES_BLOBS_FOLDER", "/mnt/blobs"), ("MADANG_ENGINES_S3", "s3://bucket")];
    let error = with(&both).unwrap_err().to_string();
    assert!(error.contains("engines.blobs_folder") && error.contains("engines.s3"), "{error}");
    let error = with(&[("MADANG_ENGINES_S3", "s3://key:hunter2@bucket")]).unwrap_err().to_string();
    let reason = if cfg!(feature = "s3") { "AWS_SECRET_ACCESS_KEY" } else { "built without an S3 client" };
    assert!(error.contains("engines.s3") && error.contains(reason) && !error.contains("hunter2"), "{error}");
}

#[cfg(feature = "s3")]
#[test]
fn pages_may_load_from_the_store_when_viewers_are_sent_there() {
    let store = ("MADANG_ENGINES_S3", "s3://bucket?endpoint=https://s3.example:9000");
    let origins = |sent| {
        let config = with(&[store, ("MADANG_MEDIA_REPLAYS_FROM_STORE", sent)]).unwrap();
        config.media_origins().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(origins("true"), ["https://s3.example:9000"]);
    assert!(origins("false").is_empty());
}

#[test]
fn one_list_of_origins_holds_for_requests_and_realtime_connections() {
    let lists = [
        ("MADANG_API_ALLOWED_ORIGINS", "https://a.example,https://b.example"),
        ("MADANG_API_PUBLIC_URL", "https://live.example"),
    ];
    let gateway = with(&lists).unwrap().gateway("127.0.0.1:80".parse().unwrap());
    assert_eq!(gateway.allowed_origins, ["https://a.example", "https://b.example", "https://live.example"]);
    let error = with(&[("MADANG_GATEWAY_ALLOWED_ORIGINS", "https://a.example")]).unwrap_err();
    assert!(matches!(error, ConfigError::Unknown { .. }), "{error}");
}

#[test]
fn what_several_gateways_cannot_share_is_refused_and_named() {
    let redis = [("MADANG_ENGINES_REDIS", "redis://127.0.0.1:6379"), ("MADANG_ROLE", "gateway")];
    assert!(with(&redis).unwrap().gateway("127.0.0.1:80".parse().unwrap()).shares_bus);
    #[cfg(feature = "cassandra")]
    {
        let kept = [
            ("MADANG_GATEWAY_WITHOUT_NAMESPACE_DURABLE", "true"),
            ("MADANG_ENGINES_CASSANDRA", "cassandra://a,b/rooms"),
        ];
        assert!(with(&[redis.as_slice(), &kept].concat()).is_ok(), "what is kept in a Cassandra is shared");
        // Of a site it takes the rooms alone.
        let site = [("MADANG_SITE_GATEWAY", "true"), ("MADANG_ENGINES_BLOBS_FOLDER", "/tmp"), kept[1]];
        let error = with(&[redis.as_slice(), &site].concat()).unwrap_err().to_string();
        assert!(error.contains("role") && error.contains("engines.sql"), "{error}");
        let whole = [redis.as_slice(), &site, &[("MADANG_ENGINES_SQL", "postgres://host/site")]].concat();
        assert!(with(&whole).unwrap().keeps_rooms_elsewhere());
    }
    for (setting, own) in [
        ("engines.redis", vec![("MADANG_ROLE", "all")]),
        ("engines.redis", vec![("MADANG_ENGINES_REDIS", "redis://a:1,b:2")]),
        ("engines.redis_names", vec![("MADANG_ENGINES_REDIS_NAMES", "madang")]),
        ("engines.redis_names", vec![("MADANG_ENGINES_REDIS_NAMES", "a|b|c")]),
        ("gateway.url", vec![("MADANG_HTTP", "0.0.0.0:80")]),
        ("gateway.url", vec![("MADANG_GATEWAY_URL", "https://rt1.example/")]),
        ("gateway.without_namespace.durable", vec![("MADANG_GATEWAY_WITHOUT_NAMESPACE_DURABLE", "true")]),
        (
            "gateway.without_namespace.history_size",
            vec![
                ("MADANG_GATEWAY_WITHOUT_NAMESPACE_HISTORY_SIZE", "5"),
                ("MADANG_GATEWAY_WITHOUT_NAMESPACE_HISTORY_TTL", "1m"),
            ],
        ),
    ] {
        let error = with(&[redis.to_vec(), own].concat()).unwrap_err().to_string();
        assert!(error.contains(setting), "{setting}: {error}");
    }
    let shared = [redis[0], ("MADANG_ENGINES_SQL", "postgres://host/site")];
    let shared = shared.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let store = crate::cli::StoreArguments::default();
    assert!(load_to_look_after(store, shared.into_iter()).is_ok(), "a command is of no role");
}

#[test]
fn realtime_connections_leave_room_for_requests() {
    let config = with(&[]).unwrap();
    assert!(config.gateway.connections_max < config.api.max_connections as usize);
}
