//! What Enhanced RTMP's ends tell each other when they connect (Enhanced RTMP v2, "Enhancing NetConnection connect").

use crate::codec::amf0::Value;

/// Whether the connect object announces Enhanced RTMP.
pub(super) fn are_asked_for(object: &Value) -> bool {
    ["fourCcList", "capsEx", "videoFourCcInfoMap", "audioFourCcInfoMap"].iter().any(|name| object.get(name).is_some())
}

/// What the connect answer tells a peer of Enhanced RTMP: the codecs we forward, and that we read ModEx packets.
pub(super) fn answer() -> Vec<(String, Value)> {
    const FORWARDS: f64 = 4.0;
    const READS_MOD_EX: f64 = 4.0;
    let map = |names: &[&str]| {
        Value::Object(names.iter().map(|name| ((*name).to_owned(), Value::Number(FORWARDS))).collect())
    };
    let (video, audio) = (["avc1", "hvc1", "av01"], ["mp4a", "Opus"]);
    let list = video.iter().chain(&audio).map(|name| Value::string(*name)).collect();
    vec![
        ("fourCcList".to_owned(), Value::StrictArray(list)),
        ("videoFourCcInfoMap".to_owned(), map(&video)),
        ("audioFourCcInfoMap".to_owned(), map(&audio)),
        ("capsEx".to_owned(), Value::Number(READS_MOD_EX)),
    ]
}
