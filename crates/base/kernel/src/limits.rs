//! Every limit of a name, a page and a text, in one place. An error that a limit causes names the limit.

/// Handles: 3 to 24 characters of a–z, 0–9 and underscore, beginning with a letter.
pub const HANDLE_CHARS: std::ops::RangeInclusive<usize> = 3..=24;
/// Display names, in characters.
pub const DISPLAY_NAME_CHARS: std::ops::RangeInclusive<usize> = 1..=40;
/// Passwords, in characters; the upper end bounds the work of hashing.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;
/// A profile's text about its owner, in characters.
pub const BIO_CHARS: usize = 500;
/// Titles of broadcasts, in characters.
pub const TITLE_CHARS: std::ops::RangeInclusive<usize> = 1..=120;
/// A chat message, in characters.
pub const MESSAGE_CHARS: usize = 500;
/// A client's own id for its message, in bytes.
pub const CLIENT_ID_BYTES: usize = 64;
/// Entries on a page unless asked otherwise.
pub const PAGE_DEFAULT: u32 = 50;
/// Entries on a page at the most.
pub const PAGE_MAX: u32 = 200;
/// A JSON request body, in bytes.
pub const JSON_BODY_BYTES: usize = 64 * 1024;
/// A channel's name, in bytes (as in the Centrifuge protocol).
pub const CHANNEL_BYTES: usize = 255;
/// Taps in one batch of hearts.
pub const HEART_TAPS: usize = 256;
