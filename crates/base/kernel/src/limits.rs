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
/// The notice of the site to everybody, in characters.
pub const NOTICE_CHARS: usize = 300;
/// A chat message, in characters.
pub const MESSAGE_CHARS: usize = 500;
/// A client's own id for its message, in bytes.
pub const CLIENT_ID_BYTES: usize = 64;
/// Accounts that one chat message mentions.
pub const MESSAGE_MENTIONS: usize = 10;
/// A moderator's reason, in characters.
pub const REASON_CHARS: usize = 200;
/// Seconds of a timeout in a chat: up to 7 days.
pub const TIMEOUT_SECONDS: std::ops::RangeInclusive<u32> = 1..=604_800;
/// Seconds of a room's slow mode: up to an hour; 0 is off.
pub const SLOW_MODE_SECONDS: std::ops::RangeInclusive<u32> = 0..=3_600;
/// Minutes after which an account counts as a member of every channel: up to 90 days.
pub const MEMBER_AFTER_MINUTES: std::ops::RangeInclusive<u32> = 1..=129_600;
/// Moderators of one channel.
pub const MODERATORS: usize = 100;
/// Approved members of one channel.
pub const MEMBERS: usize = 10_000;
/// Accounts that are banned from one channel's chat.
pub const BANS: usize = 50_000;
/// Address ranges that are banned from one channel's chat.
pub const ADDRESS_BANS: usize = 500;
/// Days of an address ban; addresses change hands.
pub const ADDRESS_BAN_DAYS: std::ops::RangeInclusive<u32> = 1..=365;
/// Blocked words of one channel, and of the site.
pub const BLOCKED_WORDS: usize = 500;
/// A blocked word, in characters.
pub const BLOCKED_WORD_CHARS: std::ops::RangeInclusive<usize> = 1..=60;
/// Messages that wait for review in one channel.
pub const HELD_MESSAGES: usize = 1_000;
/// Messages of one account that wait for review in one channel.
pub const HELD_MESSAGES_PER_ACCOUNT: usize = 5;
/// Emotes of a site.
pub const EMOTES: usize = 200;
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
