//! Finds blocked words in a text.

use std::collections::HashMap;

use super::fold::{Folded, fold};
use super::model::Consequence;

/// What stands in for each character of a masked word.
const MASK: char = '*';

/// What to do with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is blocked in it.
    Pass,
    /// It has this word, for which messages are refused.
    Refuse(String),
    /// It has this word, for which messages wait for review.
    Hold(String),
    /// Its text, with the words masked.
    Mask(String),
}

/// A word as it is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    word: String,
    letters: Vec<char>,
    open_start: bool,
    open_end: bool,
    consequence: Consequence,
}

impl Pattern {
    /// The pattern of a word; none when nothing is left of it to look for.
    pub(super) fn new(word: &str, consequence: Consequence) -> Option<Self> {
        let trimmed = word.trim();
        let inner = trimmed.strip_prefix('*');
        let (open_start, inner) = (inner.is_some(), inner.unwrap_or(trimmed));
        let core = inner.strip_suffix('*');
        let (open_end, core) = (core.is_some(), core.unwrap_or(inner));
        let letters = fold(core).letters;
        let unspaced = |letter: Option<&char>| letter.is_some_and(|letter| is_unspaced(*letter));
        Some(Self {
            word: trimmed.to_owned(),
            open_start: open_start || unspaced(letters.first()),
            open_end: open_end || unspaced(letters.last()),
            letters,
            consequence,
        })
        .filter(|pattern| !pattern.letters.is_empty())
    }

    /// What two words that match the same texts have in common.
    pub(super) fn key(&self) -> String {
        let star = |open: bool| if open { "*" } else { "" };
        let letters: String = self.letters.iter().collect();
        format!("{}{letters}{}", star(self.open_start), star(self.open_end))
    }

    /// Whether the word stands in the text from the letter `start` on.
    fn stands_at(&self, text: &Folded, start: usize) -> bool {
        let end = start + self.letters.len();
        if text.letters.get(start..end) != Some(&self.letters[..]) {
            return false;
        }
        if !text.begins_character(start) || !text.begins_character(end) {
            return false;
        }
        let (word_start, word_end) = (text.begins_word(start), text.begins_word(end));
        let spaced_out = (start + 1..end).any(|place| text.begins_word(place));
        if spaced_out {
            return word_start && word_end;
        }
        (self.open_start || word_start) && (self.open_end || word_end)
    }
}

/// The blocked words of a channel and of the site.
#[derive(Debug, Default)]
pub(crate) struct WordMatcher {
    by_first: HashMap<char, Vec<Pattern>>,
}

impl WordMatcher {
    pub(crate) fn new(words: Vec<(String, Consequence)>) -> Self {
        let mut by_first: HashMap<char, Vec<Pattern>> = HashMap::new();
        for pattern in words.iter().filter_map(|(word, consequence)| Pattern::new(word, *consequence)) {
            if let Some(first) = pattern.letters.first() {
                by_first.entry(*first).or_default().push(pattern);
            }
        }
        Self { by_first }
    }

    /// What to do with a text: refusing goes before holding, holding before masking.
    pub(crate) fn judge(&self, text: &str) -> Verdict {
        if self.by_first.is_empty() {
            return Verdict::Pass;
        }
        let folded = fold(text);
        let (mut held, mut masked) = (None, Vec::new());
        for (start, letter) in folded.letters.iter().enumerate() {
            let Some(patterns) = self.by_first.get(letter) else { continue };
            for pattern in patterns.iter().filter(|pattern| pattern.stands_at(&folded, start)) {
                match pattern.consequence {
                    Consequence::Refuse => return Verdict::Refuse(pattern.word.clone()),
                    Consequence::Hold => held = held.or_else(|| Some(pattern.word.clone())),
                    Consequence::Mask => {
                        let last = folded.sources.get(start + pattern.letters.len() - 1);
                        masked.extend(folded.sources.get(start).zip(last).map(|(first, last)| *first..=*last));
                    }
                }
            }
        }
        match held {
            Some(word) => Verdict::Hold(word),
            None if masked.is_empty() => Verdict::Pass,
            None => {
                let covered = |place: usize| masked.iter().any(|range| range.contains(&place));
                let mask = |(place, one)| if covered(place) { MASK } else { one };
                Verdict::Mask(text.chars().enumerate().map(mask).collect())
            }
        }
    }
}

/// Whether the letter's script has no spaces between words, or particles grown onto them.
fn is_unspaced(letter: char) -> bool {
    matches!(
        letter,
        '\u{1100}'..='\u{11ff}' | '\u{0e00}'..='\u{0e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{1f000}'..='\u{1faff}' | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(word: &str, text: &str) -> bool {
        WordMatcher::new(vec![(word.into(), Consequence::Refuse)]).judge(text) != Verdict::Pass
    }

    #[test]
    fn words_are_found_through_disguises() {
        for (word, text) in [
            ("word", "a WORD!"),
            ("word", "ｗ\u{200b}ord"),
            ("word", "w.o.r.d"),
            ("word", "w o r d"),
            ("word*", "wordless"),
            ("*word", "sword"),
            ("bad word", "so bad-word"),
            ("바보", "이바보야"),
            ("바보", "바 보"),
            ("바보", "ㅂㅏㅂㅗ"),
            ("바보", "바.보"),
            ("바보", "바\u{3164}보"),
            ("ㅂㅂ", "ㅂㅂㅂ"),
            ("🍆", "a🍆b"),
        ] {
            assert!(finds(word, text), "{word} in {text}");
        }
    }

    #[test]
    fn innocent_texts_pass() {
        for (word, text) in [
            ("word", "swordfish"),
            ("word", "wordless"),
            ("word*", "sword"),
            ("word", "now or drop"),
            ("바보", "바봉"),
            ("시발", "다시 발표"),
            ("바보", "바로 보자"),
            ("ass", "class"),
            ("1004", "ioo4"),
            ("word", ""),
        ] {
            assert!(!finds(word, text), "{word} in {text}");
        }
    }

    #[test]
    fn consequences_have_their_order() {
        let words = [
            ("one", Consequence::Mask),
            ("two", Consequence::Hold),
            ("three", Consequence::Refuse),
            ("나빠", Consequence::Mask),
        ];
        let matcher = WordMatcher::new(words.map(|(word, consequence)| (word.to_owned(), consequence)).into());
        assert_eq!(matcher.judge("one two three"), Verdict::Refuse("three".into()));
        assert_eq!(matcher.judge("one two"), Verdict::Hold("two".into()));
        assert_eq!(matcher.judge("<one> 나빠요 o n e"), Verdict::Mask("<***> **요 *****".into()));
        assert_eq!(matcher.judge("none"), Verdict::Pass);
        assert!(Pattern::new("*", Consequence::Mask).is_none() && Pattern::new(" .. ", Consequence::Mask).is_none());
    }

    #[test]
    fn any_text_is_judged() {
        let matcher = WordMatcher::new(vec![("a".into(), Consequence::Mask), ("\u{fdfa}".into(), Consequence::Mask)]);
        for text in ["\u{fdfa}", "a\u{fdfa}a", "\u{1100}\u{1161}\u{11a8}", "\u{0}", "İ", "\u{1f468}\u{200d}\u{1f469}"]
        {
            let _ = matcher.judge(text);
        }
        let long = "\u{fdfa} ".repeat(250);
        assert_eq!(matcher.judge(&long), Verdict::Mask("* ".repeat(250)));
    }

    proptest::proptest! {
        #[test]
        fn any_word_is_found_in_itself_and_masking_keeps_the_length(word in "\\PC{1,12}", around in "\\PC{0,40}") {
            if let Some(pattern) = Pattern::new(&word, Consequence::Mask) {
                let matcher = WordMatcher::new(vec![(word.clone(), Consequence::Refuse)]);
                let core = word.trim().trim_matches('*');
                if core.len() == word.len() {
                    proptest::prop_assert_eq!(matcher.judge(&word), Verdict::Refuse(word.clone()), "{:?}", pattern);
                }
                let matcher = WordMatcher::new(vec![(word.clone(), Consequence::Mask)]);
                let text = format!("{around} {word} {around}");
                if let Verdict::Mask(masked) = matcher.judge(&text) {
                    proptest::prop_assert_eq!(masked.chars().count(), text.chars().count());
                }
            }
        }

        #[test]
        fn any_text_gets_a_verdict(word in proptest::string::string_regex("(?s).{0,20}").unwrap(), text in proptest::string::string_regex("(?s).{0,200}").unwrap()) {
            let matcher = WordMatcher::new(vec![(word, Consequence::Mask), ("a*".into(), Consequence::Hold)]);
            let _ = matcher.judge(&text);
        }
    }
}
