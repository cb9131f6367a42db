//! Appends the fields of one Protobuf message. Fields with their default value are left out, as proto3 has it.

/// Appends an unsigned number.
pub(super) fn number(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        varint(out, u64::from(field << 3));
        varint(out, value);
    }
}

/// Appends a flag.
pub(super) fn flag(out: &mut Vec<u8>, field: u32, value: bool) {
    number(out, field, u64::from(value));
}

/// Appends bytes or a text.
pub(super) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    if !value.is_empty() {
        head(out, field, value.len());
        out.extend_from_slice(value);
    }
}

/// Appends a message, even an empty one.
pub(super) fn message(out: &mut Vec<u8>, field: u32, body: impl FnOnce(&mut Vec<u8>)) {
    varint(out, u64::from(field << 3 | 2));
    delimited(out, body);
}

/// Appends what `body` writes behind its length.
pub(super) fn delimited(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    // Most messages are shorter than 128 bytes: one byte for the length is there already.
    out.push(0);
    body(out);
    let length = out.len() - start - 1;
    let mut prefix = Vec::new();
    if length < 0x80 {
        if let Some(place) = out.get_mut(start) {
            *place = length as u8;
        }
    } else {
        varint(&mut prefix, length as u64);
        out.splice(start..=start, prefix);
    }
}

fn head(out: &mut Vec<u8>, field: u32, length: usize) {
    varint(out, u64::from(field << 3 | 2));
    varint(out, length as u64);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
