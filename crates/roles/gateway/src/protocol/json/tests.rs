//! What is written, to the byte.

use std::sync::Arc;

use bytes::Bytes;
use ports::about::{About, ClientInfo};

use super::super::*;

fn text(message: &Message) -> String {
    String::from_utf8(encode(Encoding::Json, message)).unwrap()
}

fn push(published: &Published, form: DataForm, before: Option<&Published>) -> String {
    let mut out = Vec::new();
    super::publication_push(&mut out, "chat:\"1", published, form, before);
    String::from_utf8(out).unwrap()
}

fn positioned(data: &str, offset: u64) -> Published {
    Published::positioned(Bytes::copy_from_slice(data.as_bytes()), None, offset, &"e".into())
}

#[test]
fn a_publication_is_one_line_whatever_it_holds() {
    let plain = |published: &Published| push(published, DataForm::Plain, None);
    let expected = r#"{"push":{"channel":"chat:\"1","pub":{"data":{"a": 1},"offset":7}}}"#;
    assert_eq!(plain(&positioned("{\"a\":\n1}", 7)), expected);
    let expected = r#"{"push":{"channel":"chat:\"1","pub":{"data":1,"offset":1,"epoch":"e"}}}"#;
    assert_eq!(plain(&positioned("1", 1)), expected);
    let not_json = Published::passing(Bytes::from_static(b"\xff"), None);
    assert_eq!(plain(&not_json), r#"{"push":{"channel":"chat:\"1","pub":{"data":null}}}"#);
}

#[test]
fn who_published_and_tags_stand_beside_the_data() {
    let (conn_info, chan_info) = (Some(Bytes::from_static(b"{ \"n\":1 }")), Some(Bytes::from_static(b"[]")));
    let info = Some(Arc::new(ClientInfo { user: "5".into(), client: "c".into(), conn_info, chan_info }));
    let about = Some(Arc::new(About { info, tags: vec![("a\"".into(), "b\n".into())] }));
    let published = Published::passing(Bytes::from_static(b"0"), about);
    let info = r#"{"user":"5","client":"c","conn_info":{ "n":1 },"chan_info":[]}"#;
    let tags = r#"{"a\"":"b\u000a"}"#;
    let expected = format!(r#"{{"push":{{"channel":"chat:\"1","pub":{{"data":0,"info":{info},"tags":{tags}}}}}}}"#);
    assert_eq!(push(&published, DataForm::Plain, None), expected);
}

#[test]
fn readers_of_differences_get_text() {
    let long = "x".repeat(100);
    let (first, second) = (positioned(&format!("[\"{long}\",1]"), 2), positioned(&format!("[\"{long}\",2]"), 3));
    let whole = push(&first, DataForm::Whole, None);
    assert!(whole.contains(&format!(r#""data":"[\"{long}\",1]","offset":2"#)), "{whole}");
    let difference = push(&second, DataForm::Difference, Some(&first));
    assert!(difference.contains(r#","delta":true,"offset":3"#) && difference.len() < 120, "{difference}");
    let nothing_before = push(&second, DataForm::Difference, None);
    assert!(!nothing_before.contains("delta") && nothing_before.contains(&long), "{nothing_before}");
}

#[test]
fn replies_and_pushes_leave_out_what_is_not_there() {
    let reply = |reply| text(&Message::Reply(7, reply));
    assert_eq!(reply(Reply::Publish), r#"{"id":7,"publish":{}}"#);
    let error = Reply::Error(codes::INTERNAL.into());
    assert_eq!(reply(error), r#"{"id":7,"error":{"code":100,"message":"internal server error","temporary":true}}"#);
    assert_eq!(reply(Reply::SubRefresh(Lifetime(Some(9)))), r#"{"id":7,"sub_refresh":{"expires":true,"ttl":9}}"#);
    let result = SubscribeResult { data: Some(Bytes::from_static(b" 1")), ..SubscribeResult::default() };
    assert_eq!(reply(Reply::Subscribe(result)), r#"{"id":7,"subscribe":{"data":1}}"#);
    let push = |channel: &str, push| text(&Message::Push(channel.into(), push));
    let unsubscribe = push("c", Push::Unsubscribe(codes::INSUFFICIENT_STATE));
    assert_eq!(unsubscribe, r#"{"push":{"channel":"c","unsubscribe":{"code":2500,"reason":"insufficient state"}}}"#);
    let disconnect = push("", Push::Disconnect(codes::SHUTDOWN));
    assert_eq!(disconnect, r#"{"push":{"disconnect":{"code":3001,"reason":"shutdown","reconnect":true}}}"#);
    let disconnect = push("", Push::Disconnect(codes::INVALID_TOKEN));
    assert_eq!(disconnect, r#"{"push":{"disconnect":{"code":3500,"reason":"invalid token"}}}"#);
    let message = push("", Push::Message(Bytes::from_static(b"{\n}")));
    assert_eq!(message, r#"{"push":{"message":{"data":{ }}}}"#);
}
