//! What may be written.

use kernel::limits;

use super::Error;

/// Characters that show nothing and are not white space to Unicode: joiners, marks, and the Hangul fillers.
const INVISIBLE: [char; 13] = [
    '\u{ad}', '\u{115f}', '\u{1160}', '\u{17b4}', '\u{17b5}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}',
    '\u{200f}', '\u{2060}', '\u{3164}', '\u{feff}',
];

/// Whether a character shows nothing and is no white space.
pub(crate) fn is_invisible(character: char) -> bool {
    INVISIBLE.contains(&character)
}

/// A message has something to read in it, at most 500 characters, and of control characters only line breaks.
pub(super) fn check_text(text: &str) -> Result<(), Error> {
    // No character is shorter than a byte and none longer than four: only what can fit is counted.
    let fits = text.len() <= 4 * limits::MESSAGE_CHARS && text.chars().count() <= limits::MESSAGE_CHARS;
    if !fits {
        return Err(Error::TextTooLong);
    }
    if text.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
        return Err(Error::TextEmpty);
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::TextControl);
    }
    Ok(())
}

/// A client's own id: 1 to 64 bytes without control characters.
pub(super) fn check_client_id(client_id: &str) -> Result<(), Error> {
    let fits = (1..=limits::CLIENT_ID_BYTES).contains(&client_id.len());
    if fits && !client_id.contains(char::is_control) { Ok(()) } else { Err(Error::ClientId) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_written() {
        for good in ["a", " a ", "two\nlines", "<b>&amp;\"</b>", "한글", "👩‍👩‍👧", &"\u{1f600}".repeat(500)]
        {
            assert!(check_text(good).is_ok(), "{good:?}");
        }
        for empty in ["", " ", "\n\n", "\u{3164}", "\u{200b}\u{feff} "] {
            assert!(matches!(check_text(empty), Err(Error::TextEmpty)), "{empty:?}");
        }
        for long in ["a".repeat(501), "\u{1f600}".repeat(501), " ".repeat(3_000)] {
            assert!(matches!(check_text(&long), Err(Error::TextTooLong)));
        }
        for control in ["a\0", "bell\u{7}", "a\u{1b}[2J", "a\u{85}b"] {
            assert!(matches!(check_text(control), Err(Error::TextControl)), "{control:?}");
        }
    }
}
