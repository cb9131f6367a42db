//! Writes one JSON object into a text, member by member.

use std::fmt::Write;

/// A JSON object that is being written; `end` closes it.
pub(super) struct ObjectWriter<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Opens the object.
    pub(super) fn begin(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    /// A member whose value is a JSON text already.
    pub(super) fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name).push_str(json);
        self
    }

    /// A member with a text.
    pub(super) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        push_string(self.name(name), value);
        self
    }

    /// A member with a number.
    pub(super) fn number(&mut self, name: &str, value: impl Into<i128>) -> &mut Self {
        // Writing to a text cannot fail.
        let _ = write!(self.name(name), "{}", value.into());
        self
    }

    /// A member that is `true`; left out when it is not.
    pub(super) fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        if value { self.raw(name, "true") } else { self }
    }

    /// A member with a list of JSON texts.
    pub(super) fn list<'b>(&mut self, name: &str, items: impl Iterator<Item = &'b str>) -> &mut Self {
        let out = self.name(name);
        out.push('[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(item);
        }
        out.push(']');
        self
    }

    /// A member with an object of its own.
    pub(super) fn object(&mut self, name: &str, members: impl FnOnce(&mut ObjectWriter<'_>)) -> &mut Self {
        let mut inner = ObjectWriter::begin(self.name(name));
        members(&mut inner);
        inner.end();
        self
    }

    /// Closes the object.
    pub(super) fn end(self) {
        self.out.push('}');
    }

    fn name(&mut self, name: &str) -> &mut String {
        if !self.empty {
            self.out.push(',');
        }
        self.empty = false;
        push_string(self.out, name);
        self.out.push(':');
        self.out
    }
}

/// Appends `value` as a JSON string (RFC 8259 §7).
fn push_string(out: &mut String, value: &str) {
    out.push('"');
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
