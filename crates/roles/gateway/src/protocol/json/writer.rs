//! Writes one JSON object, member by member.

use std::io::Write;

/// A JSON object that is being written; `end` closes it.
pub(super) struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Opens the object.
    pub(super) fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// A member whose value is a JSON text already.
    pub(super) fn raw(&mut self, name: &'static str, json: &[u8]) -> &mut Self {
        self.name(name).extend_from_slice(json);
        self
    }

    /// A member with a text.
    pub(super) fn text(&mut self, name: &'static str, value: &str) -> &mut Self {
        push_string(self.name(name), value);
        self
    }

    /// A member with a text; left out when it is empty.
    pub(super) fn text_if_any(&mut self, name: &'static str, value: &str) -> &mut Self {
        if value.is_empty() { self } else { self.text(name, value) }
    }

    /// A member with a number.
    pub(super) fn number(&mut self, name: &'static str, value: impl Into<i128>) -> &mut Self {
        // Writing to memory cannot fail.
        let _ = write!(self.name(name), "{}", value.into());
        self
    }

    /// A member that is `true`; left out when it is not.
    pub(super) fn flag(&mut self, name: &'static str, value: bool) -> &mut Self {
        if value { self.raw(name, b"true") } else { self }
    }

    /// A member with a list of objects.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        items: impl Iterator<Item = T>,
        members: impl Fn(&mut ObjectWriter<'_>, T),
    ) -> &mut Self {
        let out = self.name(name);
        out.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let mut object = ObjectWriter::begin(out);
            members(&mut object, item);
            object.end();
        }
        out.push(b']');
        self
    }

    /// A member with an object of its own.
    pub(super) fn object(&mut self, name: &'static str, members: impl FnOnce(&mut ObjectWriter<'_>)) -> &mut Self {
        fill(self.name(name), members);
        self
    }

    /// A member with an object of its own, under a name from outside.
    pub(super) fn entry(&mut self, name: &str, members: impl FnOnce(&mut ObjectWriter<'_>)) -> &mut Self {
        fill(self.any_name(name), members);
        self
    }

    /// A member with a text, under a name from outside.
    pub(super) fn text_entry(&mut self, name: &str, value: &str) -> &mut Self {
        push_string(self.any_name(name), value);
        self
    }

    /// Closes the object.
    pub(super) fn end(self) {
        self.out.push(b'}');
    }

    /// One of the protocol's own names: they need no escapes.
    fn name(&mut self, name: &'static str) -> &mut Vec<u8> {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    fn any_name(&mut self, name: &str) -> &mut Vec<u8> {
        self.separate();
        push_string(self.out, name);
        self.out.push(b':');
        self.out
    }

    fn separate(&mut self) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
    }
}

fn fill(out: &mut Vec<u8>, members: impl FnOnce(&mut ObjectWriter<'_>)) {
    let mut object = ObjectWriter::begin(out);
    members(&mut object);
    object.end();
}

/// Appends `value` as a JSON string (RFC 8259 §7).
fn push_string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let mut rest = value;
    while let Some(at) = rest.find(|character| character < ' ' || character == '"' || character == '\\') {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        // What must be escaped is one byte long.
        let (character, behind) = special.split_at(1);
        match character {
            "\"" => out.extend_from_slice(b"\\\""),
            "\\" => out.extend_from_slice(b"\\\\"),
            control => {
                let _ = write!(out, "\\u{:04x}", control.as_bytes().first().copied().unwrap_or_default());
            }
        }
        rest = behind;
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}
